"""Bodies that cannot be read, do not fit, break a rule or are too large."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import examples
from tests.api.bad_input import JSON, MARK, PROBLEM, Known, complaint, none_wrong, note
from tests.api.talk import Json

FUZZ = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def none_taken(known: Known, path: str, bodies: list[Json]) -> None:
    """Every body is refused as it stands, before any rule looks at it."""
    none_wrong(
        {
            str(body)[:150]: complaint(known.http.post(path, json=body), 422, "invalid-request")
            for body in bodies
        }
    )


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
        "a field twice": b'{"type":"noted","text":"x","text":"y"}',
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
        assert not complaint(answer, 415, "unsupported-media-type"), media


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


def test_body_of_ten_megabytes(known: Known) -> None:
    body = note(text="x" * 10_000_000)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    whole = known.http.post(known.path, content=body, headers=JSON)
    assert not complaint(whole, 413, "content-too-large")
    assert whole.headers.get("Connection") != "close", "a reset would overtake the answer"
    # Without a Content-Length the answer comes while the client still sends.
    with httpx.Client(base_url=known.http.base_url, headers=known.http.headers) as other:
        chunked = other.post(known.path, content=chunks(), headers=JSON)
    assert not complaint(chunked, 413, "content-too-large")


def test_large_body_is_not_waited_for(known: Known) -> None:
    """It could be without an end; the server keeps no more of it than it takes."""
    known_by = f"Authorization: {known.http.headers['Authorization']}\r\n".encode()
    head = f"POST {known.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    head += known_by
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for sent in (
        head + b"Content-Length: 10000000\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20,
    ):
        with socket.create_connection(("127.0.0.1", known.http.base_url.port), timeout=10) as raw:
            raw.sendall(sent)
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


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
