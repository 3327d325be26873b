"""Follows the log and keeps the read models up to date: one pass over the events feeds them all.

A session-level advisory lock on the projector's own connection makes it the owner of a read model,
and the same connection writes its rows: when the process dies or loses the connection, the lock is
free and nothing of it can be written any more, so another projector takes over.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import structlog

from domain.recorded import Recorded, decode
from projections.runtime import tables
from projections.runtime.batch import Parked, Unreadable, fold_batch, touched_keys
from projections.runtime.contract import ReadModel

BATCH = 2_000  # events
POLL_SECONDS = 1.0  # how long a missed notification can stay unnoticed
RECONNECT_SECONDS = 1.0

OWN = "SELECT pg_try_advisory_lock(hashtextextended('hirelog read model ' || %s, 0))"
DISOWN = "SELECT pg_advisory_unlock(hashtextextended('hirelog read model ' || %s, 0))"
CHECKPOINT = "SELECT position, version FROM read_models.checkpoints WHERE model = %s"
MOVE_CHECKPOINT = """
UPDATE read_models.checkpoints
   SET position = %(to)s, updated_at = now()
 WHERE model = %(model)s AND version = %(version)s AND position = %(from)s
"""
SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %s
 ORDER BY notification_id
 LIMIT %s
"""
SELECT_PARKED = """
SELECT stream, min(position) FROM read_models.parked WHERE model = %s GROUP BY stream
"""
INSERT_PARKED = """
INSERT INTO read_models.parked (model, position, stream, topic, error)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (model, position) DO NOTHING
"""

log = structlog.get_logger()


@dataclass
class Owned:
    """A read model that this projector owns, with where it stands."""

    model: ReadModel
    position: int
    parked_streams: dict[UUID, int]


class Projector:
    """Projects the given read models until told to stop."""

    def __init__(self, conninfo: str, models: Sequence[ReadModel]) -> None:
        """`conninfo` must log in as the service; connections are opened by run()."""
        self._conninfo = conninfo
        self._models = models
        self._owned: dict[str, Owned] = {}

    def run(self, stop: Event, caught_up: Callable[[], None] | None = None) -> None:
        """Follows the log until `stop` is set; survives the loss of the database.

        Calls `caught_up` whenever nothing is left to project.
        """
        while not stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    self._follow(connection, stop, caught_up)
            except psycopg.Error as error:
                log.warning("projector lost the database", error=type(error).__name__)
                stop.wait(RECONNECT_SECONDS)
            finally:
                self._owned.clear()

    def _follow(
        self,
        connection: psycopg.Connection[Any],
        stop: Event,
        caught_up: Callable[[], None] | None,
    ) -> None:
        tables.install(connection, self._models, replace=True)
        connection.execute("LISTEN hirelog_events")
        next_claim = 0.0
        while not stop.is_set():
            if time.monotonic() >= next_claim:
                self._claim(connection)
                next_claim = time.monotonic() + POLL_SECONDS
            if not self._project_batch(connection):
                if caught_up:
                    caught_up()
                for _ in connection.notifies(timeout=POLL_SECONDS / 4, stop_after=1):
                    pass

    def _claim(self, connection: psycopg.Connection[Any]) -> None:
        """Owns what is free, and reads again where what it owns stands: it may be made anew."""
        for model in self._models:
            if model.name not in self._owned:
                owns = connection.execute(OWN, (model.name,)).fetchone()
                if not owns or not owns[0]:
                    continue
            checkpoint = connection.execute(CHECKPOINT, (model.name,)).fetchone()
            if checkpoint is None or checkpoint[1] != model.version:
                # Another version of hirelog has made the tables; its projector is the one to run.
                self._disown(connection, model.name)
            elif model.name not in self._owned or (
                self._owned[model.name].position != checkpoint[0]
            ):
                parked = dict(connection.execute(SELECT_PARKED, (model.name,)).fetchall())
                self._owned[model.name] = Owned(model, checkpoint[0], parked)
                log.info("projector owns read model", model=model.name, position=checkpoint[0])

    def _disown(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._owned.pop(name, None)
        connection.execute(DISOWN, (name,))

    def _project_batch(self, connection: psycopg.Connection[Any]) -> bool:
        if not self._owned:
            return False
        start = min(owned.position for owned in self._owned.values())
        rows = connection.execute(SELECT_EVENTS, (start, BATCH), prepare=True).fetchall()
        if not rows:
            return False
        batch = [_read(*row) for row in rows]
        for owned in list(self._owned.values()):
            try:
                self._project(connection, owned, batch)
            except _Superseded:
                self._disown(connection, owned.model.name)
            except psycopg.Error:
                if connection.broken:
                    raise
                # A row of the batch is one that the database refuses; find out whose.
                for recorded in batch:
                    self._project_alone(connection, owned, recorded)
        return True

    def _project_alone(
        self, connection: psycopg.Connection[Any], owned: Owned, recorded: Recorded | Unreadable
    ) -> None:
        try:
            self._project(connection, owned, [recorded])
        except psycopg.Error as error:
            if connection.broken:
                raise
            reason = f"the database refuses its row: {type(error).__name__}"
            unwritable = Unreadable(
                recorded.originator_id, recorded.position, Parked(recorded, "").topic, reason
            )
            self._project(connection, owned, [unwritable])

    def _project(
        self,
        connection: psycopg.Connection[Any],
        owned: Owned,
        batch: Sequence[Recorded | Unreadable],
    ) -> None:
        position = batch[-1].position
        if position <= owned.position:
            return
        new = [recorded for recorded in batch if recorded.position > owned.position]
        model = owned.model
        with connection.transaction():
            rows = tables.load(connection, model.name, touched_keys(model, new))
            folded = fold_batch(model, new, rows, owned.parked_streams)
            tables.write(connection, model.name, folded.changed)
            self._park(connection, owned, folded.parked)
            moved = connection.execute(
                MOVE_CHECKPOINT,
                {
                    "model": model.name,
                    "version": model.version,
                    "from": owned.position,
                    "to": position,
                },
                prepare=True,
            )
            if moved.rowcount != 1:
                raise _Superseded
        owned.position = position

    def _park(
        self, connection: psycopg.Connection[Any], owned: Owned, parked: Sequence[Parked]
    ) -> None:
        for each in parked:
            recorded = each.recorded
            owned.parked_streams.setdefault(recorded.originator_id, recorded.position)
            log.error(
                "event parked",
                model=owned.model.name,
                position=recorded.position,
                stream=str(recorded.originator_id),
                error=each.error,
            )
            connection.execute(
                INSERT_PARKED,
                (
                    owned.model.name,
                    recorded.position,
                    recorded.originator_id,
                    each.topic,
                    each.error,
                ),
            )


class _Superseded(Exception):  # noqa: N818  # a signal within this module
    """The checkpoint is not where this projector left it: the model was made anew."""


def _read(
    position: int, stream: UUID, version: int, topic: str, state: bytes
) -> Recorded | Unreadable:
    try:
        event, metadata = decode(topic, state)
    except Exception as error:  # noqa: BLE001  # bytes that are no event park their stream
        return Unreadable(stream, position, topic, type(error).__name__)
    return Recorded(stream, version, event, metadata, position)
