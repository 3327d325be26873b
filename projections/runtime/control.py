"""What operators do to rebuilds and builds: pause, resume and give up; look over, and drop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from projections.runtime import builds, parking, rebuild, switch, trial
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.parking import NotParked
from projections.runtime.rebuild import UNIT_EVENTS, NotPossible, Rebuild

INVENTORY = """
SELECT builds.build, builds.model, builds.version, builds.state, builds.schema_name,
       builds.position, builds.made_at, rebuilds.purpose, rebuilds.as_of, rebuilds.as_of_by,
       coalesce((SELECT sum(pg_total_relation_size(class.oid))
                   FROM pg_class AS class
                   JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
                  WHERE namespace.nspname = builds.schema_name AND class.relkind = 'r'), 0)::bigint
           AS bytes
  FROM read_models.builds
  LEFT JOIN read_models.rebuilds USING (rebuild)
 ORDER BY builds.model, builds.build
"""
LET_GO = "SELECT pg_advisory_lock(hashtextextended('hirelog rebuild ' || %s, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('hirelog rebuild ' || %s, 0))"
# Given back at once: it is held for this statement.
IS_DRIVEN = "SELECT NOT pg_try_advisory_xact_lock(hashtextextended('hirelog rebuild ' || %s, 0))"
FORGET = """
DELETE FROM read_models.rebuilds
 WHERE rebuild = %s
   AND NOT EXISTS (SELECT FROM read_models.builds WHERE builds.rebuild = rebuilds.rebuild)
