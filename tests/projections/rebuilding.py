"""Rebuilds for tests: a company's log, drivers here and in processes of their own, locks, rows."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psutil
import psycopg
from msgspec.structs import astuple
from psycopg import sql

from api.demonstration import company, load
from api.wiring import System
from domain.intake import Intake
from domain.recorded import Recorded
from projections import READ_MODELS
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.runtime import builds, log, rebuild
from projections.runtime.batch import Unreadable
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver, Progress
from projections.runtime.projector import Projector
from tests.databases import Database, Rows
from tests.projections import dict_store

T = TypeVar("T")

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
UNIT_EVENTS = 25

RUN_DRIVER = """
import sys
import psycopg
from projections import READ_MODELS
from projections.runtime import rebuild
from projections.runtime.drive import Driver
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    begun = rebuild.begin(connection, READ_MODELS, unit_events=int(sys.argv[2]))
Driver(sys.argv[1], READ_MODELS, workers=2).run(begun.rebuild)
"""

# Lets the rows of four units pass, those of others only when nobody holds the lock.
GATE = """
CREATE OR REPLACE FUNCTION public.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM read_models.units WHERE is_done) >= 4 THEN
        PERFORM pg_advisory_xact_lock_shared(4711);
    END IF;
    RETURN NULL;
END $$
"""
PASS_GATE = """
CREATE TRIGGER gate BEFORE INSERT ON {} FOR EACH STATEMENT EXECUTE FUNCTION public.wait_at_gate()
"""


# The log


def company_of(system: System, candidates: int = 30) -> None:
    """Puts the histories of a demonstration company on record, of another one each time."""
    seed = system.recruiting.recorder.max_notification_id() or 0
    steps = company(candidates, seed=seed, until=UNTIL)
    load(Intake(system.recruiting), steps, lambda _: None)


def add_garbage(
    database: Database, stream: UUID, topic: str = "candidate.contacted", state: bytes = b"garbage"
) -> int:
    """Writes an event past all rules, as the next of its stream; returns its position."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(7230417203844118884)")  # as append_group
        row = connection.execute(
            "INSERT INTO hirelog.events"
            " SELECT (SELECT max(notification_id) + 1 FROM hirelog.events),"
            " %(stream)s, coalesce(max(originator_version), 0) + 1, %(topic)s, %(state)s"
            " FROM hirelog.events WHERE originator_id = %(stream)s RETURNING notification_id",
            {"stream": stream, "topic": topic, "state": state},
        ).fetchone()
    assert row
    return int(row[0])


def whole_log(conninfo: str) -> list[Recorded | Unreadable]:
    """All that is on record, in order."""
    with psycopg.connect(conninfo) as connection:
        return log.after(connection, 0, 2**31 - 1)


def folded(model: ReadModel, entries: Sequence[Recorded | Unreadable]) -> Rows:
    """The rows that these events lead to, projected in memory, as rows_of() tells them."""
    store = dict_store.projected(model, entries)
    return {
        f"{model.name}.{table.name}": sorted(
            map(astuple, store.rows.get(table, {}).values()), key=repr
        )
        for table in model.tables
    }


def project_to_the_end(conninfo: str, models: Sequence[ReadModel] = READ_MODELS) -> None:
    """Brings the live rows up to date."""
    stop = Event()
    Projector(conninfo, models).run(stop, caught_up=stop.set)


# Rebuilds


def begin(
    database: Database, models: Sequence[ReadModel] = READ_MODELS, **how: Any
) -> rebuild.Rebuild:
    """Begins a rebuild in units so small that there are many."""
    with psycopg.connect(database.service, autocommit=True) as connection:
        return rebuild.begin(connection, models, **{"unit_events": UNIT_EVENTS} | how)


def rebuilt(
    database: Database, models: Sequence[ReadModel] = READ_MODELS, *, workers: int = 1, **how: Any
) -> list[Build]:
    """Begins a rebuild and drives it to its end."""
    begun = begin(database, models, **how)
    return Driver(database.service, models, workers).run(begun.rebuild)


