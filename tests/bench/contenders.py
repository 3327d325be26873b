"""What appends against what: the write path, the library's own, and bare INSERTs.

Each writer works through short lives of candidates of its own, LIFE commands each, so that new
candidates and known ones both occur. All is made before the clock runs that a caller would bring:
the interaction, its metadata, and for bare INSERTs the row.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
from msgspec import to_builtins

from api.wiring import System
from domain.candidate import intents as i
from domain.recruiting import Recruiting
from domain.values import Channel
from tests.bench.person import People
from tests.bench.scratch import make_log, scratch
from tests.bench.stock import environment
from tests.bench.writers import Command, Contender, metadata

STOCK_SCHEMA = "bench_library"
INSERT_SCHEMA = "bench_insert"
INSERT = """
INSERT INTO bench_insert.events (originator_id, originator_version, topic, state)
VALUES (%s, %s, %s, %s)
"""
POSITIONS = """
ALTER TABLE bench_insert.events
ALTER notification_id ADD GENERATED ALWAYS AS IDENTITY
"""

NOTE = (
    "Spoke for half an hour. Has run the migration of a payment system and two on-call rotations; "
    "wants to lead a small team, and could begin in eight weeks. Follow up next Tuesday."
)
REPLY = (
    "Thank you for writing to me, this sounds interesting. I could talk on Thursday after four, "
    "or at any time next week."
)


def life(number: int) -> Sequence[i.Intent]:
    """What happens to one person; each interaction leads to one event."""
    message = f"message-{number}"
    return (
        i.Source(
            source="Conference", name=f"Ada Ruiz {number}", email=f"ada.ruiz.{number}@example.com"
        ),
        i.Contact(
            message_id=message,
            channel=Channel.EMAIL,
            sequence="Backend engineers, spring",
            step=1,
            subject="Would you like to build the payments of the future with us?",
        ),
        i.Open(message_id=message),
        i.Note(text=NOTE),
        i.Click(message_id=message),
        i.Reply(message_id=message, text=REPLY),
        i.UpdateProfile(phone="+49 30 901820", headline="Staff engineer, payments"),
        i.Note(text=NOTE),
    )


LIFE = len(life(0))


class Ours:
    """The full write path: decide, encrypt, append."""

    def __init__(self, recruiting: Recruiting) -> None:
        self._recruiting = recruiting

    def commands(self) -> Generator[Command, None, None]:
        """One writer's."""
        for number in count():
            candidate = uuid4()
            for intent in life(number):
                yield partial(self._recruiting.record, candidate, intent, metadata())


class Stock:
    """The library's own Application, as its documentation has it, nothing encrypted.

    The writer holds the aggregate in memory; a command triggers one event and saves.
    """

    def __init__(self, people: People) -> None:
        self._people = people

    def commands(self) -> Generator[Command, None, None]:
        """One writer's."""
        for number in count():
            on_record = self._people.new()
            for intent in life(number):
                fields = intent.model_dump(mode="json", exclude_defaults=True)
                about = to_builtins(metadata())
                yield partial(on_record.take, intent.type, fields, about)


class Inserts:
    """Rows like ours, each by a prepared INSERT that commits; a connection for each writer.

    Nothing orders the positions by commit, and nobody is notified.
    """

    def __init__(self, conninfo: str, rows: Sequence[tuple[str, bytes]]) -> None:
        self._conninfo = conninfo
        self._rows = rows

    def commands(self) -> Generator[Command, None, None]:
        """One writer's."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            insert = partial(connection.execute, INSERT, prepare=True)
            while True:
                stream = uuid4()
                for version, (topic, state) in enumerate(self._rows, start=1):
                    yield partial(insert, (stream, version, topic, state))


@contextmanager
def tables(conninfo: str) -> Iterator[None]:
    """The tables that stock and inserts append to, empty, meanwhile."""
    with (
        psycopg.connect(conninfo, autocommit=True) as connection,
        scratch(connection, STOCK_SCHEMA),
        insert_table(connection),
    ):
        with people(conninfo, writers=1, create=True):
            pass
        yield


@contextmanager
def insert_table(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """The table that inserts append to alone."""
    with scratch(connection, INSERT_SCHEMA):
        make_log(connection, INSERT_SCHEMA)
        connection.execute(POSITIONS)
        yield


@contextmanager
def people(conninfo: str, *, writers: int, create: bool = False) -> Iterator[People]:
    """The library's application with a pool that is as large as the writers are many."""
    application = People(
        environment(conninfo, STOCK_SCHEMA)
        | {"POSTGRES_POOL_SIZE": str(writers), "CREATE_TABLE": "yes" if create else "no"}
    )
    try:
        yield application
    finally:
        application.close()


@contextmanager
def contenders(system: System, writers: int) -> Iterator[dict[str, Contender]]:
    """All three, on tables that exist."""
    with people(system.conninfo, writers=writers) as application:
        yield {
            "ours": Ours(system.recruiting),
            "stock": Stock(application),
            "insert": inserts(system),
        }


def inserts(system: System) -> Inserts:
    """INSERTs of the very rows that a life is on record with."""
    candidate = uuid4()
    for intent in life(0):
        system.recruiting.record(candidate, intent, metadata())
    stored = system.recruiting.recorder.select_history(candidate)
    return Inserts(system.conninfo, [(each.topic, bytes(each.state)) for each in stored])
