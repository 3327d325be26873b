"""Makes keys, indexes and statistics of builds whose rows are there, several at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from projections.runtime import tables
from projections.runtime.builds import Build
from projections.runtime.contract import Table
from projections.runtime.giving_way import giving_way
from projections.runtime.projector import Superseded
from projections.runtime.rebuild import Stopped
from projections.runtime.refused import REFUSED
from projections.runtime.worker import refusal

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 5.0  # for a connection

Connections = ConnectionPool[psycopg.Connection[Any]]

# In the order in which everyone takes locks: a build first, then its tables.
LOCK_BUILD = "SELECT build FROM read_models.builds WHERE build = %s FOR KEY SHARE"
MADE = """
UPDATE read_models.builds SET later_sql = array_remove(later_sql, %s) WHERE build = %s
"""


class IndexMaker:
    """Makes several indexes at once; `check` raises where they must not be made any more."""

    def __init__(
        self,
        connections: Connections,
        threads: ThreadPoolExecutor,
        check: Callable[[psycopg.Connection[Any]], object],
    ) -> None:
        self._connections = connections
        self._threads = threads
        self._check = check
        self._has_rested = False  # others append: one index at a time, so that all rest at once
        self._turn = Lock()

    def make(self, building: Sequence[tuple[Build, Sequence[Table]]]) -> Iterator[tuple[int, int]]:
        """Makes what each build has to make later; yields how many of how many are made.

        Raises Stopped, Superseded when a build is gone, and what `check` raises.
        """
        with self._connections.connection() as connection:
            # What takes long first, so that no processor waits for the other at the end.
            by_size = sorted(
                building,
                key=lambda each: tables.size(connection, each[0].schema_name),
                reverse=True,
            )
        todo = [(build, statement) for build, _ in by_size for statement in build.later_sql]
        done = 0
        yield done, len(todo)
        # A table's key first: it takes the table for itself.
        for is_key in (True, False):
            steps = [each for each in todo if each[1].startswith("ALTER") is is_key]
            for _ in self._threads.map(lambda each: self._make(*each), steps):
                done += 1
                yield done, len(todo)
        made = [(build, table) for build, all_tables in by_size for table in all_tables]
        list(self._threads.map(lambda each: self._analyze(*each), made))

    def _make(self, build: Build, statement: str) -> None:
        with self._in_turn(), self._connections.connection() as connection:
            self._check(connection)
            try:
                with giving_way(connection, self._rest), connection.transaction():
                    if connection.execute(LOCK_BUILD, (build.build,)).fetchone() is None:
                        raise Superseded
                    connection.execute(statement.encode())
                    connection.execute(MADE, (statement, build.build))
            except psycopg.errors.UniqueViolation as error:
                raise Stopped(
                    f"rows of {build.model} are made from events of several streams "
                    f"({error.diag.constraint_name}); declare it without by_stream"
                ) from error
            except REFUSED as error:
                raise Stopped(
                    f"{refusal(build.model, error)}; then abandon this rebuild, which has the row, "
                    "and begin a new one"
                ) from error

    def _in_turn(self) -> AbstractContextManager[object]:
        return self._turn if self._has_rested else nullcontext()

    def _rest(self, connection: psycopg.Connection[Any], seconds: float) -> None:
        self._has_rested = True
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            self._check(connection)

    def _analyze(self, build: Build, table: Table) -> None:
        with self._connections.connection() as connection:
            self._check(connection)
            tables.analyze(connection, build.schema_name, table)


@contextmanager
def index_maker(
    conninfo: str, at_once: int, check: Callable[[psycopg.Connection[Any]], object]
) -> Iterator[IndexMaker]:
    """A maker of so many at once, with connections of its own."""
    connections = ConnectionPool(
        conninfo,
        kwargs={"autocommit": True},
        configure=_configure,
        min_size=0,
        max_size=at_once,
        timeout=PATIENCE_SECONDS,
        open=True,
    )
    with ThreadPoolExecutor(at_once) as threads:
        try:
            yield IndexMaker(connections, threads, check)
        finally:
            # First, so that no thread goes on waiting for a database that is away.
            connections.close()


def _configure(connection: psycopg.Connection[Any]) -> None:
    # Runs that a processor's cache holds are sorted and merged faster than all at once.
    connection.execute("SET maintenance_work_mem = '8MB'")
    # There are enough of them to keep as many processors busy as are meant to be.
    connection.execute("SET max_parallel_maintenance_workers = 0")
