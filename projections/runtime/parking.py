"""Events that a read model could not fold wait here, stream by stream, until they are let in.

A stream waits behind its first such event, so that its events are never folded out of order.
`retry` folds what waits, as far as it goes; `skip` gives up the first one and retries the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row

from domain.errors import Refusal
from domain.recorded import Recorded
from projections.runtime import builds, tables
from projections.runtime.batch import Parked, Unreadable, fold_batch, touched_keys
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.log import read
from projections.runtime.refused import REFUSED, unwritable

STREAMS = "SELECT stream, min(position) FROM read_models.parked WHERE build = %s GROUP BY stream"
INSERT = """
INSERT INTO read_models.parked (build, position, stream, topic, error)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (build, position) DO NOTHING
"""
LIST = """
SELECT builds.model, parked.position, parked.stream, parked.topic, parked.error, parked.parked_at
  FROM read_models.parked
  JOIN read_models.builds USING (build)
 WHERE builds.state = 'live' AND (%(model)s::text IS NULL OR builds.model = %(model)s)
   AND (builds.model, parked.position) > (%(after_model)s, %(after)s)
 ORDER BY builds.model, parked.position
 LIMIT %(limit)s
"""
CHANGE = """
UPDATE read_models.builds SET revision = revision + 1
 WHERE model = %s AND version = %s AND state = 'live'
RETURNING build
"""
WAITING = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id IN (
       SELECT position FROM read_models.parked WHERE build = %s AND stream = %s)
 ORDER BY notification_id
"""
LET_IN = "DELETE FROM read_models.parked WHERE build = %s AND position = %s"
BLAME = "UPDATE read_models.parked SET error = %s WHERE build = %s AND position = %s"

log = structlog.get_logger()


class NotParked(Refusal):
    """Nothing such is parked; the message says what is."""


@dataclass(frozen=True)
class Waiting:
    """An event that is parked for a live read model."""

    model: str
    position: int
    stream: UUID
    topic: str
    error: str
    parked_at: datetime


@dataclass(frozen=True)
class Drained:
    """How many parked events were let in, and how many still wait."""

    let_in: int = 0
    left: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        """Both together."""
        return Drained(self.let_in + other.let_in, self.left + other.left)


def park(connection: psycopg.Connection[Any], build: Build, parked: Sequence[Parked]) -> None:
    """Puts these events on hold for a build."""
    for each in parked:
        recorded = each.recorded
        log.error(
            "event parked",
            model=build.model,
            position=recorded.position,
            stream=str(recorded.originator_id),
            error=each.error,
        )
        connection.execute(
            INSERT,
            (build.build, recorded.position, recorded.originator_id, each.topic, each.error),
        )


def streams(connection: psycopg.Connection[Any], build: int) -> dict[UUID, int]:
    """The streams that wait, each with the position of its first parked event."""
    return dict(connection.execute(STREAMS, (build,)).fetchall())


def parked(
    connection: psycopg.Connection[Any],
    model: str | None,
    limit: int,
    after: tuple[str, int] = ("", 0),
) -> list[Waiting]:
    """What waits, of one live model or of all, by model and position."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        given = {"model": model, "limit": limit, "after_model": after[0], "after": after[1]}
        return cursor.execute(LIST, given).fetchall()


def first_of_stream(connection: psycopg.Connection[Any], model: str, position: int) -> Waiting:
    """The parked event at this position, which must be the first of its stream.

    Raises NotParked.
    """
    live = builds.live(connection, model)
    waits = (
        live
        and connection.execute(
            "SELECT parked.stream, parked.topic, parked.error, parked.parked_at, first.position"
            "  FROM read_models.parked"
            " CROSS JOIN LATERAL (SELECT min(position) AS position FROM read_models.parked AS other"
            "        WHERE other.build = parked.build AND other.stream = parked.stream) AS first"
            " WHERE parked.build = %s AND parked.position = %s",
            (live.build, position),
        ).fetchone()
    )
    if not waits:
        raise NotParked(
            f"{model} has no parked event at position {position}; see hirelog projections parked"
        )
    stream, topic, error, parked_at, first = waits
    if first != position:
        raise NotParked(
            f"the event at position {position} waits behind the one at {first}; "
            f"skip or retry that one first"
        )
    return Waiting(model, position, stream, topic, error, parked_at)


def live_build(connection: psycopg.Connection[Any], model: ReadModel) -> Build:
    """The live build. Raises NotParked when it is of another version than `model`."""
    live = builds.live(connection, model.name)
    if live is None or live.version != model.version:
        raise NotParked(
            f"the live tables of {model.name} are of another version than this hirelog; "
            "retry with the hirelog that made them"
        )
    return live


def retry(
    connection: psycopg.Connection[Any],
    model: ReadModel,
    stream: UUID | None = None,
    skip: int | None = None,
) -> Drained:
    """Folds what is parked for the live model, of one stream or of all, each as far as it goes.

    The event at position `skip` is left out for good. Raises NotParked when the live tables are of
    another version than `model`.
    """
    live = live_build(connection, model)
    wanted = [stream] if stream else list(streams(connection, live.build))
    drained = Drained()
    for each in wanted:
        drained += _retry_stream(connection, model, each, skip)
    return drained


def _retry_stream(
    connection: psycopg.Connection[Any], model: ReadModel, stream: UUID, skip: int | None
) -> Drained:
    let_in = 0
    with connection.transaction():
        # Holds the projector off: it changes this row first in each of its transactions.
        changed = connection.execute(CHANGE, (model.name, model.version)).fetchone()
        if changed is None:
            raise NotParked(f"other tables of {model.name} went live meanwhile; try again")
        build = changed[0]
        rows = connection.execute(WAITING, (build, stream)).fetchall()
        for row in rows:
            recorded = read(*row)
            if recorded.position != skip and (error := _fold_one(connection, model, recorded)):
                connection.execute(BLAME, (error, build, recorded.position))
                return Drained(let_in, len(rows) - let_in)
            connection.execute(LET_IN, (build, recorded.position))
            let_in += 1
    return Drained(let_in, 0)


def _fold_one(
    connection: psycopg.Connection[Any], model: ReadModel, recorded: Recorded | Unreadable
) -> str | None:
    """Why the event cannot be folded, None when it was."""
    try:
        with connection.transaction():
            rows = tables.load(connection, model.name, touched_keys(model, [recorded]))
            folded = fold_batch(model, [recorded], rows, {})
            tables.write(connection, model.name, folded.changed)
    except REFUSED as error:
        return unwritable(recorded, error).error
    return folded.parked[0].error if folded.parked else None
