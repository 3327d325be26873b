"""A process that makes rows of a rebuild: it takes unit after unit and COPYs what it folded.

Started by `rebuild`, told what to do on standard input; it ends when there is nothing left, when
the rebuild is paused, or when its parent is gone. A unit is claimed, filled and marked in one
transaction, so a killed worker leaves nothing behind.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg

from domain.recorded import Recorded, event_classes
from projections.runtime import builds, outside, rebuild, tables
from projections.runtime.batch import Folding, Parked, Rows, Unreadable
from projections.runtime.blame import first_refused
from projections.runtime.contract import ReadModel, Row, Table
from projections.runtime.giving_way import giving_way
from projections.runtime.log import read
from projections.runtime.refused import REFUSED
from projections.runtime.selection import Entry, Seen, as_it_is, seen

LOST_DATABASE = 3  # exit codes
STOPPED = 4

CLAIM = """
SELECT units.unit, units.first, units.last, rebuilds.head
  FROM read_models.units
  JOIN read_models.rebuilds USING (rebuild)
 WHERE units.rebuild = %s AND NOT units.is_done AND rebuilds.state = 'running'
 ORDER BY units.unit
 LIMIT 1
   FOR UPDATE OF units SKIP LOCKED
"""
SELECT_UNIT = """
SELECT uuid_send(originator_id), notification_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id BETWEEN %(first)s AND %(last)s
   AND notification_id <= %(head)s
   AND topic <> ALL(%(not_folded)s)
 ORDER BY originator_id, originator_version
"""
DONE = "UPDATE read_models.units SET is_done = true WHERE rebuild = %s AND unit = %s"
STOP = """
UPDATE read_models.rebuilds SET state = 'stopped', error = %s
 WHERE rebuild = %s AND state = 'running'
"""
# Raised for values that a column does not hold: by the database, or before they reach it.
UNWRITABLE = (*REFUSED, ArithmeticError, TypeError, ValueError)
FETCH = 2_000  # rows at a time from the log


ADVICE = "; mend the fold under a new version, or leave the event out with hirelog projections skip"


class Poisoned(Exception):  # noqa: N818  # the name of the situation
    """An event that a fold cannot take; the message says which, where, and what to do."""

    def __init__(self, model: str, parked: Parked) -> None:
        recorded = parked.recorded
        super().__init__(
            f"{model} cannot fold the event at position {recorded.position} ({parked.topic}, "
            f"version {recorded.originator_version} of stream {recorded.originator_id}): "
            f"{parked.error}{ADVICE} {model} {recorded.position} --reason …"
        )


class Changed(Exception):  # noqa: N818  # the name of the situation
    """The code of a read model is not the one that the rebuild was begun with."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the code of {model} has changed since the rebuild was begun; begin it again"
        )


@dataclass
class Making:
    """A build in the making, with the rows of the unit in hand."""

    schema: str
    model: ReadModel
    seen: Seen
    types: dict[Table, list[str]]

    def __post_init__(self) -> None:
        self.rows: dict[Table, list[Row]] = {table: [] for table in self.model.tables}
        self._of_stream: Rows = {table: {} for table in self.model.tables}
        self._folding = Folding(self.model, self._of_stream)

    def of(self, stream: Sequence[Entry]) -> Sequence[Entry]:
        """What the build is made from, of a whole stream."""
        if self.seen is as_it_is:
            return stream
        return [entry for each in stream if (entry := self.seen(each))]

    def fold(self, stream: Sequence[Entry]) -> None:
        """Adds the rows of a whole stream, from nothing. Raises Poisoned."""
        if parked := self._folding.take(self.of(stream), {}):
            raise Poisoned(self.model.name, parked[0])
        for table, made in self._of_stream.items():
            if made:
                self.rows[table].extend(made.values())
                made.clear()

    def copy(self, connection: psycopg.Connection[Any]) -> None:
        """Writes the rows and lets go of them."""
        for table, rows in self.rows.items():
            tables.copy(connection, self.schema, table, self.types[table], rows)
            rows.clear()


