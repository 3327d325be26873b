"""The feed as a stream: what is on record, then what is appended, once and in order."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import islice
from pathlib import Path
from random import Random
from socket import SO_LINGER, SOL_SOCKET, create_connection, socket
from struct import pack
from threading import Event, Thread

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.access import keys
from api.access.callers import Role
from api.feed import streams
from api.feed.cloudevents import CloudEvent
from api.feed.reading import Feed, FeedPage
from api.feed.streams import prefers_stream
from api.settings import Settings
from api.wiring import System, assembled
from projections.runtime import feed as looking
from tests.api.bad_input import complaint
from tests.api.feed_reader import FEED, STREAM, Message, events, followed
from tests.api.talk import begin, get, open_job, say
from tests.conftest import known_as, served
from tests.databases import Database
from tests.waiting import until


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    """A client on a server that needs no read model to be projected."""
    with served(system) as client:
        yield client


def stored(system: System) -> list[tuple[int, str]]:
    """The whole log: position and id of each event."""
    with system.pool.connection() as connection:
        rows = connection.execute(
            "SELECT notification_id, originator_id || ':' || originator_version"
            "  FROM hirelog.events ORDER BY notification_id"
        )
        return rows.fetchall()


def counted(http: httpx.Client, name: str) -> float:
    """A number of the metrics."""
    families = text_string_to_metric_families(http.get("/metrics").text)
    return next(s.value for family in families for s in family.samples if s.name == name)


def test_what_is_on_record_and_then_what_is_appended(http: httpx.Client, system: System) -> None:
    candidate = begin(http)["id"]
    with followed(http, after=0) as stream:
        assert next(stream) == Message(), "how soon to come back"
        seen = list(islice(events(stream), 1))
        assert counted(http, "hirelog_streams") == 1
        assert counted(http, "hirelog_requests") == 0
        for number in range(5):
            began = time.monotonic()
            say(http, candidate, "noted", text=f"{number}")
            seen += islice(events(stream), 1)
            assert time.monotonic() - began < 2
    assert seen == stored(system)
    until(lambda: counted(http, "hirelog_streams") == 0)


def test_a_stream_tells_the_same_as_the_pages(http: httpx.Client) -> None:
    job = open_job(http)
    begin(http, job_id=job)
    with followed(http, last=1, after=0) as stream:
        told = [message.data for message in islice((m for m in stream if m.data), 2)]
    assert told == get(http, FEED, after=1)["items"]


def test_it_tells_how_far_it_looked_where_nothing_fits(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOKED_THROUGH", 2)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.2)
    candidate = begin(http)["id"]
    for _ in range(4):
        say(http, candidate, "noted", text="?")
    with followed(http, types="hired") as stream:
        started = list(islice(stream, 4))
        assert started == [Message(), Message(2), Message(4), Message(5)]
        assert next(stream) == Message(), "a comment, for nothing has moved"
        say(http, candidate, "noted", text="?")
        assert next(message for message in stream if message.id) == Message(6)


def test_it_ends_when_the_caller_may_no_longer(
    http: httpx.Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.1)
    with system.pool.connection() as connection:
        key = keys.create(connection, Role.ANALYST, "ben", by="ana")
        http.headers["Authorization"] = f"Bearer {key}"
        with followed(http) as stream:
            assert list(islice(stream, 3)) == [Message(), Message(0), Message()]
            keys.revoke(connection, keys.id_of(key), by="ana")
            began = time.monotonic()
            assert set(stream) == {Message()}
    assert time.monotonic() - began < 12


def test_one_stream_too_many(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_streams=4, max_requests=1)
    with assembled(settings, database.service, serving=True) as system, served(system) as http:
        with ExitStack() as stack:
            held = [stack.enter_context(followed(http)) for _ in range(2)]
            assert [next(stream) for stream in held] == [Message()] * 2
            answer = http.get(FEED, headers=STREAM)
            assert not complaint(answer, 503, "too-many-streams"), "half of them are for others"
            for name in "bo", "cy":
                other = stack.enter_context(
                    httpx.Client(base_url=http.base_url, headers=known_as(system, f"admin:{name}"))
                )
                held.append(stack.enter_context(followed(other)))
                assert next(held[-1]) == Message()
            last = other.get(FEED, headers=STREAM)
            assert not complaint(last, 503, "too-many-streams"), "there are no more"
            assert int(answer.headers["Retry-After"]) > 0
            assert get(http, FEED)["items"] == [], "pages, and any other request, are no streams"
        until(lambda: counted(http, "hirelog_streams") == 0)
        assert counted(http, "hirelog_requests") == 0
        with followed(http) as stream:
            next(stream)


def test_it_outlasts_a_lost_database(
    http: httpx.Client, system: System, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "AGAIN_SECONDS", 0.05)
    candidate = begin(http)["id"]
    with followed(http) as stream:
        seen = list(islice(events(stream), 1))
        for _ in range(3):
            with psycopg.connect(database.superuser, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            path, note = f"/v1/candidates/{candidate}/interactions", {"type": "noted", "text": "?"}
            until(lambda: http.post(path, json=note).status_code == 201)  # noqa: B023  # at once
            until(lambda: stored(system))
            seen += islice(events(stream), stored(system)[-1][0] - len(seen))
    assert seen == stored(system)


def test_a_server_that_stops_ends_its_streams(system: System) -> None:
    ended = Event()

    def read(stream: Iterator[Message]) -> None:
        list(stream)  # a connection that is broken would raise here
        ended.set()

    with ExitStack() as client:
        with served(system) as http:
            other = client.enter_context(
                httpx.Client(base_url=http.base_url, headers=http.headers, timeout=30)
            )
            stream = client.enter_context(followed(other))
            next(stream)
            reader = Thread(target=read, args=(stream,))
            reader.start()
            began = time.monotonic()
        assert time.monotonic() - began < 3
        reader.join(5)
        assert ended.is_set()


# A reader who takes nothing


def deaf(http: httpx.Client) -> socket:
    """Asks for a stream and does not read it."""
    connection = create_connection((http.base_url.host, http.base_url.port or 0), timeout=10)
    connection.sendall(
        f"GET {FEED} HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n"
        f"Authorization: {http.headers['Authorization']}\r\n\r\n".encode()
    )
    return connection


def test_a_reader_who_takes_nothing_holds_one_page_and_is_given_up(
    http: httpx.Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    whole = Feed.page

    def page(self: Feed, after: int, limit: int) -> FeedPage:
        reads.append(after)
        found = whole(self, after, limit)
        for item in found.items:
            item.data.details["padding"] = "." * 100_000
        return found

    monkeypatch.setattr(Feed, "page", page)
    monkeypatch.setattr(streams, "EVENTS_AT_ONCE", 5)
    monkeypatch.setattr(streams, "STUCK_SECONDS", 2.0)
    candidate = begin(http)["id"]
    for _ in range(300):
        say(http, candidate, "noted", text="?")
    with closing(deaf(http)):
        until(lambda: reads)
        time.sleep(1)
        behind = len(reads)
        assert behind * 5 < 300
        time.sleep(0.3)
        assert len(reads) == behind, "what nobody takes is not read"
        say(http, begin(http)["id"], "noted", text="others go on")
        until(lambda: counted(http, "hirelog_streams") == 0)


def test_a_reader_who_leaves_amid_a_page_is_noticed(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(logging.getLogger("asyncio"), "warning", said.append)
    whole, ready = CloudEvent.model_dump_json, Event()

    def left_meanwhile(item: CloudEvent) -> str:
        assert ready.wait(10)
        with suppress(OSError), closing(reader):  # it has gone already
            reader.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))  # a reset
        return whole(item)

    monkeypatch.setattr(CloudEvent, "model_dump_json", left_meanwhile)
    candidate = begin(http)["id"]
    for _ in range(20):
        say(http, candidate, "noted", text="?")
    reader = deaf(http)
    ready.set()
    until(lambda: reader.fileno() == -1)
    until(lambda: counted(http, "hirelog_streams") == 0)
    assert not said, "each write to nobody is a line in the log"


# Several servers


def write(clients: list[httpx.Client], number: int) -> None:
    pick = Random(number)
    candidate = begin(pick.choice(clients))["id"]
    for _ in range(20):
        say(pick.choice(clients), candidate, "noted", text="hm")


def test_a_reader_who_comes_back_to_either_server_sees_all_once_and_in_order(
    http: httpx.Client, elsewhere: httpx.Client, system: System
) -> None:
    clients, pick = [http, elsewhere], Random(5)
    seen: list[tuple[int, str]] = []
    visits = 0
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, clients, number) for number in range(8)]
        while left := 8 * 21 - len(seen):
            last = seen[-1][0] if seen else None
            visits += 1
            with followed(pick.choice(clients), last) as stream:
                seen += islice(events(stream), min(left, pick.randint(1, 12)))
        for writer in writers:
            writer.result()
    assert visits > 10
    assert seen == stored(system)


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("TEXT/EVENT-STREAM;charset=utf-8", True),
        ("text/event-stream, */*;q=0.1", True),
        ("text/event-stream;q=0.5, application/json", False),
        ("application/json;q=0.5, text/event-stream;q=0.6", True),
        ("application/json, text/event-stream", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=x", False),
        ("*/*", False),
        ("", False),
        (";;,,q=", False),
    ],
)
def test_what_is_preferred(accept: str, *, is_stream: bool) -> None:
    assert prefers_stream(accept) is is_stream
