"""Input that no client should send, and a database that goes away: named, quick, without a trace.

Every answer is a problem document with a stable code. It repeats nothing of the input, which may
hold personal data, and the log stays as it was.
"""

import json
import re
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, LiteralString, cast
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import domain.candidate
import domain.verdict
from api import errors as errors_at_the_door
from api import examples
from api.app import build_app
from api.settings import Settings
from api.wiring import System
from domain import errors
from tests.databases import Database, wait_until_projected

Json = dict[str, Any]

MARK = "ada.ruiz@example.org"  # stands in the input wherever it can
JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"
FUZZ = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Known:
    """What is on record before the bad input comes."""

    http: httpx.Client
    system: System
    job: str
    candidate: str
    application: str

    @property
    def path(self) -> str:
        """Where interactions with the candidate go."""
        return f"/v1/candidates/{self.candidate}/interactions"

    def events(self) -> int:
        """How many events the log holds."""
        return self.system.recruiting.recorder.max_notification_id() or 0


@pytest.fixture
def applicant(http: httpx.Client, projected: System) -> Known:
    """A job and an applicant."""
    job = http.post("/v1/jobs", json={"type": "opened", "title": "Designer", "stages": ["A", "B"]})
    applied = {"type": "applied", "job_id": job.json()["id"], "source": "Fair", "name": "Ada"}
    begun = http.post("/v1/candidates", json=applied).json()
    application = begun["events"][0]["data"]["application_id"]
    wait_until_projected(projected.conninfo)
    return Known(http, projected, job.json()["id"], begun["id"], application)


@pytest.fixture
def known(applicant: Known) -> Iterator[Known]:
    """The same; the test is to leave the log as it is and the server alive."""
    before = applicant.events()
    yield applicant
    assert applicant.events() == before
    assert applicant.http.get("/healthz").status_code == 200


def complaint(answer: httpx.Response, status: int, code: str) -> str | None:
    """What is wrong with a refusal."""
    text = answer.text
    if answer.status_code != status:
        return f"{answer.status_code} instead of {status}: {text[:200]}"
    if answer.headers["Content-Type"] != PROBLEM:
        return f"is {answer.headers['Content-Type']}"
    problem = answer.json()
    if (problem["status"], problem["code"]) != (status, code):
        return f"{problem['status']} {problem['code']} instead of {code}"
    if problem["type"] != f"urn:hirelog:problem:{code}" or not problem["title"]:
        return f"type {problem['type']}"
    if MARK in text or "Traceback" in text or 'File "' in text or len(text) > 5_000:
        return f"tells too much: {text[:300]}"
    return None


def none_wrong(complaints: dict[str, str | None]) -> None:
    """Every case was refused as it should be."""
    assert complaints
    assert not {case: wrong for case, wrong in complaints.items() if wrong}


def none_taken(known: Known, path: str, bodies: list[Json]) -> None:
    """Every body is refused as it stands, before any rule looks at it."""
    none_wrong(
        {
            str(body)[:150]: complaint(known.http.post(path, json=body), 422, "invalid-request")
            for body in bodies
        }
    )


def note(**fields: Any) -> bytes:
    return json.dumps({"type": "noted", "text": MARK, **fields}).encode()


def test_body_that_cannot_be_read(known: Known) -> None:
    bodies: dict[str, bytes] = {
        "nothing": b"",
        "malformed": b'{"type": "noted", "text": "' + MARK.encode(),
        "null": b"null",
        "a list": f'["{MARK}"]'.encode(),
        "a text": f'"{MARK}"'.encode(),
        "latin-1": b'{"type":"noted","text":"\xff"}',
        "nested brackets": b'{"type":"noted","text":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "open brackets": b"[" * 200_000,
        "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "5000 digits": b'{"type":"noted","text":1' + b"0" * 5_000 + b"}",
        "lone surrogate": b'{"type":"noted","text":"\\ud800"}',
        "lone surrogate as a key": b'{"type":"noted","text":"x","\\udfff":1}',
        "lone surrogate as the type": b'{"type":"\\ud800"}',
        "NUL": b'{"type":"noted","text":"a\\u0000b"}',
        "raw NUL": b'{"type":"noted","text":"a\x00b"}',
        "not a number": b'{"type":"noted","text":NaN}',
    }
    for path in (known.path, "/v1/candidates", "/v1/jobs", f"/v1/jobs/{known.job}/interactions"):
        none_wrong(
            {
                name: complaint(
                    known.http.post(path, content=body, headers=JSON), 422, "invalid-request"
                )
                for name, body in bodies.items()
            }
        )
    for media in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "",
        "nonsense",
    ):
        answer = known.http.post(known.path, content=note(), headers={"Content-Type": media})
        assert not complaint(answer, 422, "invalid-request"), media


