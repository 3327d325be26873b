"""API keys: what is kept of them, how they are shown, and when one is refused."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import httpx
import psycopg
import pytest

from api.access import keys, recognition
from api.access.callers import Role, Scope
from api.wiring import System
from domain.values import now
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, begin, post
from tests.databases import Database

AT = "/v1/jobs"


@pytest.fixture
def connection(system: System) -> Iterator[psycopg.Connection]:
    with system.pool.connection() as connection:
        yield connection


def asked(http: httpx.Client, authorization: str | None) -> httpx.Response:
    http.headers.pop("Authorization", None)
    given = {b"Authorization": authorization.encode()} if authorization is not None else {}
    return http.get(AT, headers=given)


def test_a_key_is_kept_as_a_digest_alone(
    connection: psycopg.Connection, database: Database
) -> None:
    key = keys.create(connection, Role.SOURCER, "bo", by="ana")
    key_id, secret = key[:12], key[13:]
    assert (key_id, len(secret)) == (keys.id_of(key), 43)
    with psycopg.connect(database.superuser) as superuser:
        (row,) = superuser.execute("SELECT * FROM hirelog.api_keys").fetchall()
    assert key_id in row
    assert sha256(key.encode()).digest() in row
    assert secret not in str(row)
    assert keys.create(connection, Role.SOURCER, "bo", by="ana") != key


def test_ways_to_send_a_key(http: httpx.Client, as_caller: AsCaller) -> None:
    key = as_caller("recruiter:ana")["Authorization"].partition(" ")[2]
    as_user = b64encode(f"{key}:".encode()).decode()
    for right in f"Bearer {key}", f"bearer  {key}", f"Basic {as_user}":
        assert asked(http, right).status_code == 200, right
    wrong = {
        f"Bearer {key}x": "invalid-token",
        f"Bearer {keys.id_of(key)}": "invalid-token",
        f"Bearer {key[:-1]}": "invalid-token",
        "Bearer hlk_": "invalid-token",
        f"Basic {b64encode(key[:-1].encode()).decode()}": "invalid-token",
        "Basic Zoë": "unauthenticated",
        "Basic ---": "unauthenticated",
        key: "unauthenticated",
        "Bearer": "unauthenticated",
        "Digest x": "unauthenticated",
        "": "unauthenticated",
    }
    for given, code in wrong.items():
        answer = asked(http, given)
        assert not complaint(answer, 401, code), given
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="hirelog"')
        assert key[13:] not in answer.text
    assert not complaint(asked(http, None), 401, "unauthenticated")


def test_when_a_key_is_refused(http: httpx.Client, connection: psycopg.Connection) -> None:
    ended = keys.create(
        connection, Role.ADMIN, "a", by="ana", expires_at=now() - timedelta(seconds=1)
    )
    assert not complaint(asked(http, f"Bearer {ended}"), 401, "invalid-token")
    revoked, replaced = (keys.create(connection, Role.ADMIN, "a", by="ana") for _ in range(2))
    for key in revoked, replaced:
        assert asked(http, f"Bearer {key}").status_code == 200
    keys.revoke(connection, keys.id_of(revoked), by="zoe")
    keys.rotate(connection, keys.id_of(replaced), by="zoe", overlap=timedelta(0), expires_at=None)
    time.sleep(recognition.KNOWN_SECONDS)
    for key in revoked, replaced:
        assert not complaint(asked(http, f"Bearer {key}"), 401, "invalid-token")


def test_a_key_that_is_replaced_works_for_a_while(
    http: httpx.Client, connection: psycopg.Connection
) -> None:
    old = keys.create(
        connection, Role.ANALYST, "lu", by="ana", scopes=[Scope.READ], rate_limit="7/hour"
    )
    hour = timedelta(hours=1)
    new = keys.rotate(
        connection, keys.id_of(old), by="zoe", overlap=hour, expires_at=now() + 9 * hour
    )
    for key in old, new:
        assert asked(http, f"Bearer {key}").headers["X-RateLimit-Limit"] == "7"
    before, after = keys.listed(connection)[-2:]
    assert (before.replaced_by, after.actor, after.scopes) == (
        after.key_id,
        "analyst:lu",
        ["read"],
    )
    assert before.expires_at
    assert (before.created_by, after.created_by) == ("ana", "zoe")
    assert now() < before.expires_at <= now() + hour
    for key_id, why in (before.key_id, f"is replaced by {after.key_id}"), ("hlk_none", "no key"):
        with pytest.raises(keys.NoSuchKey, match=why):
            keys.rotate(connection, key_id, by="zoe", overlap=hour, expires_at=None)


def test_last_use_is_known(http: httpx.Client, connection: psycopg.Connection) -> None:
    key = keys.create(connection, Role.ADMIN, "a", by="ana")
    assert asked(http, f"Bearer {key}").status_code == 200
    used = keys.listed(connection)[-1].last_used_at
    assert used
    assert abs(now() - used) < timedelta(seconds=30)


def test_many_at_once_are_looked_up_together(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def find(connection: psycopg.Connection, digest: bytes) -> object:
        looked.append(digest)
        time.sleep(0.2)
        return kept(connection, digest)

    kept = keys.find
    monkeypatch.setattr(keys, "find", find)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: http.get(AT), range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(looked) <= 2


def test_rate_of_a_key(http: httpx.Client, as_caller: AsCaller) -> None:
    slow = as_caller("recruiter:ana", rate_limit="3/hour")
    answers = [http.get(AT, headers=slow) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == [*"2100"]
    reset = int(answers[3].headers["X-RateLimit-Reset"])
    wait = int(answers[3].headers["Retry-After"])
    assert abs(reset - time.time() - wait) < 5
    assert 0 < wait <= 3_601
    assert not complaint(answers[3], 429, "rate-limited")
    assert http.get(AT).status_code == 200, "another key has a rate of its own"
    assert http.get("/healthz", headers=slow).status_code == 200
    refused = http.post(AT, json={}, headers=as_caller("recruiter:bo", rate_limit="3/hour"))
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (422, "2")


def test_who_acts_and_for_whom(http: httpx.Client, as_caller: AsCaller) -> None:
    person = {"type": "sourced", "source": "Fair"}
    for caller in "integration:board", "admin:ada":
        sent = as_caller(caller) | {"On-Behalf-Of": "candidate:self"}
        event = post(http, "/v1/candidates", person, **sent)["events"][0]
        assert (event["actor"], event["on_behalf_of"]) == (caller, "candidate:self")
    sent = as_caller("recruiter:ana") | {"On-Behalf-Of": "recruiter:bo"}
    refused = http.post("/v1/candidates", json=person, headers=sent)
    assert not complaint(refused, 403, "not-permitted")
    line = {"interaction": person, "on_behalf_of": "recruiter:bo", "idempotency_key": "1"}
    for caller, expected in ("recruiter:ana", 403), ("integration:board", 201):
        answers = http.post(
            "/v1/interactions:batch",
            content=json.dumps(line),
            headers=as_caller(caller) | {"Content-Type": "application/x-ndjson"},
        )
        assert json.loads(answers.text.splitlines()[0])["status"] == expected


def test_on_whose_behalf_names_no_candidate(http: httpx.Client, as_caller: AsCaller) -> None:
    """It stands in clear in the event, where no erasure reaches it."""
    person, board = {"type": "sourced", "source": "Fair"}, as_caller("integration:board")

    def sent(behalf: str) -> list[tuple[int, str]]:
        line = json.dumps({"interaction": person, "on_behalf_of": behalf})
        headers = board | {"Content-Type": "application/x-ndjson"}
        whole = http.post("/v1/interactions:batch", content=line, headers=headers)
        told = json.loads(whole.text.splitlines()[0])
        alone = http.post("/v1/candidates", json=person, headers=board | {"On-Behalf-Of": behalf})
        return [(alone.status_code, alone.text), (told.get("status", 422), whole.text)]

    identity = "0f4a3c52-6d1e-4b8a-9c77-2e5d81b6f093"
    for behalf in "candidate:self", f"candidate:{identity}", "recruiter:ana", "candidates":
        assert [status for status, _ in sent(behalf)] == [201, 201], behalf
    for behalf in "candidate:ada@example.org", "candidate:", f"candidate:{identity}7":
        for status, text in sent(behalf):
            assert (status, "self or with the candidate's id" in text) == (422, True), behalf
            assert "ada@" not in text


def test_what_roles_record(http: httpx.Client, as_caller: AsCaller) -> None:
    sourcer = as_caller("sourcer:su")
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    pooled = {"type": "returned-to-pool", "pool": "Designers"}
    assert http.post(path, json=pooled, headers=sourcer).status_code == 201
    application = {"application_id": candidate}
    for refused in (
        {"type": "rejected", **application},
        {"type": "hired", **application},
        pooled | application,
        {"type": "applied", "job_id": candidate, "source": "Fair", "stage": "Offer"},
    ):
        answer = http.post(path, json=refused, headers=sourcer)
        assert not complaint(answer, 403, "not-permitted"), refused
    assert http.post(path, json=pooled | application).json()["code"] == "unknown-application"
