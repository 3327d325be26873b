"""More than can be done, and a database that holds still: 503 in time, and nothing is lost."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection, socket

import httpx
import psutil
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from api.door import admission
from api.door.admission import Message, Receive, Scope, Send
from api.settings import Settings
from api.wiring import System, assembled
from tests.api.bad_input import complaint
from tests.api.talk import Json, begin, open_job
from tests.conftest import served
from tests.databases import Database
from tests.waiting import until

HOLDS = (
    "SELECT pg_advisory_xact_lock(7230417203844118884)",  # which every append takes
    "LOCK TABLE hirelog.events",
)
THREADS = 40  # that work on requests in one process
MAX_REQUESTS = THREADS + 10
SOURCED = {"type": "sourced", "source": "Fair"}

Answered = tuple[httpx.Response, float]


@pytest.fixture
def busy(database: Database, tmp_path: Path) -> Iterator[System]:
    """A system that takes on little and waits for little."""
    settings = Settings(
        data_dir=tmp_path,
        max_requests=MAX_REQUESTS,
        max_body_bytes=100_000,
        database_seconds=1.4,
        wait_seconds=1,
        answer_seconds=3,
    )
    with assembled(settings, database.service, serving=True) as system:
        yield system


@pytest.fixture
def http(busy: System) -> Iterator[httpx.Client]:
    """A client that takes on much."""
    with (
        served(busy) as client,
        httpx.Client(
            base_url=client.base_url,
            headers=client.headers,
            timeout=30,
            limits=httpx.Limits(max_connections=None),
        ) as greedy,
    ):
        yield greedy


def timed(http: httpx.Client, path: str, body: Json | None = None, **headers: str) -> Answered:
    """The answer, and after how long it came."""
    began = time.monotonic()
    answer = http.request("POST" if body else "GET", path, json=body, headers=headers)
    return answer, time.monotonic() - began


def record(http: httpx.Client, key: int) -> Answered:
    """Puts a person on record under the key."""
    return timed(http, "/v1/candidates", SOURCED, **{"Idempotency-Key": f"{key}"})


def refused(answered: Answered, codes: Sequence[str], seconds: float) -> None:
    """It is one of these, says when to come back, and came in time."""
    answer, took = answered
    assert any(not complaint(answer, 503, code) for code in codes), answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert took < seconds, answer.text


def events(system: System) -> int:
    return system.recruiting.recorder.max_notification_id() or 0


def persons(system: System) -> int:
    """How many are on record; each began once."""
    with system.pool.connection() as connection:
        row = connection.execute("SELECT count(DISTINCT originator_id) FROM hirelog.events")
        return int((row.fetchone() or [0])[0])


def counted(http: httpx.Client) -> dict[str, float]:
    """What the metrics tell of requests: those under way, and those refused by code."""
    return {
        sample.labels.get("code", "under way"): sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
        if sample.name.startswith("hirelog_requests")
    }


def record_all(http: httpx.Client, keys: Sequence[int], seconds: float = 20) -> None:
    """Sends each until it is acknowledged, as a client that heeds Retry-After does."""
    deadline = time.monotonic() + seconds
    left = list(keys)
    while left:
        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(record, [http] * len(left), left))
        left = [key for key, (answer, _) in zip(left, answers, strict=True) if answer.is_error]
        assert time.monotonic() < deadline, answers


@pytest.mark.parametrize("hold", HOLDS)
def test_what_is_locked_is_given_up(
    http: httpx.Client, busy: System, database: Database, hold: str
) -> None:
    path = f"/v1/candidates/{begin(http)['id']}"
    job = f"/v1/jobs/{open_job(http)}"
    before = events(busy)
    with psycopg.connect(database.superuser) as connection, ThreadPoolExecutor(60) as threads:
        connection.execute(hold.encode())
        commands = [threads.submit(record, http, key) for key in range(THREADS)]
        time.sleep(0.3)
        assert http.get("/healthz").status_code == 200
        if hold == HOLDS[0]:
            assert http.get("/readyz").status_code == 200
            until(lambda: counted(http)["under way"] == THREADS)
            assert not any(command.done() for command in commands), "health needs no such thread"
        for command in commands:
            refused(command.result(), ["database-unavailable"], 4)
        others = [
            threads.submit(timed, http, f"{path}/interactions", {"type": "noted", "text": "hm"}),
            threads.submit(timed, http, f"{job}/interactions", {"type": "closed"}),
        ]
        if hold == HOLDS[1]:
            others += [threads.submit(timed, http, read) for read in (path, job, "/readyz")]
        for other in others:
            refused(other.result(), ["database-unavailable"], 3)
    assert events(busy) == before
    answer, _ = record(http, 0)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers


@contextmanager
def standing_still(database: Database) -> Iterator[None]:
    """The database server's processes, all of them, do not get to run."""
    with psycopg.connect(database.superuser) as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster
    postmaster.suspend()
    children = postmaster.children(recursive=True)
    for child in children:
        child.suspend()
    try:
        yield
    finally:
        for process in (*children, postmaster):
            process.resume()


