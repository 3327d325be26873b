"""What holds for every request at the door: ids, refusals by name, HEAD, gzip, headers, CORS."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import ValidationError

from api.door.failures import Failures
from api.door.request_ids import RequestIds
from api.settings import Settings
from api.wiring import System, assembled
from projections.ats_pipeline import queries
from tests.api.bad_input import MARK, Known, complaint, note
from tests.api.talk import apply, get, open_job, post
from tests.api.test_batch import NDJSON, PATH, conversation, line, raw
from tests.conftest import served
from tests.databases import Database

ORIGIN = "https://board.example.org"


def test_a_request_has_the_id_that_came_with_it_or_one_of_ours(http: httpx.Client) -> None:
    job = open_job(http)
    plain = ["req-7", "x" * 200, 'any "printable" ~ thing']
    for given in plain:
        assert (
            http.get("/v1/jobs", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
        )
    paths = "/v1/jobs", "/nothing", f"/v1/jobs/{job}?x=1", "/healthz", "/metrics", "/docs"
    for path in paths:
        for given_bytes in (b"", b"x" * 201, "Zoë".encode(), b"a\x7fb", b"a\tb"):
            sent = {b"X-Request-Id": given_bytes} if given_bytes else {}
            answer = http.get(path, headers=sent)
            assert answer.status_code in {200, 404, 422}
            assert UUID(answer.headers["X-Request-Id"]).version == 4


def test_problems_and_events_bear_the_id_of_their_request(http: httpx.Client) -> None:
    named = {"X-Request-Id": "req-8"}
    recording = post(http, "/v1/jobs", {"type": "opened", "title": "Designer"}, **named)
    assert {event["correlation_id"] for event in recording["events"]} == {"req-8"}
    unnamed = http.post("/v1/jobs", json={"type": "opened", "title": "Designer"})
    made = unnamed.json()["events"][0]["correlation_id"]
    assert made == unnamed.headers["X-Request-Id"]
    for method, path, headers, body in (
        ("GET", "/nothing", {}, b""),
        ("PATCH", "/v1/jobs", {}, b""),
        ("POST", "/v1/jobs", {}, b"x" * 2_000_000),
        ("POST", "/v1/jobs", {"Content-Encoding": "gzip"}, b""),
    ):
        answer = http.request(method, path, headers=headers | named, content=body)
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"] == "req-8"
    lines = line({"interaction": {"type": "sourced", "source": "Fair"}}) + b"{}\n"
    recorded, refused, _ = raw(http, lines, **named)
    assert refused["problem"]["request_id"] == "req-8"
    history = get(http, f"/v1/candidates/{recorded['id']}/interactions")["items"]
    assert history[0]["correlation_id"] == "req-8"


def test_a_repeat_keeps_the_id_of_the_first(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    body = {"type": "opened", "title": "Designer"}
    first = http.post("/v1/jobs", json=body, headers=key | {"X-Request-Id": "first"})
    again = http.post("/v1/jobs", json=body, headers=key | {"X-Request-Id": "again"})
    assert again.content == first.content
    assert again.headers["X-Request-Id"] == "again"


def test_what_a_query_does_not_take_is_refused(http: httpx.Client) -> None:
    candidate, application = apply(http, open_job(http))
    cases = {
        "/v1/jobs?statsu=open": ("query.statsu", "takes cursor, "),
        f"/v1/candidates/{candidate}?asof=2026-01-01": ("query.asof", "as_of, "),
        f"/v1/applications/{application}?x": ("query.x", "position"),
        "/v1/jobs?status=open&status=closed": ("query.status", "more than once"),
        "/v1/projections?limit=1": ("query.limit", "takes none"),
    }
    for path, (field, said) in cases.items():
        answer = http.get(path)
        assert not complaint(answer, 422, "invalid-request"), path
        assert answer.json()["errors"][0]["field"] == field
        assert said in answer.json()["detail"], path
    hidden = http.get("/v1/jobs", params={MARK: "1"})
    assert not complaint(hidden, 422, "invalid-request")
    posted = http.post("/v1/jobs?dry_run=true", json={"type": "opened", "title": "Designer"})
    assert not complaint(posted, 422, "invalid-request")
    assert http.get("/healthz?probe=1").status_code == 200
    assert http.get("/v1/jobs?position=&status=").status_code == 422


def test_a_header_that_says_two_things_is_refused(http: httpx.Client) -> None:
    for name in "Authorization", "On-Behalf-Of", "Idempotency-Key":
        key = "Authorization", http.headers["Authorization"]
        twice = [key, key] if name == key[0] else [key, (name, "a"), (name, "b")]
        answer = http.post("/v1/jobs", json={"type": "opened", "title": "A"}, headers=twice)
        assert not complaint(answer, 422, "invalid-request"), name
        assert answer.json()["errors"][0]["field"] == f"header.{name}"


def test_bodies_of_other_types_and_codings(known: Known) -> None:
    for media in "application/json; charset=utf-8", "application/vnd.ats+json", "APPLICATION/JSON":
        answer = known.http.post(known.path, content=b"{}", headers={"Content-Type": media})
        assert not complaint(answer, 422, "invalid-request"), media
    assert not complaint(known.http.post(known.path), 422, "invalid-request")
    untyped = known.http.build_request("POST", known.path, content=note())
    assert not complaint(known.http.send(untyped), 415, "unsupported-media-type")
    for path, media in (known.path, "application/json"), (PATH, NDJSON["Content-Type"]):
        for coding in "gzip", "br", "identity, gzip":
            headers = {"Content-Type": media, "Content-Encoding": coding}
            answer = known.http.post(path, content=note(), headers=headers)
            assert not complaint(answer, 415, "unsupported-media-type"), coding
            assert answer.headers["Accept-Encoding"] == "identity"


def test_a_path_says_which_methods_it_takes(http: httpx.Client) -> None:
    job = open_job(http)
    for path, methods in {
        "/v1/jobs": "GET, HEAD, OPTIONS, POST",
        f"/v1/jobs/{job}": "GET, HEAD, OPTIONS",
        PATH: "OPTIONS, POST",
        "/docs": "GET, HEAD, OPTIONS",
    }.items():
        refused = http.put(path)
        assert not complaint(refused, 405, "method-not-allowed")
        asked = http.options(path)
        assert (asked.status_code, asked.content) == (204, b"")
        assert refused.headers["Allow"] == asked.headers["Allow"] == methods
    assert http.options("/nothing").status_code == 404
    assert http.head(PATH).status_code == 405


def test_head_is_get_without_a_body(http: httpx.Client) -> None:
    candidate, _ = apply(http, open_job(http))
    volatile = {
        "x-ratelimit-reset",
        "date",
        "x-request-id",
        "hirelog-position",
        "x-ratelimit-remaining",
    }
    for path in (
        *("/healthz", "/readyz", "/docs", "/", "/nothing", "/v1/jobs", "/openapi.json"),
        *(f"/v1/candidates/{candidate}", "/static-offline-docs/swagger-ui.css"),
    ):
        got, head = http.get(path), http.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b""
        assert {**head.headers, **dict.fromkeys(volatile, "")} == {
            **got.headers,
            **dict.fromkeys(volatile, ""),
        }, path


def test_head_of_a_stream_comes_to_an_end(http: httpx.Client) -> None:
    head = http.head("/v1/feed", headers={"Accept": "text/event-stream"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"].startswith("text/event-stream")
    assert "Content-Encoding" not in head.headers


def test_large_answers_are_compressed_where_that_is_accepted(http: httpx.Client) -> None:
    open_job(http)
    large = http.get("/openapi.json")
    assert large.headers["Content-Encoding"] == "gzip"
    assert large.headers["Vary"] == "Accept-Encoding"
    assert int(large.headers["Content-Length"]) < len(large.content) / 4
    for refusing in (
        "identity",
        "gzip;q=0",
        "gzip; Q=0.000, *",
        "*;q=0",
        "br, gzip;q=0.1, identity",
    ):
        plain = http.get("/openapi.json", headers={"Accept-Encoding": refusing})
        assert "Content-Encoding" not in plain.headers, refusing
        assert plain.headers["Vary"] == "Accept-Encoding"
        assert plain.content == large.content
    for wanting in ("gzip;q=0.1", "identity;q=0.5, gzip", "*;q=0, gzip;q=1", "br;q=0, gzip"):
        packed = http.get("/openapi.json", headers={"Accept-Encoding": wanting})
        assert packed.headers["Content-Encoding"] == "gzip", wanting
    assert "Content-Encoding" not in http.get("/v1/jobs").headers


def test_lines_of_a_batch_are_sent_as_they_come(http: httpx.Client) -> None:
    with conversation(http, "Accept-Encoding: gzip") as send:
        for number in range(1, 4):
            answer = send(line({"interaction": {"type": "sourced", "source": "Fair"}}))
            assert (answer["line"], answer["status"]) == (number, 201)
        assert send(b"")["summary"]["recorded"] == 3


def test_every_answer_tells_browsers_to_keep_out(http: httpx.Client) -> None:
    for method, path in (
        *(("GET", path) for path in ("/v1/jobs", "/nothing", "/healthz", "/metrics", "/docs")),
        *(("PUT", "/v1/jobs"), ("OPTIONS", "/v1/jobs"), ("GET", "/v1/jobs?x=1")),
        ("GET", "/static-offline-docs/favicon.png"),
    ):
        headers = http.request(method, path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        is_kept_from_caches = path.startswith("/v1") or path == "/nothing"
        assert headers.get("Cache-Control") == ("no-store" if is_kept_from_caches else None), path
    assert "unsafe-inline'; img" in http.get("/docs").headers["Content-Security-Policy"]


def test_other_origins_are_strangers_by_default(http: httpx.Client) -> None:
    answer = http.get("/v1/jobs", headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert "Allow" in http.options("/v1/jobs", headers=preflight).headers


@pytest.fixture
def shared(database: Database, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client on a server that another site may use."""
    settings = Settings(data_dir=tmp_path, cors_origins=(ORIGIN,))
    with assembled(settings, database.service, serving=True) as system, served(system) as client:
        yield client


