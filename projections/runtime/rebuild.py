"""Rebuilds: which there are, how one begins, and how it is paused, resumed or abandoned.

A rebuild makes builds of some read models beside the live ones, in schemas of their own. Rows of
models that go by stream are made unit by unit by workers, up to the log's head as it was at the
beginning; what follows, and all of the other models, is folded in the order of the log.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.errors import Refusal
from domain.values import now
from projections.runtime import builds, log, tables
from projections.runtime.builds import INSTALL_LOCK, Build
from projections.runtime.contract import ReadModel
from projections.runtime.selection import AsOf

UNIT_EVENTS = 40_000  # how many events a worker holds the rows of, about
SAMPLES = 200  # of the log for each unit, to cut it into even ones
PARTS = 4  # of a unit; the last two are cut into so many each, for all workers to end together
SMALL = 2 * PARTS  # units, then

SELECT = """
SELECT rebuild, state, purpose, head, as_of, as_of_by, error, started_at,
       (SELECT count(*) FROM read_models.units WHERE units.rebuild = rebuilds.rebuild) AS units,
       (SELECT count(*) FROM read_models.units
         WHERE units.rebuild = rebuilds.rebuild AND units.is_done) AS units_done,
       ARRAY (SELECT model FROM read_models.builds
               WHERE builds.rebuild = rebuilds.rebuild AND builds.state = 'building'
               ORDER BY build) AS models
  FROM read_models.rebuilds
"""
ONE = SELECT + " WHERE rebuild = %s"
GOING = SELECT + " WHERE state <> 'done' ORDER BY purpose = 'live' DESC, rebuild"
INSERT = """
INSERT INTO read_models.rebuilds (purpose, head, as_of, as_of_by)
VALUES (%(purpose)s, %(head)s, %(as_of)s, %(by)s)
RETURNING rebuild
"""
BEGUN = """
SELECT builds.build
  FROM read_models.builds
  JOIN read_models.rebuilds USING (rebuild)
 WHERE rebuilds.state <> 'done' AND rebuilds.purpose = %(purpose)s
   AND (rebuilds.as_of, rebuilds.as_of_by) IS NOT DISTINCT FROM
       (%(as_of)s::timestamptz, %(by)s::text)
"""
CUT = """
SELECT DISTINCT ON (tile) originator_id
  FROM (SELECT originator_id, ntile(%(parts)s) OVER (ORDER BY originator_id) AS tile
          FROM hirelog.events TABLESAMPLE SYSTEM (%(percent)s)) AS sample
 ORDER BY tile, originator_id
"""
INSERT_UNIT = "INSERT INTO read_models.units (rebuild, unit, first, last) VALUES (%s, %s, %s, %s)"
BUILDING = "UPDATE read_models.builds SET later_sql = %s, position = %s WHERE build = %s"
SET_STATE = """
UPDATE read_models.rebuilds SET state = %s, error = NULL WHERE rebuild = %s AND state <> 'done'
"""
# No unit is in hand then, and none can be taken until the transaction ends.
LOCK_UNITS = "LOCK TABLE read_models.units IN EXCLUSIVE MODE"
LOCK_BUILD = """
SELECT build FROM read_models.builds
 WHERE build = %s AND state IN ('building', 'kept') FOR UPDATE
"""
FORGET = """
DELETE FROM read_models.rebuilds
 WHERE rebuild = %s AND NOT EXISTS (
       SELECT FROM read_models.builds
        WHERE builds.rebuild = rebuilds.rebuild AND builds.state = 'building')
