"""Rebuilding and parked events over HTTP, with a service that projects and builds."""

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import httpx
import psycopg
import pytest

from api.wiring import System
from projections import READ_MODELS
from projections.runtime.builder import Builder
from tests.api.bad_input import Known, complaint
from tests.api.talk import AsCaller, Json
from tests.databases import Database, all_rows, wait_until_projected

AT = "/v1/projections"


@pytest.fixture
def building(projected: System) -> Iterator[None]:
    """Rebuilds are carried through meanwhile."""
    stop = Event()
    thread = Thread(target=Builder(projected.conninfo, READ_MODELS, 100).run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join()


def eventually(ask: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def builds(http: httpx.Client, state: str) -> list[Json]:
    items: list[Json] = http.get(f"{AT}/builds").json()["items"]
    return [item for item in items if item["state"] == state]


def pipeline_rows(database: Database) -> Json:
    rows = all_rows(database.service)
    return {table: rows[table] for table in rows if table.startswith("ats_pipeline.")}


def on_record(http: httpx.Client) -> list[tuple[str, str, str | None]]:
    """Who did what to read models and why, the first first."""
    items = http.get("/v1/feed", params={"limit": 1000}).json()["items"]
    return [
        (each["data"]["type"], each["data"]["actor"], each["data"]["reason"])
        for each in items
        if each["source"] == AT
    ]


def test_a_rebuild_takes_the_place_of_the_live_tables_and_back(
    applicant: Known, building: None, database: Database
) -> None:
    http, before = applicant.http, pipeline_rows(database)
    live = {item["model"]: item["build"] for item in builds(http, "live")}
    begun = http.post(f"{AT}/rebuilds", json={"models": ["ats_pipeline"]})
    assert begun.status_code == 202
    assert begun.json()["models"] == ["ats_pipeline"]
    retired = eventually(lambda: builds(http, "retired"))
    assert [(item["model"], item["build"]) for item in retired] == [
        ("ats_pipeline", live["ats_pipeline"])
    ]
    eventually(lambda: not http.get(f"{AT}/rebuilds").json()["items"])
    assert pipeline_rows(database) == before
    back = http.post(f"{AT}/ats_pipeline/switch-back").json()
    assert (back["state"], back["schema_name"]) == ("live", "ats_pipeline")
    assert {item["model"]: item["build"] for item in builds(http, "live")} == live
    assert pipeline_rows(database) == before
    (other,) = builds(http, "retired")
    dropped = http.delete(f"{AT}/builds/{other['schema_name']}")
    assert (dropped.status_code, dropped.json()["state"]) == (200, "retired")
    assert builds(http, "retired") == []
    assert [what for what, *_ in on_record(http)] == [
        "read-model-rebuild-begun",
        "read-model-switched-back",
        "read-model-build-dropped",
    ]


def test_a_rebuild_is_paused_resumed_and_given_up(applicant: Known, as_caller: AsCaller) -> None:
    http, ola = applicant.http, as_caller("analyst:ola")
    begun = http.post(f"{AT}/rebuilds", json={"reason": "New disks"}, headers=ola).json()
    assert begun["models"] == [m.name for m in READ_MODELS]
    assert http.post(f"{AT}/crm_engagement/pause", headers=ola).json()["state"] == "paused"
    again = http.post(f"{AT}/crm_engagement/pause")
    assert (again.status_code, again.json()["code"]) == (409, "not-possible")
    resumed = http.post(f"{AT}/crm_engagement/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "waiting")
    abandoned = http.post(f"{AT}/crm_engagement/abandon").json()
    assert len(abandoned["dropped"]) == 1
    assert sorted(abandoned["left"]) == ["ats_pipeline", "compliance_audit"]
    for name in abandoned["left"]:
        assert http.post(f"{AT}/{name}/abandon").status_code == 200
    assert http.get(f"{AT}/rebuilds").json() == {"items": []}
    assert {item["state"] for item in http.get(f"{AT}/builds").json()["items"]} == {"live"}
    told = on_record(http)
    assert told[:3] == [("read-model-rebuild-begun", "analyst:ola", "New disks")] * 3
    assert told[3] == ("read-model-rebuild-paused", "analyst:ola", None)
    assert [what for what, *_ in told[4:]] == [
        "read-model-rebuild-resumed",
        *["read-model-rebuild-abandoned"] * 3,
    ]


def test_a_model_as_of_a_moment_is_kept_beside_the_live_one(
    applicant: Known, building: None
) -> None:
    http = applicant.http
    moment = "2020-01-01T00:00:00Z"
    given = {"models": ["ats_pipeline"], "as_of": moment, "by": "occurred"}
    assert http.post(f"{AT}/rebuilds", json=given).json()["purpose"] == "as-of"
    (kept,) = eventually(lambda: builds(http, "kept"))
    assert (kept["as_of"], kept["as_of_by"]) == (moment, "occurred")
    with applicant.system.pool.connection() as connection:
        row = connection.execute(
            psycopg.sql.SQL("SELECT count(*) FROM {}.applications").format(
                psycopg.sql.Identifier(kept["schema_name"])
            )
        ).fetchone()
    assert row == (0,)
    assert http.delete(f"{AT}/builds/{kept['schema_name']}").status_code == 200


REFUSED: list[tuple[str, str, Json | None, int, str]] = [
    ("POST", "rebuilds", {"models": ["nobody"]}, 404, "no-read-model"),
    ("POST", "rebuilds", {"as_of": "2999-01-01T00:00:00Z"}, 422, "invalid-request"),
    ("POST", "rebuilds", {"as_of": "2026-01-01T00:00:00"}, 422, "invalid-request"),
    ("POST", "rebuilds", {"model": "ats_pipeline"}, 422, "invalid-request"),
    ("POST", "rebuilds", {"by": "occurred"}, 422, "invalid-request"),
    ("POST", "nobody/pause", None, 404, "no-read-model"),
    ("POST", "ats_pipeline/pause", None, 409, "not-possible"),
    ("POST", "ats_pipeline/resume", None, 409, "not-possible"),
    ("POST", "ats_pipeline/abandon", None, 409, "not-possible"),
    ("POST", "ats_pipeline/switch-back", None, 409, "nothing-retired"),
    ("DELETE", "builds/ats_pipeline", None, 409, "not-possible"),
    ("DELETE", "builds/hirelog", None, 409, "not-possible"),
    ("POST", "ats_pipeline/parked/retry", {}, 409, "not-parked"),
    ("POST", "ats_pipeline/parked/1/skip", {"reason": "x"}, 409, "not-parked"),
    ("POST", "ats_pipeline/parked/1/skip", {}, 422, "invalid-request"),
    ("GET", "parked?model=nobody", None, 404, "no-read-model"),
]


def test_what_is_not_kept_under_a_key_takes_none(known: Known) -> None:
    for method, path, body, *_ in REFUSED[5:-1]:
        named = {"Idempotency-Key": "k"}
        answer = known.http.request(method, f"{AT}/{path}", json=body, headers=named)
        assert not complaint(answer, 422, "invalid-request"), path
        assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"


def test_what_cannot_be_done_is_refused_by_name(known: Known) -> None:
    for method, path, body, status, code in REFUSED:
        answer = known.http.request(method, f"{AT}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert {item["state"] for item in known.http.get(f"{AT}/builds").json()["items"]} == {"live"}


def test_a_parked_event_is_seen_retried_and_left_out_on_record(
    applicant: Known, database: Database, as_caller: AsCaller
) -> None:
    http, candidate = applicant.http, applicant.candidate
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "INSERT INTO hirelog.events"
            " SELECT max(notification_id) + 1, %s, 2, 'candidate.noted', 'not json'"
            "   FROM hirelog.events",
            (candidate,),
        )
    wait_until_projected(database.service)
    parked = http.get(f"{AT}/parked", params={"model": "crm_engagement"}).json()["items"]
    assert [(p["model"], p["stream"]) for p in parked] == [("crm_engagement", str(candidate))]
    position = parked[0]["position"]
    assert http.get("/metrics").text.count('parked{model="crm_engagement"} 1.0') == 1

    tried = http.post(f"{AT}/crm_engagement/parked/retry", json={"reason": "again"})
    assert (tried.status_code, tried.json()["let_in"], tried.json()["left"]) == (200, 0, 1)
    assert tried.json()["first"]["position"] == position
    left_out = http.post(
        f"{AT}/crm_engagement/parked/{position}/skip",
        json={"reason": "Written by hand"},
        headers=as_caller("analyst:ola"),
    )
    assert (left_out.status_code, left_out.json()["left"]) == (200, 0)
    assert http.get(f"{AT}/parked", params={"model": "crm_engagement"}).json()["items"] == []
    wait_until_projected(database.service)
    (entry,) = http.get("/v1/audit/entries", params={"type": "read-model-parked-skipped"}).json()[
        "items"
    ]
    assert (entry["actor"], entry["reason"]) == ("analyst:ola", "Written by hand")
    assert entry["candidate_id"] == str(candidate)