def test_body_that_does_not_fit(known: Known) -> None:
    at = "2026-05-04T09:00:00Z"
    message = {"type": "contacted", "message_id": "m1", "channel": "email"}
    move = {"type": "advanced", "application_id": known.application, "to_stage": "B"}
    offer = {"type": "offered", "application_id": known.application}
    bodies: list[Json] = [
        {},
        {"text": MARK},
        {"type": None},
        {"type": MARK},
        {"type": {MARK: MARK}},
        {"type": "opened", "title": MARK},
        {"type": "noted"},
        {"type": "noted", "text": None},
        {"type": "noted", "text": ""},
        {"type": "noted", "text": [MARK]},
        {"type": "noted", "text": 1e308},
        {"type": "noted", "text": "x" * 20_001},
        {"type": "noted", "text": "x", "colour": MARK},
        {"type": "noted", "text": "x", MARK: 1},
        {"type": "noted", "text": "x", "reason": "x" * 201},
        {"type": "noted", "text": "x", "reason": f"{MARK}\0"},
        {"type": "noted", "text": "x", "application_id": MARK},
        {"type": "noted", "text": "x", "application_id": 2**70},
        {**move, "application_id": known.application[:-1]},
        {**move, "to_stage": "   "},
        {**move, "to_stage": {MARK: MARK}},
        {**message, "channel": MARK},
        {**message, "step": 0},
        {**message, "step": 2**63},
        {**message, "step": -(2**70)},
        {**message, "step": 1.5},
        {**message, "message_id": f"{MARK}\0"},
        {**offer, "supersedes": 2**63},
        {**offer, "expires_at": "2026-12-31"},
        {"type": "applied", "job_id": MARK, "source": "x"},
        {"type": "applied", "job_id": known.job, "source": "x", "email": "no address"},
        {"type": "sourced", "source": "x", "origin": MARK},
        {"type": "profile-updated", "removed": [MARK]},
        {"type": "consent-granted", "purpose": MARK},
        *(
            {"type": "noted", "text": "x", "occurred_at": moment}
            for moment in (
                *(at[:-1], at[:10], at[:4], f"{at}{MARK}", MARK, "", [at], {"at": at}),
                *(5, -5, 1e300, -1e300, "5", "-5.5", "1700000000", 2026, True),
                *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
                *("99999-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"),
                *("2026-02-30T09:00:00Z", "2026-05-04T25:00:00Z", "2026-05-04T09:00:00+99:00"),
            )
        ),
    ]
    none_taken(known, known.path, bodies)
    jobs: list[Json] = [
        {"type": "opened"},
        {"type": "closed", "title": MARK},
        {"type": "opened", "title": MARK, "openings": 0},
        {"type": "opened", "title": MARK, "openings": 2**63},
        {"type": "opened", "title": MARK, "stages": []},
        {"type": "opened", "title": MARK, "stages": [MARK, MARK]},
        {"type": "opened", "title": MARK, "stages": [str(number) for number in range(51)]},
        {"type": "opened", "title": MARK, "stages": MARK},
        {"type": "opened", "title": MARK, MARK: MARK},
    ]
    none_taken(known, "/v1/jobs", jobs)