"""
OF_SCHEMA = "SELECT build, model FROM read_models.builds WHERE schema_name = %s"
EVENT = "SELECT originator_id, topic FROM hirelog.events WHERE notification_id = %s"


@dataclass(frozen=True)
class Listed:
    """A build, what it was made for, and how large its tables are."""

    build: int
    model: str
    version: int
    state: str
    schema_name: str
    position: int
    made_at: datetime
    purpose: str | None
    as_of: datetime | None
    as_of_by: str | None
    bytes: int


@dataclass(frozen=True)
class Going:
    """A rebuild that is not done; `waiting` is the state of one that no process is at work on."""

    rebuild: int
    models: Sequence[str]
    purpose: str
    state: str
    percent: float
    as_of: datetime | None
    as_of_by: str | None
    error: str | None
    started_at: datetime


@dataclass(frozen=True)
class Abandoned:
    """The builds that were dropped, and the models that their rebuild still has to make."""

    dropped: Sequence[str]
    left: Sequence[str]


def inventory(connection: psycopg.Connection[Any]) -> list[Listed]:
    """Every build, by model, the oldest first."""
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(INVENTORY).fetchall()


def going(connection: psycopg.Connection[Any]) -> list[Going]:
    """The rebuilds that are not done, and how far they are."""
    everything = builds.all_builds(connection)
    found = []
    for this in rebuild.going(connection):
        is_left = this.state == "running" and not is_driven(connection, this.rebuild)
        made = [build for build in everything if build.rebuild == this.rebuild]
        done = [_share(this, build) for build in made]
        found.append(
            Going(
                this.rebuild,
                this.models,
                this.purpose,
                "waiting" if is_left else this.state,
                round(100 * sum(done) / max(len(done), 1), 1),
                this.as_of,
                this.as_of_by,
                this.error,
                this.started_at,
            )
        )
    return found


def _share(this: Rebuild, build: Build) -> float:
    if build.state != "building":
        return 1.0
    if build.position < this.head:  # is made in the order of the log
        return build.position / this.head
    return this.share


def is_driven(connection: psycopg.Connection[Any], rebuild_id: int) -> bool:
    """Whether a process is at work on the rebuild."""
    row = connection.execute(IS_DRIVEN, (str(rebuild_id),)).fetchone()
    return bool(row and row[0])


def pause(connection: psycopg.Connection[Any], model: str) -> Rebuild:
    """Has whoever makes the model leave off within moments. Raises NotPossible."""
    this = rebuild.of_model(connection, model)
    if this.state != "running":
        raise NotPossible(
            f"the rebuild of {model} is {this.state} already; "
            f"hirelog projections resume {model} goes on with it"
        )
    rebuild.set_state(connection, this.rebuild, "paused")
    return this


def resume(
    connection: psycopg.Connection[Any],
    models: Sequence[ReadModel],
    model: str,
    *,
    unit_events: int = UNIT_EVENTS,
) -> tuple[Rebuild, Sequence[ReadModel]]:
    """The rebuild of the model, ready to run again, and the models of it.

    One that was begun with other code begins anew. Raises NotPossible.
    """
    this = rebuild.of_model(connection, model)
    together = {
        build.model for build in builds.all_builds(connection) if build.rebuild == this.rebuild
    }
    wanted = [each for each in models if each.name in together]
    as_of = this.as_of_filter()
    return rebuild.begin(connection, wanted, as_of=as_of, unit_events=unit_events), wanted


def abandon(connection: psycopg.Connection[Any], model: str) -> Abandoned:
    """Gives up the rebuild of this model and drops what there is of it. Raises NotPossible.

    Waits until who makes it has let go of the tables. Other models of the same rebuild stay,
    paused. `connection` must not be in a transaction.
    """
    this = rebuild.of_model(connection, model)
    rebuild.set_state(connection, this.rebuild, "paused")
    connection.execute(LET_GO, (str(this.rebuild),))
    try:
        with connection.transaction():
            building = builds.of_rebuild(connection, this.rebuild)
            dropped = [build for build in building if build.model == model]
            for build in dropped:
                rebuild.abandon(connection, build)
    finally:
        connection.execute(UNLOCK, (str(this.rebuild),))
    if not dropped:
        raise NotPossible(
            f"{model} went live meanwhile; hirelog projections switch-back {model} returns to the "
            "tables before"
        )
    return Abandoned(
        [build.schema_name for build in dropped],
        [build.model for build in building if build.model != model],
    )


def drop(connection: psycopg.Connection[Any], schema: str) -> Build:
    """Drops a retired or kept build, or what a killed trial left. Raises NotPossible.

    `connection` must not be in a transaction.
    """
    found = connection.execute(OF_SCHEMA, (schema,)).fetchone()
    if found is None:
        raise NotPossible(
            f"no build of a read model has the schema {schema}; see hirelog projections list"
        )
    build, model = found
    try:
        with switch.alone(connection, model), connection.transaction():
            # Who waits for an analyst's query would hold up the projector behind it.
            connection.execute("SET LOCAL lock_timeout = '2s'")
            return _drop(connection, builds.one(connection, build))
    except psycopg.errors.LockNotAvailable as error:
        raise NotPossible(
            f"{schema} is being queried; try again when nobody does, or end that query"
        ) from error


def _drop(connection: psycopg.Connection[Any], build: Build) -> Build:
    schema = build.schema_name
    if build.state == "live":
        raise NotPossible(
            f"{schema} is what queries of {build.model} see; rebuild it, or switch back, "
            "before this build can be dropped"
        )
    of = rebuild.one(connection, build.rebuild) if build.rebuild else None
    is_trial = of is not None and of.purpose == "scratch"
    if of and is_trial and trial.is_at_work(connection, of.rebuild):
        raise NotPossible(f"{schema} belongs to a try or verify that is still at work")
    if build.state == "building" and not is_trial:
        raise NotPossible(
            f"{schema} is being built; hirelog projections abandon {build.model} gives it up"
        )
    builds.drop(connection, build)
    connection.execute(FORGET, (build.rebuild,))
    return build


def stopped_at(
    connection: psycopg.Connection[Any], model: ReadModel, position: int
) -> tuple[UUID, str] | None:
    """The stream and the topic of the event at `position`, if that has stopped a rebuild.

    So may have any event that live tables of another version do without.
    """
    errors = [
        str(each.error)
        for each in rebuild.going(connection)
        if model.name in each.models and each.state == "stopped"
    ]
    # Poisoned says it in this way.
    named = f"{model.name} cannot fold the event at position {position} "
    if not any(named in error for error in errors) and not (
        errors and _waits_in_another_version(connection, model, position)
    ):
        return None
    return connection.execute(EVENT, (position,)).fetchone()


def _waits_in_another_version(
    connection: psycopg.Connection[Any], model: ReadModel, position: int
) -> bool:
    live = builds.live(connection, model.name)
    if live is None or live.version == model.version:
        return False
    try:
        parking.first_of_stream(connection, model.name, position)
    except NotParked:
        return False
    return True
