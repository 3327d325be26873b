"""A query that names a position waits for it, says what it reflects, and says when it is stale."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from api.wiring import System
from tests.api.talk import open_job
from tests.databases import Database

QUERIES = ["/v1/jobs", "/v1/applications", "/v1/engagement/candidates", "/v1/audit/entries"]
SOURCED = {"type": "sourced", "source": "Fair"}


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_reflects_the_position_that_it_names(http: httpx.Client, path: str) -> None:
    for _ in range(5):
        position = http.post("/v1/candidates", json=SOURCED).headers["Hirelog-Position"]
        for answer in asked(http, path, position):
            assert answer.status_code == 200
            assert int(answer.headers["Hirelog-Position"]) >= int(position)
            assert "Hirelog-Stale" not in answer.headers


def asked(http: httpx.Client, path: str, position: str) -> list[httpx.Response]:
    """Both ways to name a position."""
    return [
        http.get(path, headers={"Hirelog-Position": position}),
        http.get(path, params={"position": position}),
    ]


def test_one_reads_one_s_own_write(http: httpx.Client) -> None:
    for _ in range(10):
        recorded = http.post("/v1/candidates", json=SOURCED).json()
        answer = http.get(
            f"/v1/engagement/candidates/{recorded['id']}", params={"position": recorded["position"]}
        )
        assert answer.status_code == 200


def test_a_board_waits_too(http: httpx.Client) -> None:
    job = open_job(http)
    position = http.get(f"/v1/jobs/{job}").headers.get("Hirelog-Position")
    assert position is None, "read from the job's own events, it is never stale"
    recorded = http.post("/v1/candidates", json=SOURCED | {"job_id": job}).json()
    answer = http.get(f"/v1/jobs/{job}/board", params={"position": recorded["position"]})
    assert int(answer.headers["Hirelog-Position"]) >= recorded["position"]


def test_an_answer_that_had_to_be_stale_says_so(
    http: httpx.Client, projected: System, held: psycopg.Connection
) -> None:
    projected.settings.wait_seconds = 0.5
    position = http.post("/v1/candidates", json=SOURCED).json()["position"]
    begun = time.monotonic()
    answer = http.get("/v1/audit/entries", params={"position": position})
    assert answer.status_code == 200
    assert answer.headers["Hirelog-Stale"] == "true"
    assert int(answer.headers["Hirelog-Position"]) < position
    assert 0.4 < time.monotonic() - begun < 4
    assert "Hirelog-Stale" not in http.get("/v1/audit/entries").headers


def test_many_waiters_are_woken_at_once_and_hold_up_nobody(
    http: httpx.Client, held: psycopg.Connection
) -> None:
    position = http.post("/v1/candidates", json=SOURCED).json()["position"]

    def ask() -> httpx.Response:
        return http.get("/v1/audit/entries", params={"position": position, "limit": 1})

    with ThreadPoolExecutor(60) as pool:
        waiting = [pool.submit(ask) for _ in range(60)]
        time.sleep(0.2)
        assert not any(each.done() for each in waiting)
        begun = time.monotonic()
        assert http.get("/v1/audit/entries", params={"limit": 1}).status_code == 200
        assert time.monotonic() - begun < 2
        held.rollback()
        answers = [each.result() for each in waiting]
    assert time.monotonic() - begun < 4
    assert not any("Hirelog-Stale" in answer.headers for answer in answers)


@pytest.mark.parametrize("position", ["-1", "x", str(2**63)])
def test_a_position_that_is_none_is_refused(http: httpx.Client, position: str) -> None:
    for answer in asked(http, "/v1/audit/entries", position):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_waiting_survives_the_loss_of_the_database(http: httpx.Client, database: Database) -> None:
    http.post("/v1/candidates", json=SOURCED)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    position = http.post("/v1/candidates", json=SOURCED).json()["position"]
    answer = http.get("/v1/audit/entries", params={"position": position})
    assert "Hirelog-Stale" not in answer.headers


def test_a_refusal_that_may_be_stale_says_so_too(
    http: httpx.Client, projected: System, held: psycopg.Connection
) -> None:
    projected.settings.wait_seconds = 0.2
    recorded = http.post("/v1/candidates", json=SOURCED).json()
    answer = http.get(
        f"/v1/engagement/candidates/{recorded['id']}", params={"position": recorded["position"]}
    )
    assert (answer.status_code, answer.headers["Hirelog-Stale"]) == (404, "true")
    assert int(answer.headers["Hirelog-Position"]) < recorded["position"]
