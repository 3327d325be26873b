"""Paths, queries, cursors and headers that no client should send."""

import json
import re
import socket
from base64 import urlsafe_b64encode
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tests.api.bad_input import MARK, PROBLEM, Known, complaint, none_wrong, note
from tests.api.talk import Json, cursor_of


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
        ("GET", "/v1/jobs/", None, 404, "not-found"),
        ("POST", f"{known.path}/", moved, 404, "not-found"),
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
            *([float(each), some] for each in ("nan", "inf", "-inf")),
            *(None, 1, 1.5, "1", {}, {"a": 1}, [], [None], [[1]], [True], ["1"], [MARK], [1.5]),
            *([-1], [2**63], [10**300], [1, 2, 3], [1, None], [1, 2], [1, MARK], [None, some]),
            *(["nan", some], ["1_0", some], [True, some], [[1], some], [10**320, some]),
        ]
        bound = [cursor_of(path, *each) for each in made if isinstance(each, list)]
        unbound = map(cursor, made)
        cursors = ["", "%", "!!", "a", "ÄÖ", "\x00", "x" * 500, *unbound, *bound]
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
    for header in "On-Behalf-Of", "Idempotency-Key":
        for value in values:
            sent = {b"Content-Type": b"application/json", header.encode(): value}
            answer = known.http.post(known.path, content=note(), headers=sent)
            assert not complaint(answer, 422, "invalid-request"), (header, value)
    # What is no HTTP at all never reaches the application.
    port = known.http.base_url.port
    for line in b"On-Behalf-Of: a\0b", b"Content-Length: -5", b"Content-Length: 1" + b"0" * 40:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(f"POST {known.path} HTTP/1.1\r\nHost: x\r\n".encode() + line + b"\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


NASTY: list[Any] = [
    *("", " ", "0", "-1", "1", "NaN", "inf", "-0", "1e999", "null", "true", "\0", "\n", "%s", "%"),
    *("2026", "2026-05-04T09:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    *("0001-01-01T00:00:00+14:00", "active", "applied", "open", "x" * 201, "x" * 60_000),
    *(str(2**31), str(2**63), str(10**400), "'; DROP TABLE hirelog.events; --", "{where}", "\\"),
    *(str(uuid4()), "\ufffe", "\U0010ffff", "1_0", "\N{ARABIC-INDIC DIGIT FIVE}"),
    *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"),
]


def test_no_query_breaks_a_route(known: Known, promised: Json) -> None:
    """Each parameter of each route with every other nasty value, by turns: answers or refusals."""
    ids = {
        "{candidate_id}": known.candidate,
        "{job_id}": known.job,
        "{application_id}": known.application,
        "{schema}": "ats_pipeline",
        "{model}": "ats_pipeline",
        "{position}": "1",
    }
    known.system.settings.wait_seconds = 0  # many a position lies in the future
    asked, turns = 0, count()
    for template, methods in promised["paths"].items():
        path = re.sub(r"{\w+}", lambda found: ids.get(found[0], str(uuid4())), template)
        for parameter in methods.get("get", {}).get("parameters", []):
            for value in NASTY[next(turns) % 2 :: 2] if parameter["in"] == "query" else []:
                query = f"{path}?{parameter['name']}={quote(value)}"
                answer = known.http.get(query, headers={"Connection": "close"})
                asked += 1
                if answer.status_code != 200:
                    assert answer.status_code in {404, 409, 422}, (query, answer.text)
                    assert answer.headers["Content-Type"] == PROBLEM
    assert asked > 1_000