def test_origins_that_are_let_in(shared: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = shared.get("/v1/nothing", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"ETag", "Link", "Hirelog-Position", "X-Request-Id", "Retry-After"} <= {*exposed}
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key, hirelog-purpose",
    }
    preflight = shared.options("/v1/candidates", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert preflight.headers["X-Request-Id"]
    refused = shared.options("/v1/candidates", headers=asked | {"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert not complaint(refused, 403, "cross-origin-refused")
    unknown = shared.options(
        "/v1/candidates", headers=asked | {"Access-Control-Request-Headers": "x-other"}
    )
    assert not complaint(unknown, 403, "cross-origin-refused")
    assert unknown.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert unknown.json()["request_id"] == unknown.headers["X-Request-Id"]
    monkeypatch.setenv("HIRELOG_CORS_ORIGINS", f"{ORIGIN}, http://localhost:3000")
    assert Settings().cors_origins == (ORIGIN, "http://localhost:3000")
    for wrong in f"{ORIGIN}/", "board.example.org", "https://a b":
        monkeypatch.setenv("HIRELOG_CORS_ORIGINS", wrong)
        with pytest.raises(ValidationError):
            Settings()


def test_a_failure_is_a_problem_like_any_other(
    http: httpx.Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(MARK)

    monkeypatch.setattr(queries, "jobs", fail)
    answer = http.get("/v1/jobs", headers={"X-Request-Id": "req-9"})
    assert not complaint(answer, 500, "internal-error")
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "req-9"
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_fails_before_the_routes_is_a_problem_too() -> None:
    sent: list[dict[str, object]] = []

    async def fail(*_: object) -> None:
        raise TimeoutError(MARK)

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(RequestIds(Failures(fail))(scope, receive, send))
    assert sent[0]["status"] == 500
    assert MARK not in str(sent)