"""


class NotPossible(Refusal):
    """Why a rebuild cannot begin or be changed; the message says what to do."""


class Stopped(Exception):  # noqa: N818  # the name of the situation
    """The rebuild did not reach its end; the message says why and what to do."""


class Paused(Exception):  # noqa: N818  # the name of the situation
    """The rebuild was paused; the same command goes on with it."""


@dataclass(frozen=True)
class Rebuild:
    """A rebuild and how far its units are."""

    rebuild: int
    state: str
    purpose: str
    head: int
    as_of: datetime | None
    as_of_by: Literal["recorded", "occurred"] | None
    error: str | None
    started_at: datetime
    units: int
    units_done: int
    models: list[str]  # that are not finished

    @property
    def share(self) -> float:
        """How much of the rows is made, from 0 to 1: units are taken in order, small ones last."""
        small = min(self.units, SMALL)
        large = self.units - small
        done = PARTS * min(self.units_done, large) + max(self.units_done - large, 0)
        return done / max(PARTS * large + small, 1)

    def as_of_filter(self) -> AsOf | None:
        """What limits its events to a moment."""
        if self.as_of is None or self.as_of_by is None:
            return None
        return AsOf(self.as_of, self.as_of_by)


def begin(  # noqa: PLR0913  # as many as there are kinds
    connection: psycopg.Connection[Any],
    models: Sequence[ReadModel],
    *,
    as_of: AsOf | None = None,
    scratch: bool = False,
    head: int | None = None,
    unit_events: int = UNIT_EVENTS,
) -> Rebuild:
    """A rebuild of these models that is ready to run: the one that was begun before, or a new one.

    It is to go live, unless it is `as_of` a moment or `scratch`; it reaches position `head`, else
    the log's end. One that was begun with other code is thrown away. Raises NotPossible when some
    of the models are in another rebuild, and for a moment to come.
    """
    if as_of and as_of.moment > now():
        raise NotPossible(
            f"{as_of.moment.isoformat()} lies in the future; give a moment that has passed"
        )
    kind: dict[str, Any] = {
        "purpose": "scratch" if scratch else "as-of" if as_of else "live",
        "as_of": as_of.moment if as_of else None,
        "by": as_of.by if as_of else None,
    }
    label = "_scratch" if scratch else f"_as_of_{as_of.moment:%Y%m%dt%H%M%S}" if as_of else ""
    wanted = {model.name: model for model in models}
    while True:
        with connection.transaction():
            connection.execute(INSTALL_LOCK)
            begun = [] if scratch else _begun(connection, wanted, kind)
            if not begun:
                kind["head"] = log.head(connection) if head is None else head
                return _begin_new(connection, models, kind, label, unit_events)
            if all(each.digest == wanted[each.model].digest() for each in begun):
                rebuild = begun[0].rebuild
                assert rebuild is not None  # noqa: S101  # that is how it was found
                set_state(connection, rebuild, "running")
                return one(connection, rebuild)
        for each in begun:  # by other code
            if each.state == "building":
                with suppress(NotPossible):  # it went live or is gone meanwhile
                    abandon(connection, each)


def _begin_new(
    connection: psycopg.Connection[Any],
    models: Sequence[ReadModel],
    kind: Mapping[str, Any],
    label: str,
    unit_events: int,
) -> Rebuild:
    row = connection.execute(INSERT, kind).fetchone()
    assert row is not None  # noqa: S101  # RETURNING
    rebuild: int = row[0]
    head: int = kind["head"]
    for model in models:
        build = builds.make_tables(connection, model, "building", rebuild, label)
        if model.by_stream:
            later = tables.postpone_indexes(connection, build.schema_name)
            connection.execute(BUILDING, (later, head, build.build))
    if any(model.by_stream for model in models):
        _cut(connection, rebuild, head, unit_events)
    return one(connection, rebuild)


def _begun(
    connection: psycopg.Connection[Any], wanted: Collection[str], kind: Mapping[str, Any]
) -> list[Build]:
    """What the rebuild of these models that was begun before has made, and has to make."""
    found = [builds.one(connection, row[0]) for row in connection.execute(BEGUN, kind)]
    building = [build for build in found if build.state == "building"]
    of_these = {build.rebuild for build in building if build.model in wanted}
    together = [build for build in found if build.rebuild in of_these]
    left = {build.model for build in building if build.rebuild in of_these}
    if of_these and (len(of_these) > 1 or {build.model for build in together} != set(wanted)):
        names = ", ".join(sorted(left))
        raise NotPossible(
            f"a rebuild of {names} was begun before; go on with that one (hirelog projections "
            f"resume {min(left)}), or give it up (abandon) first"
        )
    return together


def _cut(connection: psycopg.Connection[Any], rebuild: int, head: int, unit_events: int) -> None:
    units = max(1, -(-head // unit_events))
    percent = min(100.0, 100.0 * SAMPLES * units / max(head, 1))
    parts = units * PARTS if units > 1 else 1
    rows = connection.execute(CUT, {"parts": parts, "percent": percent}).fetchall()
    large = max(0, len(rows) - SMALL)
    starts = rows[:large:PARTS] + rows[large:]
    firsts = [UUID(int=0), *sorted({row[0] for row in starts[1:]} - {UUID(int=0)})]
    lasts = [UUID(int=first.int - 1) for first in firsts[1:]] + [UUID(int=2**128 - 1)]
    with connection.cursor() as cursor:
        cursor.executemany(
            INSERT_UNIT,
            [
                (rebuild, number, first, last)
                for number, (first, last) in enumerate(zip(firsts, lasts, strict=True), 1)
            ],
        )


def one(connection: psycopg.Connection[Any], rebuild: int) -> Rebuild:
    """The rebuild of this number. Raises NotPossible when it was abandoned."""
    with connection.cursor(row_factory=class_row(Rebuild)) as cursor:
        found = cursor.execute(ONE, (rebuild,)).fetchone()
    if found is None:
        raise NotPossible(f"rebuild {rebuild} was abandoned; begin a new one")
    return found


def going(connection: psycopg.Connection[Any]) -> list[Rebuild]:
    """The rebuilds that are not done, those that are to go live first, then the oldest."""
    with connection.cursor(row_factory=class_row(Rebuild)) as cursor:
        return [each for each in cursor.execute(GOING) if each.models]


def of_model(connection: psycopg.Connection[Any], model: str) -> Rebuild:
    """The rebuild that makes this model, to go live if there is one that is.

    Raises NotPossible when there is none but for trials.
    """
    for each in going(connection):
        if each.purpose != "scratch" and model in each.models:
            return each
    raise NotPossible(f"{model} is not being rebuilt; see hirelog projections status")


def set_state(connection: psycopg.Connection[Any], rebuild: int, state: str) -> None:
    """Lets it run, or pauses it: workers end after the unit that they have in hand."""
    connection.execute(SET_STATE, (state, rebuild))


def abandon(connection: psycopg.Connection[Any], build: Build) -> None:
    """Drops a build that is not finished, or was kept, and its rebuild with the last one.

    Waits for the units that workers have in hand. Raises NotPossible when it went live or is gone.
    """
    with connection.transaction():
        connection.execute(LOCK_UNITS)
        if connection.execute(LOCK_BUILD, (build.build,)).fetchone() is None:
            raise NotPossible(f"{build.model} is not being rebuilt any more")
        builds.drop(connection, build)
        connection.execute(FORGET, (build.rebuild,))