def test_time_that_is_not_a_number_in_a_query(known: Known) -> None:
    for moment in "2026", "5", "-1700000000", "2026-05-04", "2026-05-04T09:00:00", MARK, "":
        for path in (
            f"/v1/candidates/{known.candidate}?as_of=",
            f"/v1/candidates/{known.candidate}?known_at=",
            "/v1/audit/entries?occurred_from=",
            "/v1/engagement/candidates?touched_after=",
        ):
            answer = known.http.get(path + moment)
            assert not complaint(answer, 422, "invalid-request"), path + moment


def test_refusal_by_a_rule(known: Known) -> None:
    unknown, soon = str(uuid4()), datetime.now(UTC) + timedelta(minutes=10)
    own = {"application_id": known.application}
    cases: list[tuple[Json, int, str]] = [
        ({"type": "advanced", **own, "to_stage": "C"}, 422, "unknown-stage"),
        ({"type": "advanced", **own, "to_stage": "A"}, 409, "already-in-stage"),
        (
            {"type": "advanced", **own, "from_stage": "B", "to_stage": "A"},
            409,
            "stage-mismatch",
        ),
        ({"type": "hired", **own}, 409, "no-accepted-offer"),
        ({"type": "offer-accepted", **own}, 409, "no-offer"),
        ({"type": "reinstated", **own}, 409, "already-active"),
        ({"type": "withdrawn", "application_id": unknown}, 422, "unknown-application"),
        ({"type": "noted", "text": "x", "application_id": unknown}, 422, "unknown-application"),
        ({"type": "applied", "job_id": unknown, "source": "x"}, 422, "unknown-job"),
        ({"type": "applied", "job_id": known.job, "source": "x"}, 409, "already-applied"),
        ({"type": "clicked", "message_id": "m1"}, 422, "unknown-message"),
        ({"type": "profile-updated"}, 409, "nothing-to-update"),
        ({"type": "noted", "text": MARK, "occurred_at": str(soon)}, 422, "occurred-in-future"),
        (
            {"type": "noted", "text": MARK, "occurred_at": "9999-12-31T23:59:59Z"},
            422,
            "occurred-in-future",
        ),
    ]
    none_wrong(
        {
            str(body): complaint(known.http.post(known.path, json=body), status, code)
            for body, status, code in cases
        }
    )


def test_what_is_not_there(known: Known) -> None:
    unknown = str(uuid4())
    moved = {"type": "noted", "text": MARK}
    cases: list[tuple[str, str, Json | None, int, str]] = [
        ("GET", f"/v1/candidates/{unknown}", None, 404, "candidate-not-found"),
        ("GET", f"/v1/candidates/{unknown}/interactions", None, 404, "candidate-not-found"),
        ("POST", f"/v1/candidates/{unknown}/interactions", moved, 404, "candidate-not-found"),
        ("GET", f"/v1/engagement/candidates/{unknown}", None, 404, "candidate-not-found"),
        ("GET", f"/v1/jobs/{unknown}", None, 404, "job-not-found"),
        ("GET", f"/v1/jobs/{unknown}/board", None, 404, "job-not-found"),
        ("POST", f"/v1/jobs/{unknown}/interactions", {"type": "closed"}, 404, "job-not-found"),
        ("GET", f"/v1/applications/{unknown}", None, 404, "application-not-found"),
        ("GET", f"/v1/candidates/{known.candidate}?version=2", None, 404, "version-not-found"),
        *(
            ("GET", f"/v1/{noun}/{name}", None, 422, "invalid-request")
            for noun in ("candidates", "jobs", "applications", "engagement/candidates")
            for name in (MARK, "1", "%00", "%FF", unknown[:-1], f"{unknown}x", "x" * 2_000)
        ),
        ("POST", f"/v1/candidates/{MARK}/interactions", moved, 422, "invalid-request"),
        *(
            ("GET", path, None, 404, "not-found")
            for path in (f"/{MARK}", "/v1", "/v1/nothing", "/v2/jobs", "/%00", "/..%2f..%2fetc")
        ),
        ("PUT", known.path, moved, 405, "method-not-allowed"),
        ("DELETE", f"/v1/candidates/{known.candidate}", None, 405, "method-not-allowed"),
        ("POST", "/v1/audit/entries", moved, 405, "method-not-allowed"),
        ("PATCH", "/v1/jobs", moved, 405, "method-not-allowed"),
        ("TRACE", "/healthz", None, 405, "method-not-allowed"),
    ]
    none_wrong(
        {
            f"{method} {path[:90]}": complaint(
                known.http.request(method, path, json=body), status, code
            )
            for method, path, body, status, code in cases
        }
    )
    assert known.http.put("/v1/jobs").headers["Allow"]