def test_a_database_that_stands_still(http: httpx.Client, busy: System, database: Database) -> None:
    record_all(http, range(10))
    keys = range(10, 10 + MAX_REQUESTS)
    with ThreadPoolExecutor(MAX_REQUESTS) as threads:
        with standing_still(database):
            commands = [threads.submit(record, http, key) for key in keys]
            time.sleep(1)
            refused(timed(http, "/v1/jobs"), ["overloaded"], 1)
            assert http.get("/healthz").status_code == 200
            refused(timed(http, "/readyz"), ["too-slow", "database-unavailable"], 5)
            for command in commands:
                refused(command.result(), ["too-slow", "database-unavailable"], 5)
        record_all(http, keys)
    assert persons(busy) == events(busy) == 10 + MAX_REQUESTS
    seen = counted(http)
    assert seen["overloaded"] >= 1
    assert seen["too-slow"] >= 1
    assert seen["under way"] == 0


def test_more_at_once_than_can_be_done(
    http: httpx.Client, busy: System, database: Database
) -> None:
    process, grown = psutil.Process(os.getpid()), []
    acknowledged = 0
    for burst in range(2):
        keys = range(burst * 300, burst * 300 + 300)
        with (
            psycopg.connect(database.superuser) as connection,
            ThreadPoolExecutor(300) as threads,
        ):
            connection.execute(HOLDS[0])
            commands = [threads.submit(record, http, key) for key in keys]
            deadline = time.monotonic() + 10
            while sum(command.done() for command in commands) <= 50:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            connection.rollback()
        answers = [command.result() for command in commands]
        done = [answer for answer, _ in answers if answer.status_code == 201]
        turned_away = [answer for answer, _ in answers if "overloaded" in answer.text]
        assert done
        assert len(turned_away) > 50
        for each in answers:
            if each[0].status_code != 201:  # a few when the test itself was slow to let go
                # How soon is told by the other tests: here 300 clients keep each other waiting.
                refused(each, ["overloaded", "database-unavailable"], 30)
        acknowledged += len(done)
        assert persons(busy) == events(busy) == acknowledged
        assert {answer.json()["id"] for answer in done} <= {
            str(event.originator_id)
            for event in busy.recruiting.recorder.select_notifications(1, 999)
        }
        grown.append(process.memory_info().rss)
    assert grown[-1] - grown[0] < 50_000_000
    record_all(http, range(20))


def announce(http: httpx.Client, size: int) -> socket:
    """A request that keeps its body to itself."""
    sent = create_connection((http.base_url.host, http.base_url.port or 0), timeout=10)
    head = "POST /v1/candidates HTTP/1.1", "Host: here", f"Content-Length: {size}"
    known = f"Authorization: {http.headers['Authorization']}"
    sent.sendall("\r\n".join([*head, known, "Content-Type: application/json", "", ""]).encode())
    return sent


def test_bodies_that_would_be_held(
    http: httpx.Client, busy: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "HELD_BODIES", 2)
    with ExitStack() as stack:
        slow = [stack.enter_context(announce(http, 100_000)) for _ in range(2)]
        time.sleep(0.3)
        refused(record(http, 1), ["overloaded"], 1)
        third = stack.enter_context(announce(http, 1_000))
        assert third.recv(12) == b"HTTP/1.1 503", "without its body"
        assert http.get("/v1/jobs").status_code == 200, "it has none"
        for each in slow:  # who does not send it in time is not waited for either
            assert each.recv(12) == b"HTTP/1.1 503"
        assert record(http, 1)[0].status_code == 201
        stack.enter_context(announce(http, 100_000))
        time.sleep(0.3)
        body = b'{"type": "sourced", "source": "Fair"}'
        headers = {"Content-Type": "application/json"}
        answer = http.post("/v1/candidates", content=iter([body]), headers=headers)
        assert answer.status_code == 201, "of an unknown length, and there is room for one"
        stack.enter_context(announce(http, 1_000))
        time.sleep(0.3)
        answer = http.post("/v1/candidates", content=iter([body]), headers=headers)
        assert not complaint(answer, 503, "overloaded")


def test_an_answer_may_take_longer_than_a_wait() -> None:
    with pytest.raises(ValidationError, match="more than HIRELOG_WAIT_SECONDS"):
        Settings(wait_seconds=30)
    Settings(wait_seconds=30, answer_seconds=31)


def test_an_answer_that_has_begun_is_not_cut() -> None:
    async def dawdle(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for more in True, False:
            await asyncio.sleep(0.2)
            await send({"type": "http.response.body", "body": b".", "more_body": more})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    settings = Settings(wait_seconds=0, answer_seconds=0.1)
    scope = {"type": "http", "path": "/", "headers": []}
    load = admission.Load()
    asyncio.run(admission.Admission(dawdle, load, settings)(scope, receive, send))
    assert [message.get("body") for message in sent] == [None, b".", b"."]
    assert load == admission.Load()
