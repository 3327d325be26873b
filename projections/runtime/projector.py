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

from domain.recorded import Recorded
from projections.runtime import builds, log, parking, selection, tables
from projections.runtime.batch import Parked, Unreadable, fold_batch, touched_keys
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.refused import REFUSED, unwritable
from projections.runtime.selection import Seen

FEWEST, MOST = 250, 8_000  # events in a batch: few while idle, more while there is much to do
POLL_SECONDS = 1.0  # how long a missed notification can stay unnoticed
RECONNECT_SECONDS = 1.0

# All at once, so that of projectors that start together one owns all.
OWN = """
SELECT model FROM unnest(%s::text[]) AS model
 WHERE pg_try_advisory_lock(hashtextextended('hirelog read model ' || model, 0))
"""
DISOWN = "SELECT pg_advisory_unlock(hashtextextended('hirelog read model ' || %s, 0))"

# First in its transaction, so that whoever changes the build otherwise waits or is waited for.
MOVE = """
UPDATE read_models.builds
   SET position = %(to)s, updated_at = now()
 WHERE build = %(build)s AND state = %(state)s AND position = %(from)s
RETURNING revision
"""
TELL = "SELECT pg_notify('hirelog_projected', '')"

logger = structlog.get_logger()


Park = Callable[[psycopg.Connection[Any], Build, Sequence[Parked]], None]


class Superseded(Exception):  # noqa: N818  # a signal of the runtime
    """The build is not where it was left: it was switched, or someone else moves it."""


@dataclass
class Followed:
    """A build whose rows are being brought up to date, with where it stands."""

    model: ReadModel
    build: Build
    position: int
    revision: int
    parked_streams: dict[UUID, int]
    seen: Seen
    park: Park = parking.park


def follow(connection: psycopg.Connection[Any], model: ReadModel, build: Build) -> Followed:
    """The build as it stands now; what operators left out of the model stays out."""
    parked = parking.streams(connection, build.build)
    return Followed(
        model,
        build,
        build.position,
        build.revision,
        parked,
        seen=selection.seen(connection, model, None),
    )


def project(
    connection: psycopg.Connection[Any],
    followed: Followed,
    batch: Sequence[Recorded | Unreadable],
) -> None:
    """Folds the events of `batch` that are new to the build, in one transaction.

    What cannot be folded is parked. Raises Superseded, what the build's `park` raises, and
    psycopg.Error where the database refuses a row; nothing has changed then.
    """
    position = batch[-1].position
    if position <= followed.position:
        return
    new = [
        entry
        for recorded in batch
        if recorded.position > followed.position and (entry := followed.seen(recorded))
    ]
    model, build = followed.model, followed.build
    with connection.transaction():
        given = {
            "build": build.build,
            "state": build.state,
            "from": followed.position,
            "to": position,
        }
        moved = connection.execute(MOVE, given, prepare=True).fetchone()
        if moved is None:
            raise Superseded
        if moved[0] != followed.revision:
            followed.revision = moved[0]
            followed.parked_streams = parking.streams(connection, build.build)
        rows = tables.load(connection, build.schema_name, touched_keys(model, new))
        folded = fold_batch(model, new, rows, followed.parked_streams)
        tables.write(connection, build.schema_name, folded.changed)
        followed.park(connection, build, folded.parked)
        connection.execute(TELL, prepare=True)
    for each in folded.parked:
        followed.parked_streams.setdefault(each.recorded.originator_id, each.recorded.position)
    followed.position = position


def project_or_park(
    connection: psycopg.Connection[Any],
    followed: Followed,
    batch: Sequence[Recorded | Unreadable],
) -> None:
    """project(); an event whose row the database refuses is parked as one that cannot be folded.

    Raises Superseded, and what the build's `park` raises.
    """
    try:
        project(connection, followed, batch)
    except REFUSED:
        for recorded in batch:
            try:
                project(connection, followed, [recorded])
            except REFUSED as error:
                project(connection, followed, [unwritable(recorded, error)])


class Projector:
    """Projects the given read models until told to stop."""

    def __init__(self, conninfo: str, models: Sequence[ReadModel]) -> None:
        """`conninfo` must log in as the service; connections are opened by run()."""
        self._conninfo = conninfo
        self._models = models
        self._owned: dict[str, Followed] = {}
        self._limit = FEWEST
        self._next_claim = 0.0
        self._left: set[int] = set()

    def run(self, stop: Event, caught_up: Callable[[], None] | None = None) -> None:
        """Follows the log until `stop` is set; survives the loss of the database.

        Calls `caught_up` whenever nothing is left to project.
        """
        while not stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    self._follow(connection, stop, caught_up)
            except psycopg.OperationalError as error:
                logger.warning("projector lost the database", error=type(error).__name__)
                stop.wait(RECONNECT_SECONDS)
            except Exception as error:  # noqa: BLE001  # nobody would start the thread again
                logger.error("projector failed", error=type(error).__name__)
                stop.wait(RECONNECT_SECONDS)
            finally:
                self._owned.clear()

    def _follow(
        self,
        connection: psycopg.Connection[Any],
        stop: Event,
        caught_up: Callable[[], None] | None,
    ) -> None:
        builds.install(connection, self._models)
        connection.execute("LISTEN hirelog_events")
        self._next_claim = 0.0
        while not stop.is_set():
            if time.monotonic() >= self._next_claim:
                self._claim(connection)
                self._next_claim = time.monotonic() + POLL_SECONDS
            if not self._project_batch(connection):
                if caught_up:
                    caught_up()
                for _ in connection.notifies(timeout=POLL_SECONDS / 4, stop_after=1):
                    pass

    def _claim(self, connection: psycopg.Connection[Any]) -> None:
        """Owns what is free, and looks again at what it owns: that may have been switched."""
        free = [model.name for model in self._models if model.name not in self._owned]
        claimed = {row[0] for row in connection.execute(OWN, (free,))} if free else set()
        for model in self._models:
            if model.name not in claimed | self._owned.keys():
                continue
            owned = self._owned.get(model.name)
            live = builds.live(connection, model.name)
            if live is None or live.version != model.version:
                self._leave_to_its_version(model, live)
                self._disown(connection, model.name)
            elif owned is None or (owned.build.build, owned.position) != (
                live.build,
                live.position,
            ):
                self._owned[model.name] = follow(connection, model, live)
                logger.info("projector owns read model", model=model.name, position=live.position)

    def _leave_to_its_version(self, model: ReadModel, live: Build | None) -> None:
        """The projector of another version of hirelog is the one to run."""
        if live and live.build not in self._left:
            self._left.add(live.build)
            logger.warning(
                "live tables are of another version, and move only while its hirelog projects",
                model=model.name,
                version=live.version,
                ours=model.version,
            )

    def _disown(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._owned.pop(name, None)
        connection.execute(DISOWN, (name,))

    def _project_batch(self, connection: psycopg.Connection[Any]) -> bool:
        if not self._owned:
            return False
        start = min(owned.position for owned in self._owned.values())
        batch = log.after(connection, start, self._limit)
        if not batch:
            self._limit = FEWEST
            return False
        for owned in list(self._owned.values()):
            try:
                project_or_park(connection, owned, batch)
            except Superseded:
                self._disown(connection, owned.model.name)
                self._next_claim = 0.0
        is_full = len(batch) == self._limit
        self._limit = min(2 * self._limit, MOST) if is_full else max(self._limit // 2, FEWEST)
        return True
