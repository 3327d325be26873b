"""Many interactions in one request: each line as if it had come alone, whatever the others are."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.routes import batch as batches
from tests.api.bad_input import MARK, PROBLEM, Known
from tests.api.talk import AsCaller, Json, ago, apply, begin, get, open_job, say
from tests.api.test_lost_database import altered
from tests.databases import Database

PATH = "/v1/interactions:batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


def raw(http: httpx.Client, content: bytes | Iterable[bytes], **headers: str) -> list[Json]:
    """The answers, the summary last."""
    answer = http.post(PATH, content=content, headers=NDJSON | headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert "Traceback" not in answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def batch(http: httpx.Client, lines: Iterable[Json], **headers: str) -> list[Json]:
    return raw(http, b"".join(line(each) for each in lines), **headers)


def line(content: Json) -> bytes:
    return json.dumps(content).encode() + b"\n"


def note(candidate: str, text: str = "Kind.", **more: Any) -> Json:
    return {"candidate_id": candidate, "interaction": {"type": "noted", "text": text}} | more


def told(answers: list[Json]) -> list[int | str]:
    """The statuses, with the codes of problems in their place."""
    return [each["problem"]["code"] if "problem" in each else each["status"] for each in answers]


def test_each_line_gets_its_answer(as_caller: AsCaller, http: httpx.Client) -> None:
    job = open_job(http)
    applied = {"type": "applied", "job_id": job, "source": "Site", "name": "Ada"}
    begun = batch(http, [{"interaction": applied, "idempotency_key": "1"}])[0]
    candidate, application = begun["id"], {"application_id": begun["application_id"]}
    lines = [
        {"candidate_id": candidate, "interaction": {"type": kind} | application | fields}
        for kind, fields in (
            ("advanced", {"to_stage": "Onsite"}),
            ("advanced", {"to_stage": "Nowhere"}),
            ("rejected", {"rejection_type": "we-rejected"}),
            ("advanced", {"to_stage": "Phone screen"}),
        )
    ]
    lines.append({"interaction": {"type": "noted", "text": "Whose?"}})
    lines.append(note(str(uuid4())))
    lines.append(note(job))
    *answers, end = batch(http, lines, **as_caller("integration:ats"), **{"On-Behalf-Of": "bo"})
    assert told(answers) == [
        *(201, "unknown-stage", 201, "already-rejected"),
        *("invalid-request", "candidate-not-found", "candidate-not-found"),
    ]
    assert [each["line"] for each in answers] == [*range(1, 8)]
    assert end["summary"] == {
        "lines": 7,
        "recorded": 2,
        "replayed": 0,
        "refused": 5,
        "unknown": 0,
        "position": answers[2]["position"],
    }
    history = get(http, f"/v1/candidates/{candidate}/interactions")["items"]
    assert [each["type"] for each in history] == ["applied", "advanced", "rejected"]
    assert [each["actor"] for each in history] == ["admin:ada", *["integration:ats"] * 2]
    assert history[2]["on_behalf_of"] == "bo"
    assert (history[2]["version"], history[2]["position"]) == (
        answers[2]["version"],
        answers[2]["position"],
    )


def test_lines_sent_again(http: httpx.Client, elsewhere: httpx.Client) -> None:
    candidate = begin(http)["id"]
    sourced = {"type": "sourced", "source": "Fair", "name": "Bo"}
    lines: list[Json] = [
        {"interaction": sourced, "idempotency_key": "bo"},
        note(candidate, idempotency_key="k"),
        note(candidate, idempotency_key="k"),
        note(candidate, "Other.", idempotency_key="k"),
        note(candidate, interaction={"type": "noted", "text": "T", "occurred_at": ago(days=1)}),
    ]
    first = batch(http, [*lines, *lines])
    assert told(first[:-1]) == [201, 201, 201, "key-used-before", 201] * 2
    assert [each.get("replayed") for each in first[:5]] == [None, None, True, None, None]
    again = batch(elsewhere, lines)
    assert first[8]["problem"].pop("request_id") != again[3]["problem"].pop("request_id")
    for number, answer in enumerate(again[:-1]):
        assert first[5 + number] == answer | {"line": 6 + number}
    assert again[-1]["summary"]["replayed"] == 4
    alone = http.post("/v1/candidates", json=sourced, headers={"Idempotency-Key": "bo"})
    assert alone.headers["Idempotent-Replayed"] == "true"
    assert alone.json()["id"] == first[0]["id"]
    assert len(get(http, f"/v1/candidates/{candidate}/interactions")["items"]) == 3


def test_line_that_is_wrong_is_wrong_alone(known: Known) -> None:
    good = line(note(str(uuid4())))
    bad = [
        MARK.encode(),
        b'{"interaction":{"type":"noted","text":"\xff"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"text"',
        b"null",
        b"1" + b"0" * 5_000,
        line(note(known.candidate, "a\0b")).strip(),
        b'{"candidate_id":"%s","interaction":{"type":"noted","text":"\\ud800"}}'
        % known.candidate.encode(),
        line(note(known.candidate) | {MARK: 1}).strip(),
        line(note(known.candidate, idempotency_key="ü")).strip(),
        line(note(known.candidate, idempotency_key="k" * 256)).strip(),
        line(note(known.candidate, on_behalf_of="a\nb")).strip(),
        line(note(MARK)).strip(),
        line({"interaction": {"type": MARK}}).strip(),
        line({"candidate_id": known.candidate}).strip(),
        line(note(known.candidate)).strip()[:-1] + b',"idempotency_key":"1","idempotency_key":"2"}',
    ]
    answers = raw(known.http, b"\n \r\n".join([*bad, good]))
    assert told(answers[:-1]) == ["invalid-request"] * len(bad) + ["candidate-not-found"]
    assert [each["line"] for each in answers[:-1]] == [*range(1, 2 * len(bad) + 2, 2)]
    assert MARK not in json.dumps(answers)
    assert all(each["problem"]["errors"] for each in answers[: len(bad)])


def test_line_that_is_too_long(known: Known) -> None:
    longest = known.system.settings.max_body_bytes
    fits = line(note(str(uuid4()), "x" * 20_000)).strip()
    lines = [fits.ljust(longest), fits.ljust(longest + 1), b"x" * (3 * longest), fits]
    answers = raw(known.http, b"\n".join(lines))
    missing = "candidate-not-found"
    assert told(answers[:-1]) == [missing, "content-too-large", "content-too-large", missing]


def test_problems_are_those_of_single_commands(applicant: Known) -> None:
    http = applicant.http
    bodies: list[Json] = [
        {"type": "hired", "application_id": str(uuid4())},
        {"type": "opened", "message_id": "none"},
        {"type": "advanced", "application_id": applicant.application, "to_stage": "C"},
        {"type": "noted", "text": "Kind.", "occurred_at": "2999-01-01T00:00:00Z"},
    ]
    alone = [http.post(applicant.path, json=body).json() for body in bodies]
    lines = [{"candidate_id": applicant.candidate, "interaction": body} for body in bodies]
    together = [each["problem"] for each in batch(http, lines)[:-1]]
    for one, other in zip(alone, together, strict=True):
        assert one.pop("request_id") != other.pop("request_id")
        if one["code"] != "occurred-in-future":  # it tells the time
            assert one == other
        assert one["code"] == other["code"]


def test_headers(known: Known) -> None:
    http, body = known.http, line(note(known.candidate))
    answer = http.post(PATH, content=body, headers=NDJSON | {"Idempotency-Key": "1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    for other in "application/json", "text/plain", "application/x-www-form-urlencoded":
        answer = http.post(PATH, content=body, headers={"Content-Type": other})
        assert (answer.status_code, answer.headers["Content-Type"]) == (415, PROBLEM)
    empty = {"lines": 0, "recorded": 0, "replayed": 0, "refused": 0, "unknown": 0, "position": 0}
    assert raw(http, b"") == raw(http, b"\n\n") == [{"summary": empty}]


@contextmanager
def conversation(http: httpx.Client, *more: str) -> Iterator[Callable[[bytes], Json]]:
    """Sends a part of one request and returns the first answer that comes then."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += f"Authorization: {http.headers['Authorization']}\r\n"
    head += "Content-Type: application/x-ndjson\r\nExpect: 100-continue\r\n"
    head += "".join(f"{header}\r\n" for header in (*more, ""))
    address = "127.0.0.1", int(str(http.base_url.port))
    with socket.create_connection(address, 5) as connection, connection.makefile("rb") as heard:
        connection.sendall(head.encode())
        assert heard.readline() == b"HTTP/1.1 100 Continue\r\n"

        def send(said: bytes) -> Json:
            connection.sendall(b"%x\r\n%s\r\n" % (len(said), said))
            answer: Json = json.loads(next(each for each in heard if each.startswith(b"{")))
            return answer

        yield send


