"""Builds a read model into a scratch schema: to try it out, or to verify the live rows with it.

The live tables are not touched. The schema is dropped afterwards, also by the next trial of the
same model where this one was killed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from projections.runtime import builds, rebuild, switch, tables
from projections.runtime.builds import INSTALL_LOCK, Build
from projections.runtime.compare import Compared, compare
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver
from projections.runtime.projector import follow
from projections.runtime.rebuild import UNIT_EVENTS, NotPossible, Stopped
from projections.runtime.worker import ADVICE, Poisoned

HOLD = "SELECT pg_advisory_lock(hashtextextended('hirelog trial ' || %s, 0))"
# Given back with the transaction.
IS_HELD = "SELECT NOT pg_try_advisory_xact_lock(hashtextextended('hirelog trial ' || %s, 0))"
LEFT = """
SELECT builds.rebuild
  FROM read_models.builds
  JOIN read_models.rebuilds USING (rebuild)
 WHERE rebuilds.purpose = 'scratch' AND builds.model = %s
"""
OF_REBUILD = "SELECT build FROM read_models.builds WHERE rebuild = %s"
KEEP = "DELETE FROM read_models.rebuilds WHERE rebuild = %s"  # so that it is no leftover
PARKED = "SELECT count(*) FROM read_models.parked WHERE build = %s"


@dataclass(frozen=True)
class Tried:
    """How many rows each table of a model got; `schema_name` where it was kept."""

    model: str
    position: int
    rows: Mapping[str, int]
    schema_name: str | None


@dataclass(frozen=True)
class Verified:
    """The live rows compared with rebuilt ones, both as of `position`.

    `parked` events are missing in the live rows.
    """

    model: str
    version: int
    position: int
    rows: Mapping[str, int]
    tables: Sequence[Compared]
    parked: int

    @property
    def is_same(self) -> bool:
        """Whether no row differs."""
        return not any(table.differing for table in self.tables)


def try_out(driver: Driver, *, keep: bool = False, unit_events: int = UNIT_EVENTS) -> Tried:
    """Builds the driver's one model, of the whole log, and counts its rows.

    Raises what Driver.run raises, and NotPossible when its tables cannot be made.
    """
    (model,) = driver.models
    with psycopg.connect(driver.conninfo, autocommit=True) as connection:
        with _without_advice(), _scratch(connection, driver, None, unit_events) as build:
            rows = tables.count_rows(connection, model, build.schema_name)
            if keep:
                connection.execute(KEEP, (build.rebuild,))
        return Tried(model.name, build.position, rows, build.schema_name if keep else None)


@contextmanager
def _without_advice() -> Iterator[None]:
    """A model that is tried out has no live tables of which an event could be left out."""
    try:
        yield
    except Stopped as stopped:
        raise Stopped(f"{str(stopped).partition(ADVICE)[0]}; mend it and try again") from stopped


def verify(driver: Driver, *, unit_events: int = UNIT_EVENTS) -> Verified:
    """Rebuilds the driver's one model beside the live tables and compares the two.

    Raises what Driver.run raises, and NotPossible when the live tables are of another version or
    are switched meanwhile.
    """
    (model,) = driver.models
    with psycopg.connect(driver.conninfo, autocommit=True) as connection:
        live = _live(connection, model)
        try:
            with _scratch(connection, driver, live.position, unit_events) as build:
                verified = _compare(connection, model, build)
        except Stopped as stopped:
            if parked := _parked(connection, live):
                raise Stopped(
                    f"{stopped}; {parked} event(s) are parked for the live tables, see "
                    f"hirelog projections parked {model.name}"
                ) from stopped
            raise
        if _live(connection, model).build != live.build:
            raise _switched(model)
    return verified


def _compare(connection: psycopg.Connection[Any], model: ReadModel, build: Build) -> Verified:
    _catch_up(connection, model, build, _live(connection, model).position)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    # One moment for both: the rebuilt rows are led to where the live ones stand in it.
    with connection.transaction():
        live = _live(connection, model)
        _catch_up(connection, model, build, live.position)
        return Verified(
            model.name,
            model.version,
            live.position,
            tables.count_rows(connection, model, live.schema_name),
            compare(connection, model, live.schema_name, build.schema_name),
            _parked(connection, live),
        )


def is_at_work(connection: psycopg.Connection[Any], rebuild_id: int) -> bool:
    """Whether the process of a trial is still there."""
    row = connection.execute(IS_HELD, (str(rebuild_id),)).fetchone()
    return bool(row and row[0])


@contextmanager
def _scratch(
    connection: psycopg.Connection[Any], driver: Driver, head: int | None, unit_events: int
) -> Iterator[Build]:
    (model,) = driver.models
    _drop_leftovers(connection, model)
    try:
        # Held from before anyone sees the build until this process ends.
        with connection.transaction():
            begun = rebuild.begin(
                connection, [model], scratch=True, head=head, unit_events=unit_events
            )
            connection.execute(HOLD, (str(begun.rebuild),))
    except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        reason = str(error).partition("\n")[0]
        raise NotPossible(f"the schema.sql of {model.name} cannot be used: {reason}") from error
    try:
        (build,) = driver.run(begun.rebuild)
        yield build
    finally:
        with connection.transaction():
            _drop(connection, begun.rebuild)


def _drop_leftovers(connection: psycopg.Connection[Any], model: ReadModel) -> None:
    with connection.transaction():
        connection.execute(INSTALL_LOCK)
        for (left,) in connection.execute(LEFT, (model.name,)).fetchall():
            if not is_at_work(connection, left):
                _drop(connection, left)


def _drop(connection: psycopg.Connection[Any], rebuild_id: int) -> None:
    for (build,) in connection.execute(OF_REBUILD, (rebuild_id,)).fetchall():
        rebuild.abandon(connection, builds.one(connection, build))


def _live(connection: psycopg.Connection[Any], model: ReadModel) -> Build:
    live = builds.live(connection, model.name)
    if live is None or live.version != model.version:
        raise NotPossible(
            f"the live tables of {model.name} are of another version than this hirelog; "
            f"hirelog projections rebuild {model.name} makes those of version {model.version}"
        )
    return live


def _catch_up(
    connection: psycopg.Connection[Any], model: ReadModel, build: Build, until: int
) -> None:
    if until < build.position:
        raise _switched(model)
    followed = follow(connection, model, builds.one(connection, build.build))
    followed.park = switch.stop_at_poison
    try:
        switch.catch_up(connection, followed, until)
    except Poisoned as poisoned:
        raise Stopped(str(poisoned)) from poisoned


def _parked(connection: psycopg.Connection[Any], build: Build) -> int:
    row = connection.execute(PARKED, (build.build,)).fetchone()
    return row[0] if row else 0


def _switched(model: ReadModel) -> NotPossible:
    return NotPossible(f"other tables of {model.name} went live meanwhile; verify it again")
