"""The recorder: the library's own conformance cases, append-only rights, commit order."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests.persistence import ApplicationRecorderTestCase

from domain.store.factory import connect_by
from domain.store.recorder import Answers, Append, Recorder
from tests.databases import Database


def make_recorder(conninfo: str) -> Recorder:
    datastore = PostgresDatastore("", "", "", "", "", schema="hirelog")
    connect_by(datastore, conninfo, pool_size=12)
    return Recorder(datastore)


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    recorder = make_recorder(database.service)
    yield recorder
    recorder.datastore.close()


class TestConformance(ApplicationRecorderTestCase[Recorder]):
    """The library's cases, each on a database of its own."""

    @pytest.fixture(autouse=True)
    def _recorder(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def create_recorder(self) -> Recorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


def stored(version: int = 1, **fields: object) -> StoredEvent:
    given = {"originator_id": uuid4(), "topic": "test", "state": uuid4().bytes, **fields}
    return StoredEvent(originator_version=version, **given)  # type: ignore[arg-type]  # for brevity


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hirelog.events SET topic = 'other'",
        "DELETE FROM hirelog.events",
        "TRUNCATE hirelog.events",
        "INSERT INTO hirelog.events VALUES (99, gen_random_uuid(), 1, 'test', '')",
        "ALTER TABLE hirelog.events DISABLE TRIGGER ALL",
        "DROP TABLE hirelog.events",
    ],
)
def test_the_service_can_append_and_nothing_else(
    recorder: Recorder, database: Database, statement: str
) -> None:
    event = stored()
    recorder.insert_events([event])
    with (
        psycopg.connect(database.service, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
    assert [e.state for e in recorder.select_notifications(None, 10)] == [event.state]


def test_a_conflict_adds_nothing_and_leaves_no_gap(recorder: Recorder) -> None:
    first = stored()
    recorder.insert_events([first])
    taken = stored(originator_id=first.originator_id)
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(), taken])
    assert recorder.insert_events([stored()]) == [2]


def test_a_commit_whose_answer_was_lost_is_not_a_conflict(recorder: Recorder) -> None:
    append = recorder._append_once  # noqa: SLF001  # the connection fails inside
    lost: list[Answers] = []

    def append_but_lose_the_answer(appends: Sequence[Append]) -> Answers:
        answers = append(appends)
        if not lost:
            lost.append(answers)
            raise OperationalError("the connection was lost")
        return answers

    event = stored()
    with patch.object(recorder, "_append_once", append_but_lose_the_answer):
        assert recorder.insert_events([event]) == [1]
    assert lost
    with pytest.raises(IntegrityError):
        recorder.insert_events([event])


def test_a_tailing_reader_misses_nothing_while_many_write(recorder: Recorder) -> None:
    writers, each = 8, 60

    def write(_: int) -> None:
        for _number in range(each):
            recorder.insert_events([stored(), stored()])

    seen: list[int] = []
    with ThreadPoolExecutor(writers) as pool:
        written = [pool.submit(write, n) for n in range(writers)]
        finished = False
        while not finished:
            finished = all(future.done() for future in written)
            last = seen[-1] if seen else 0
            found = recorder.select_notifications(last, 10_000, inclusive_of_start=False)
            seen.extend(notification.id for notification in found)
        for future in written:
            future.result()
    assert seen == list(range(1, writers * each * 2 + 1))


def test_a_large_group_is_appended_whole(recorder: Recorder) -> None:
    events = [stored(state=b"x" * 1_000) for _ in range(5_000)]
    assert recorder.insert_events(events) == list(range(1, 5_001))