def test_slow_sender_is_answered_at_once(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    with conversation(http) as send:
        for number in range(1, 4):
            answer = send(line(note(candidate)))
            assert (answer["line"], answer["version"]) == (number, number + 1)
        assert send(b"")["summary"]["recorded"] == 3


def test_what_others_record_meanwhile_counts(http: httpx.Client) -> None:
    candidate, application = apply(http, open_job(http))
    of = {"application_id": application}
    reinstated: Json = {"candidate_id": candidate, "interaction": {"type": "reinstated"} | of}
    with conversation(http) as send:
        assert send(line(note(candidate)))["status"] == 201
        say(http, candidate, "rejected", rejection_type="we-rejected", **of)
        assert send(line(reinstated))["status"] == 201
        assert send(line(reinstated))["status"] == 409


def test_sender_who_leaves(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", "uvicorn.error")
    candidate = begin(http)["id"]
    lines = (line(note(candidate, idempotency_key=str(number))) for number in range(1_000))

    def cut_off() -> Iterator[bytes]:
        yield from islice(lines, 500)
        raise InterruptedError

    with suppress(InterruptedError):
        raw(http, cut_off())
    version = get(http, f"/v1/candidates/{candidate}")["version"]
    answers = batch(http, (note(candidate, idempotency_key=str(number)) for number in range(1_000)))
    summary = answers[-1]["summary"]
    assert summary["recorded"] + summary["replayed"] == 1_000
    assert summary["replayed"] >= version - 1
    assert get(http, f"/v1/candidates/{candidate}")["version"] == 1_001
    assert not [each for each in caplog.records if each.levelname in {"ERROR", "CRITICAL"}]


def test_many_answers_that_wait_for_who_sends_first(http: httpx.Client) -> None:
    """This client reads nothing before it has sent everything; so much no socket holds."""
    missing = str(uuid4())
    wrong = line({"candidate_id": missing, "interaction": {"type": "?"}}).rjust(1_000)
    answers = raw(http, (wrong * 1_000 for _ in range(20)))
    assert answers[-1]["summary"]["refused"] == 20_000


def test_database_that_goes_away_meanwhile(applicant: Known, database: Database) -> None:
    http, count = applicant.http, 20
    lines = [note(applicant.candidate, idempotency_key=str(number)) for number in range(count)]
    with altered(database, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"):
        answers = batch(http, lines)
        assert told(answers[:-1]) == ["database-unavailable"] * count
        assert answers[-1]["summary"]["unknown"] == count

    answers = batch(http, lines)
    while answers[-1]["summary"]["unknown"]:
        answers = batch(http, lines)
    assert get(http, f"/v1/candidates/{applicant.candidate}")["version"] == count + 1


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(
            [
                {"type": "noted", "text": "Kind."},
                {"type": "advanced", "to_stage": "Onsite"},
                {"type": "hired"},
                {"type": "rejected", "rejection_type": "we-rejected"},
                {"type": "reinstated"},
                {"type": "contacted", "message_id": "1", "channel": "email"},
                {"type": "opened", "message_id": "1"},
                {"type": "unsubscribed"},
            ]
        ),
        st.none() | st.sampled_from("ab"),
    ),
    max_size=25,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_batch_does_what_single_commands_do(
    http: httpx.Client, steps: list[tuple[int, Json, str | None]]
) -> None:
    job = open_job(http)
    results = []
    for together in False, True:
        people = [apply(http, job) for _ in range(3)]
        lines = []
        for person, body, key in steps:
            of_application = body["type"] in {"advanced", "hired", "rejected", "reinstated"}
            application = {"application_id": people[person][1]} if of_application else {}
            keyed = {"idempotency_key": key} if key else {}
            lines.append(
                {"candidate_id": people[person][0], "interaction": body | application} | keyed
            )
        answers = told(batch(http, lines)[:-1]) if together else [alone(http, at) for at in lines]
        states = [get(http, f"/v1/candidates/{person}") for person, _ in people]
        for state in states:
            del state["id"], state["last_occurred_at"]
            for application in state["applications"]:
                del application["id"], application["applied_at"], application["ended_at"]
            for part in state["consents"]:
                del part["since"]
        results.append((answers, states))
    assert results[0] == results[1]


def alone(http: httpx.Client, said: Json) -> int | str:
    """What the same line is told as a single command."""
    key = {"Idempotency-Key": said["idempotency_key"]} if "idempotency_key" in said else {}
    path = f"/v1/candidates/{said['candidate_id']}/interactions"
    answer = http.post(path, json=said["interaction"], headers=key)
    return answer.status_code if answer.status_code == 201 else str(answer.json()["code"])


def test_sender_who_says_nothing_any_more_is_given_up(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "SILENCE_SECONDS", 0.3)
    candidate = begin(http)["id"]
    piece = line(note(candidate))
    with socket.create_connection((http.base_url.host, http.base_url.port or 80), 10) as silent:
        silent.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: hirelog\r\nTransfer-Encoding: chunked\r\n"
            f"Authorization: {http.headers['Authorization']}\r\n"
            "Content-Type: application/x-ndjson\r\n\r\n"
            f"{len(piece):x}\r\n".encode()
            + piece
            + b"\r\n"
        )
        answer = b"".join(iter(lambda: silent.recv(65_536), b""))
    assert b'"status":201' in answer
    assert b"summary" not in answer
    assert get(http, f"/v1/candidates/{candidate}")["version"] == 2