def cursor(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_cursor_that_was_never_given_out(known: Known) -> None:
    some = str(uuid4())
    for path in (
        "/v1/jobs",
        "/v1/applications",
        "/v1/audit/entries",
        "/v1/engagement/candidates",
        f"/v1/engagement/candidates/{known.candidate}",
        known.path,
    ):
        made: list[Any] = [
            *("", "{", "nonsense", "NaN", "[NaN]", "[Infinity]", "[1e999]", "\ud7ff", "[" * 300),
            *(f'[NaN, "{some}"]', f'[-Infinity, "{some}"]', f'[1e999, "{some}"]'),
            *(None, 1, 1.5, "1", {}, {"a": 1}, [], [None], [[1]], [True], ["1"], [MARK], [1.5]),
            *([-1], [2**63], [10**300], [1, 2, 3], [1, None], [1, 2], [1, MARK], [None, some]),
            *(["nan", some], ["1_0", some], [True, some], [[1], some], [10**330, some]),
        ]
        cursors = ["", "%", "!!", "a", "ÄÖ", "\x00", "x" * 500, *map(cursor, made)]
        none_wrong(
            {
                f"{path} {each}": complaint(
                    known.http.get(path, params={"cursor": each}, headers={"Connection": "close"}),
                    422,
                    "invalid-cursor",
                )
                for each in cursors
            }
        )
        longer = known.http.get(path, params={"cursor": "x" * 501})
        assert not complaint(longer, 422, "invalid-request")


def test_parameter_out_of_range(known: Known) -> None:
    numbers = ["-1", "x", "", "1.5", "1e3", "NaN", str(2**63), str(10**400), MARK, "%00"]
    candidate = f"/v1/candidates/{known.candidate}"
    cases = [
        *(f"/v1/{some}?limit={n}" for some in ("jobs", "audit/entries") for n in [*numbers, "0"]),
        *(f"{known.path}?limit={number}" for number in [*numbers, "0", "201"]),
        *(f"{candidate}?version={number}" for number in [*numbers, "0"]),
        *(f"/v1/jobs/{known.job}/board?per_stage={number}" for number in [*numbers, "201"]),
        *(
            f"/v1/applications?{name}={number}"
            for name in ("min_days_in_stage", "max_days_in_stage")
            for number in ("-1", "36501", "1e308", "inf", "nan", "x", "", MARK)
        ),
        *(f"/v1/engagement/candidates?min_warmth={n}" for n in ("0", "-1", "nan", "inf", "1e10")),
        *(f"/v1/applications?{name}={MARK}" for name in ("job", "candidate", "status")),
        *(f"/v1/applications?{name}=%00" for name in ("stage", "source", "job")),
        *(f"/v1/audit/entries?{name}=a%00b" for name in ("actor", "type", "candidate")),
        *(f"/v1/audit/entries?{name}=" for name in ("actor", "type", "job", "recorded_to")),
        "/v1/engagement/candidates?pool=%00",
        f"/v1/engagement/candidates?pool={'x' * 201}",
        f"/v1/jobs?status={MARK}",
    ]
    none_wrong({case: complaint(known.http.get(case), 422, "invalid-request") for case in cases})


def test_header_that_is_not_plain(known: Known) -> None:
    values = [
        b"",
        b"a\x01b",
        b"a\x7fb",
        "Zoë".encode(),
        "Zoë".encode("latin-1"),
        b"\xff",
        b"x" * 300,
    ]
    for header in "Hirelog-Actor", "On-Behalf-Of", "Idempotency-Key", "X-Request-Id":
        for value in values:
            sent = {b"Content-Type": b"application/json", header.encode(): value}
            answer = known.http.post(known.path, content=note(), headers=sent)
            assert not complaint(answer, 422, "invalid-request"), (header, value)
    # What is no HTTP at all never reaches the application.
    port = known.http.base_url.port
    for line in b"Hirelog-Actor: a\0b", b"Content-Length: -5", b"Content-Length: 1" + b"0" * 40:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(f"POST {known.path} HTTP/1.1\r\nHost: x\r\n".encode() + line + b"\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_body_of_ten_megabytes(known: Known) -> None:
    body = note(text="x" * 10_000_000)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    whole = known.http.post(known.path, content=body, headers=JSON)
    assert not complaint(whole, 413, "content-too-large")
    # Without a Content-Length the answer comes while the client still sends.
    with httpx.Client(base_url=known.http.base_url) as other:
        chunked = other.post(known.path, content=chunks(), headers=JSON)
    assert not complaint(chunked, 413, "content-too-large")


def test_large_body_is_not_waited_for(known: Known) -> None:
    """It could be without an end; the server keeps no more of it than it takes."""
    head = f"POST {known.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for sent in (
        head + b"Content-Length: 10000000\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20,
    ):
        with socket.create_connection(("127.0.0.1", known.http.base_url.port), timeout=10) as raw:
            raw.sendall(sent)
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


NASTY: list[Any] = [
    *("", " ", "0", "-1", "1", "NaN", "inf", "-0", "1e999", "null", "true", "\0", "\n", "%s", "%"),
    *("2026", "2026-05-04T09:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    *("0001-01-01T00:00:00+14:00", "active", "applied", "open", "x" * 201, "x" * 60_000),
    *(str(2**31), str(2**63), str(10**400), "'; DROP TABLE hirelog.events; --", "{where}", "\\"),
    *(str(uuid4()), "\ufffe", "\U0010ffff", "1_0", "\N{ARABIC-INDIC DIGIT FIVE}"),
    *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"),
]


def test_no_query_breaks_a_route(known: Known, promised: Json) -> None:
    """Each parameter of each route with each nasty value: an answer, or a refusal by name."""
    ids = {
        "{candidate_id}": known.candidate,
        "{job_id}": known.job,
        "{application_id}": known.application,
    }
    asked = 0
    for template, methods in promised["paths"].items():
        path = re.sub(r"{\w+}", lambda found: ids[found[0]], template)
        for parameter in methods.get("get", {}).get("parameters", []):
            for value in NASTY if parameter["in"] == "query" else []:
                query = f"{path}?{parameter['name']}={quote(value)}"
                answer = known.http.get(query, headers={"Connection": "close"})
                asked += 1
                if answer.status_code != 200:
                    assert answer.status_code in {404, 422}, (query, answer.text)
                    assert answer.headers["Content-Type"] == PROBLEM
    assert asked > 1_000


@FUZZ
@given(data=st.data())
def test_no_body_breaks_a_route(known: Known, data: st.DataObject) -> None:
    """One field of an example replaced, for somebody who is not on record."""
    kind = data.draw(st.sampled_from(sorted(examples.INTERACTIONS.keys() - {"sourced"})))
    body = examples.INTERACTIONS[kind]["value"]
    value: Any = data.draw(
        st.sampled_from([None, True, 0, -1, 2**63, 10**40, 1e308, "", "\0", "x" * 25_000, [], {}])
        | st.text(max_size=10)
        | st.dictionaries(st.text(max_size=3), st.none(), max_size=2)
    )
    field = data.draw(st.sampled_from([*body, "reason", "occurred_at", "unknown"]))
    path = f"/v1/candidates/{uuid4()}/interactions"
    answer = known.http.post(path, json={**body, field: value}, headers={"Connection": "close"})
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["Content-Type"] == PROBLEM


TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@contextmanager
def altered(database: Database, there: LiteralString, back: LiteralString) -> Iterator[None]:
    """A setting of the database, changed for all connections and then changed back."""
    name = str(conninfo_to_dict(database.superuser)["dbname"])
    elsewhere = make_conninfo(database.superuser, dbname="postgres")

    def alter(change: LiteralString) -> None:
        statement = sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(name), sql.SQL(change))
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(statement)
            connection.execute(TERMINATE, (name,))

    alter(there)
    try:
        yield
    finally:
        alter(back)


Request = tuple[str, str, Json | None]


def reads(known: Known) -> list[Request]:
    """A request for each route that asks the database."""
    paths = [
        *("/readyz", "/v1/jobs", "/v1/applications", "/v1/audit/entries", "/v1/projections"),
        *("/v1/engagement/candidates", f"/v1/engagement/candidates/{known.candidate}"),
        *(f"/v1/jobs/{known.job}", f"/v1/jobs/{known.job}/board", known.path),
        *(f"/v1/applications/{known.application}", f"/v1/candidates/{known.candidate}"),
        f"/v1/candidates/{known.candidate}?as_of=2027-01-01T00:00:00Z",
    ]
    return [("GET", path, None) for path in paths]


def writes(known: Known) -> list[Request]:
    """A request for each route that records something."""
    return [
        ("POST", "/v1/jobs", {"type": "opened", "title": MARK}),
        ("POST", f"/v1/jobs/{known.job}/interactions", {"type": "closed"}),
        ("POST", "/v1/candidates", {"type": "sourced", "source": "Fair", "name": MARK}),
        ("POST", known.path, {"type": "noted", "text": MARK}),
    ]


def send(known: Known, request: Request) -> tuple[Request, httpx.Response, float]:
    method, path, body = request
    began = time.monotonic()
    answer = known.http.request(method, path, json=body, headers={"Connection": "close"})
    return request, answer, time.monotonic() - began


def unavailable(answers: Iterable[tuple[Request, httpx.Response, float]]) -> dict[str, str | None]:
    """What is wrong with answers that should tell to come back later."""
    return {
        f"{method} {path}": complaint(answer, 503, "database-unavailable")
        or (None if answer.headers.get("Retry-After") else "no Retry-After")
        or (None if seconds < 10 else f"took {seconds} s")
        for (method, path, _), answer, seconds in answers
    }


def test_database_that_goes_away_and_comes_back(applicant: Known, database: Database) -> None:
    asked = reads(applicant) + writes(applicant)
    before = applicant.events()
    with altered(database, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"):
        began = time.monotonic()
        with ThreadPoolExecutor(len(asked)) as threads:
            answers = list(threads.map(lambda request: send(applicant, request), asked))
        none_wrong(unavailable(answers))
        assert applicant.http.get("/healthz").status_code == 200
        while time.monotonic() - began < 9:  # long enough for a growing pause to show
            none_wrong(unavailable([send(applicant, ("GET", "/readyz", None))]))
    # A client that heeds Retry-After finds it well at the second attempt.
    deadline = time.monotonic() + 4
    while bad := [
        (request, answer.text)
        for request, answer, _ in (send(applicant, request) for request in reads(applicant))
        if answer.status_code != 200
    ]:
        assert time.monotonic() < deadline, bad
        time.sleep(0.1)
    assert applicant.events() == before
    assert {send(applicant, request)[1].status_code for request in writes(applicant)} == {201}
    wait_until_projected(applicant.system.conninfo)


def test_database_that_only_reads(applicant: Known, database: Database) -> None:
    """As after a failover to a standby."""
    read_only = "SET default_transaction_read_only = on"
    with altered(database, read_only, "RESET default_transaction_read_only"):
        none_wrong(unavailable(send(applicant, request) for request in writes(applicant)))
        answers = [send(applicant, request)[1].status_code for request in reads(applicant)]
        assert set(answers) <= {200, 503}


def test_ready_only_with_read_models(applicant: Known, database: Database) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute("DROP SCHEMA read_models CASCADE")
    answer = applicant.http.get("/readyz")
    assert not complaint(answer, 503, "database-unavailable"), answer.text


def test_database_that_lives_in_another_time_zone(applicant: Known, database: Database) -> None:
    """All times come back in UTC, also those that have no date in the years of that zone."""
    http, first = applicant.http, "0001-01-01T00:00:00Z"
    with altered(database, "SET timezone = 'America/New_York'", "RESET timezone"):
        early = {"type": "sourced", "source": "Fair", "occurred_at": first}
        begun = http.post("/v1/candidates", json=early).json()
        path = f"/v1/candidates/{begun['id']}/interactions"
        noted = http.post(path, json={"type": "replied", "text": MARK}).json()["events"][0]
        wait_until_projected(applicant.system.conninfo)
        for request in reads(applicant):
            answer = send(applicant, request)[1]
            assert answer.status_code == 200, answer.text
            assert not re.search(r"\d[+-]\d\d:\d\d\"", answer.text), answer.text
        entries = http.get("/v1/audit/entries", params={"candidate": begun["id"]}).json()["items"]
        assert [each["occurred_at"] for each in entries] == [noted["occurred_at"], first]


# What /openapi.json promises


@pytest.fixture(scope="module")
def promised() -> Json:
    """The OpenAPI document; no request is needed to make it."""
    app = build_app(cast("System", SimpleNamespace(settings=Settings())))
    document: Json = json.loads(json.dumps(app.openapi()))
    return document


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def codes(operation: Json) -> dict[str, int]:
    """The documented codes with their statuses."""
    return {
        code: int(status)
        for status, answer in operation["responses"].items()
        for code in answer.get("content", {}).get(PROBLEM, {}).get("examples", {})
    }


def test_every_operation_is_described(promised: Json) -> None:
    found = dict(operations(promised))
    assert len(found) >= 17
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        succeeded = [
            answer["content"]["application/json"]["schema"]
            for status, answer in operation["responses"].items()
            if status.startswith("2")
        ]
        assert succeeded, name
        assert all("$ref" in schema for schema in succeeded), name
        if name != "GET /healthz":
            assert codes(operation)["invalid-request"] == 422, name
            assert codes(operation)["database-unavailable"] == 503, name
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                assert answer["content"].keys() == {PROBLEM}, (name, status)
                assert answer["content"][PROBLEM]["schema"]["$ref"].endswith("/Problem"), name
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter["description"], (name, parameter["name"])


def test_every_refusal_of_an_interaction_is_documented(promised: Json) -> None:
    given_by = [*Path(domain.candidate.__path__[0]).glob("*.py"), Path(domain.verdict.__file__)]
    named = {
        name
        for file in given_by
        for name in re.findall(r"\b(?:errors\.)?([A-Z][A-Za-z]+)\(", file.read_text("utf-8"))
    }
    given = {
        refusal.code: errors_at_the_door.status_of(refusal)
        for refusal in vars(errors).values()
        if isinstance(refusal, type) and issubclass(refusal, errors.Refusal)
        if refusal.__name__ in named | {"ConcurrentChange"}
    }
    assert len(given) > 25
    documented = codes(promised["paths"]["/v1/candidates/{candidate_id}/interactions"]["post"])
    assert given.items() <= documented.items()


def test_every_other_answer_is_documented(promised: Json) -> None:
    for name, operation in operations(promised):
        documented = codes(operation)
        if any(each["name"] == "cursor" for each in operation.get("parameters", [])):
            assert documented.get("invalid-cursor") == 422, name
        if name.startswith("POST"):
            assert documented.get("content-too-large") == 413, name
            assert "200" in operation["responses"], f"{name} sent again"


def test_docs_need_no_other_site(http: httpx.Client) -> None:
    for path in "/docs", "/":
        page = http.get(path, follow_redirects=True)
        assert page.status_code == 200
        linked = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
        assert len(linked) >= 3
        for link in linked:
            assert link.startswith("/"), link
            assert not link.startswith("//"), link
            assert http.get(link).status_code == 200, link
        assert not re.search(r"https?://", page.text)