def work(conninfo: str, rebuild_id: int, models: Iterable[ReadModel]) -> None:
    """Makes units until none is left or the rebuild does not run any more.

    Raises Poisoned and Changed.
    """
    by_name = {model.name: model for model in models}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # A unit that is lost with the server is made again.
        connection.execute("SET synchronous_commit = off")
        # The rows of a unit are read by one backend and sorted in memory.
        connection.execute("SET work_mem = '64MB'")
        connection.execute("SET max_parallel_workers_per_gather = 0")
        as_of = rebuild.one(connection, rebuild_id).as_of_filter()
        building = builds.of_rebuild(connection, rebuild_id)
        for build in building:
            # Between the driver's start and this one's, another version may have been installed.
            if build.digest != by_name[build.model].digest():
                raise Changed(build.model)
        making = [
            Making(
                schema=build.schema_name,
                model=model,
                seen=seen(connection, model, as_of),
                types={
                    table: tables.column_types(connection, build.schema_name, table)
                    for table in model.tables
                },
            )
            for build in building
            for model in [by_name[build.model]]
            if model.by_stream
        ]
        is_left = True
        while is_left:
            with giving_way(connection, _rest):
                is_left = _make_unit(connection, rebuild_id, making)


def _rest(_: psycopg.Connection[Any], seconds: float) -> None:
    time.sleep(seconds)  # whoever started this process ends it


def _make_unit(
    connection: psycopg.Connection[Any], rebuild_id: int, making: Sequence[Making]
) -> bool:
    given: dict[str, Any] = {}
    try:
        with connection.transaction():
            claimed = connection.execute(CLAIM, (rebuild_id,)).fetchone()
            if claimed is None:
                return False
            unit, first, last, head = claimed
            given |= {
                "first": first,
                "last": last,
                "head": head,
                "not_folded": not_folded(each.model for each in making),
            }
            for stream in _streams(connection, given):
                for each in making:
                    each.fold(stream)
            for each in making:
                each.copy(connection)
            connection.execute(DONE, (rebuild_id, unit))
    except UNWRITABLE:
        _blame(connection, making, given)
        raise
    return True


def _blame(
    connection: psycopg.Connection[Any], making: Sequence[Making], given: Mapping[str, Any]
) -> None:
    """Raises Poisoned where the rows of one event are to blame for what was not written."""
    for each in making:
        with connection.transaction():
            streams = (each.of(all_) for all_ in _streams(connection, given))
            if refused := first_refused(connection, each.model, streams):
                raise Poisoned(each.model.name, refused)


def not_folded(models: Iterable[ReadModel]) -> list[str]:
    """The topics that are known and that none of the models folds.

    An unknown topic is read, so that it is noticed as it is in live projection.
    """
    folded = frozenset[str]().union(*(model.topics for model in models))
    return sorted(event_classes().keys() - folded)


def _streams(
    connection: psycopg.Connection[Any], given: Mapping[str, Any]
) -> Iterable[list[Recorded | Unreadable]]:
    with connection.cursor("events", binary=True) as cursor:
        cursor.execute(SELECT_UNIT, given)
        chunks = iter(lambda: cursor.fetchmany(FETCH), [])
        # Bytes are faster to read and to compare than UUIDs, of which one is enough for a stream.
        for stream, rows in groupby(chain.from_iterable(chunks), key=itemgetter(0)):
            originator_id = UUID(bytes=stream)
            yield [
                read(position, originator_id, version, topic, state)
                for _, position, version, topic, state in rows
            ]


def main() -> None:
    """Reads what to do from standard input, does it, and leaves with an exit code."""
    told = sys.stdin.readline()
    if not told:
        return  # whoever started it was stopped before it could say what to do
    given = json.loads(told)
    Thread(target=_end_with_parent, daemon=True).start()
    os.nice(10)
    # Rows and events die by reference counts; the collector would only walk through them again.
    gc.disable()
    conninfo, rebuild_id = given["conninfo"], given["rebuild"]
    models = [outside.find(each) for each in given["models"]]
    sys.exit(_work(conninfo, rebuild_id, models))


def _work(conninfo: str, rebuild_id: int, models: Sequence[ReadModel]) -> int:
    """Works, puts on record why it stopped, and returns the exit code."""
    try:
        work(conninfo, rebuild_id, models)
    except (Poisoned, Changed) as reason:
        return _stopped(conninfo, rebuild_id, str(reason))
    except (
        psycopg.OperationalError,
        psycopg.errors.UndefinedTable,  # the build was abandoned
        psycopg.errors.InvalidSchemaName,
    ):
        return LOST_DATABASE
    except psycopg.Error as error:
        return _stopped(conninfo, rebuild_id, refusal("a read model", error))
    return 0


def _stopped(conninfo: str, rebuild_id: int, reason: str) -> int:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(STOP, (reason, rebuild_id))
    return STOPPED


def refusal(model: str, error: psycopg.Error) -> str:
    """Why a rebuild stops when the database does not take its rows; without their values."""
    return (
        f"the database refuses a row of {model} ({type(error).__name__}); mend the fold under a "
        "new version, or leave out the event, which hirelog projections parked shows where the "
        "live tables do without it"
    )


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(LOST_DATABASE)


if __name__ == "__main__":
    main()
