"""Puts a build in the place of the live one, in one transaction that includes the last batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import Refusal
from projections.runtime import builds, log
from projections.runtime.batch import Parked
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.projector import Followed, follow, project_or_park
from projections.runtime.worker import Poisoned

BATCH = 5_000  # events
NEARLY = 500  # events that may be left for the transaction of the switch
ROUNDS = 200  # of catching up; then the log grows faster than it is read, and the switch goes ahead

# One switch of a model at a time, from catching up to the end.
LOCK = "SELECT pg_advisory_lock(hashtextextended('hirelog switch ' || %s, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('hirelog switch ' || %s, 0))"
LOCK_BOTH = """
SELECT build FROM read_models.builds
 WHERE model = %(model)s AND (state = 'live' OR build = %(build)s) ORDER BY build FOR UPDATE
"""
LATEST_RETIRED = """
SELECT build FROM read_models.builds
 WHERE model = %s AND state = 'retired' ORDER BY updated_at DESC, build DESC LIMIT 1
"""
BECOME = """
UPDATE read_models.builds SET state = %s, schema_name = %s, updated_at = now() WHERE build = %s
"""
TELL = "SELECT pg_notify('hirelog_projected', 'switched')"


class NothingRetired(Refusal):
    """There is no earlier build to return to."""


def stop_at_poison(
    _connection: psycopg.Connection[Any], build: Build, parked: Sequence[Parked]
) -> None:
    """For a rebuild: what cannot be folded is not parked but stops it. Raises Poisoned."""
    if parked:
        raise Poisoned(build.model, parked[0])


def catch_up(
    connection: psycopg.Connection[Any],
    followed: Followed,
    until: int,
    moved: Callable[[int], None] = lambda _: None,
) -> None:
    """Folds the log into the build up to position `until`, in order; tells each position reached.

    Raises what the build's `park` raises.
    """
    while followed.position < until:
        project_or_park(
            connection, followed, log.after(connection, followed.position, BATCH, until)
        )
        moved(followed.position)


def switch_in(connection: psycopg.Connection[Any], model: ReadModel, build: Build) -> Build:
    """Makes the build the live one; the one that was live stays as retired.

    It catches up with the log first, the last of it in the transaction of the switch, so that
    queries never go back in time. Raises Poisoned; nothing is switched then.
    """
    with alone(connection, model.name):
        followed = follow(connection, model, build)
        if build.state == "building":
            followed.park = stop_at_poison
        for _ in range(ROUNDS):
            head = log.head(connection)
            if head - followed.position < NEARLY:
                break
            catch_up(connection, followed, head)
        with connection.transaction():
            connection.execute(LOCK_BOTH, {"model": model.name, "build": build.build})
            catch_up(connection, followed, log.head(connection))
            _exchange(connection, build)
        return builds.one(connection, build.build)


def switch_back(connection: psycopg.Connection[Any], model: ReadModel) -> Build:
    """Returns to the build that was live before this one.

    It catches up first where it is of the model's version; else it stays where it stood until a
    hirelog of its version projects it. Raises NothingRetired.
    """
    with alone(connection, model.name):
        row = connection.execute(LATEST_RETIRED, (model.name,)).fetchone()
        if row is None:
            raise NothingRetired(f"{model.name} has no retired build to return to")
        build = builds.one(connection, row[0])
        if build.version == model.version:
            return switch_in(connection, model, build)
        with connection.transaction():
            connection.execute(LOCK_BOTH, {"model": model.name, "build": build.build})
            _exchange(connection, build)
        return builds.one(connection, build.build)


@contextmanager
def alone(connection: psycopg.Connection[Any], model: str) -> Iterator[None]:
    """Nobody else switches or drops builds of the model meanwhile."""
    connection.execute(LOCK, (model,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(UNLOCK, (model,))


def _exchange(connection: psycopg.Connection[Any], new: Build) -> None:
    old = builds.live(connection, new.model)
    if old:
        aside = f"{old.model}_{old.build}"
        _rename(connection, old.schema_name, aside)
        connection.execute(BECOME, ("retired", aside, old.build))
    _rename(connection, new.schema_name, new.model)
    connection.execute(BECOME, ("live", new.model, new.build))
    connection.execute(TELL)


def _rename(connection: psycopg.Connection[Any], schema: str, name: str) -> None:
    connection.execute(
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(name))
    )