class Driving:
    """A driver in a thread, with what it told, and what it returned or raised."""

    def __init__(
        self,
        database: Database,
        rebuild_id: int,
        models: Sequence[ReadModel] = READ_MODELS,
        workers: int = 1,
    ) -> None:
        self.told: list[Progress] = []
        self.ended: list[Build] | Exception | None = None
        self.driver = Driver(database.service, models, workers, self.told.append)
        self._rebuild_id = rebuild_id
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.ended = self.driver.run(self._rebuild_id)
        except Exception as error:  # noqa: BLE001  # what it raises is what tests ask for
            self.ended = error

    def end(self, seconds: float = 30) -> list[Build] | Exception | None:
        """What it returned or raised."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), self.told[-1:]
        return self.ended

    def done(self) -> list[Build]:
        """What it returned."""
        ended = self.end()
        assert isinstance(ended, list), ended
        return ended


def start_driver(conninfo: str, unit_events: int = UNIT_EVENTS) -> subprocess.Popen[bytes]:
    """A process that rebuilds all read models with two workers, or goes on with that."""
    return subprocess.Popen([sys.executable, "-c", RUN_DRIVER, conninfo, str(unit_events)])


def workers_of(process_id: int) -> list[psutil.Process]:
    """The workers that this process has started."""
    found = []
    for child in psutil.Process(process_id).children():
        with suppress(psutil.Error):  # it has just ended
            if "projections.runtime.worker" in child.cmdline():
                found.append(child)
    return found


def units_done(database: Database) -> dict[tuple[int, int], str]:
    """The units that are done, each with the transaction that did it."""
    found = fetch(
        database,
        "SELECT rebuild, unit, xmin::text FROM read_models.units WHERE is_done",
    )
    return {(rebuild_id, unit): by for rebuild_id, unit, by in found}


def schemas(database: Database) -> set[str]:
    """The schemas of the database that are not its own."""
    found = fetch(
        database,
        "SELECT nspname FROM pg_namespace"
        " WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')",
    )
    return {row[0] for row in found}


def fetch(database: Database, query: LiteralString, *given: Any) -> list[Any]:
    """The rows of a query, as the superuser."""
    with psycopg.connect(database.superuser) as connection:
        return connection.execute(query, given).fetchall()


def wait_for(happened: Callable[[], object], seconds: float = 20) -> None:
    """Returns when it has happened."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def held(database: Database, statement: LiteralString, *names: str) -> Iterator[Callable[[], None]]:
    """Holds a lock that others must wait for, until the end or until it is let go."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        yield connection.rollback


def waiting(database: Database, text: str) -> int:
    """How many sessions wait for a lock with a statement that holds this text."""
    return int(
        fetch(
            database,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND strpos(query, %s) > 0",
            text,
        )[0][0]
    )


@contextmanager
def stuck(database: Database, rebuild_id: int, start: Callable[[], T]) -> Iterator[T]:
    """Starts a driver of this rebuild; some units are done and some in hand until the end."""
    query = "SELECT schema_name FROM read_models.builds WHERE rebuild = %s AND model = %s"
    ((schema,),) = fetch(database, query, rebuild_id, COMPLIANCE_AUDIT.name)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(GATE)
        connection.execute(sql.SQL(PASS_GATE).format(sql.Identifier(schema, "entries")))
    with held(database, "SELECT pg_advisory_lock(4711)"):
        started = start()
        wait_for(lambda: waiting(database, "COPY"))
        yield started


def lose_database(database: Database) -> None:
    """Ends the sessions of the service, as a restart of the server does."""
    fetch(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename <> current_user",
    )


def live_build(database: Database, model: ReadModel) -> Build:
    """The build that queries see."""
    with psycopg.connect(database.service) as connection:
        live = builds.live(connection, model.name)
    assert live
    return live
