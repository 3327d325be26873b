"""The library's PostgreSQL recorder on our append-only table, in commit order."""

from collections.abc import Sequence
from time import sleep
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder
from eventsourcing.utils import retry
from psycopg.rows import DictRow

from domain.recruiting import EventLog

# One round trip, a transaction of its own. Not psycopg's pipeline mode, in which a large group of
# events was seen to wait for the server for ever, and the server for it.
APPEND = """
SELECT position FROM hirelog.append_events(
    %s::uuid[], %s::bigint[], %s::text[], %s::bytea[]) AS position
"""

SELECT_HISTORY = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %(originator_id)s
   AND originator_version > %(gt)s
   AND originator_version <= %(lte)s
 ORDER BY originator_version
 LIMIT %(limit)s
"""

SELECT_HISTORIES = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = ANY(%s)
 ORDER BY originator_id, originator_version
"""

RETRY_WAITS = (0.05, 0.2, 0.8)  # seconds between attempts on a lost connection

# The library's own readers try ten times, which keeps a caller waiting for most of a minute when
# the database is away.
patiently = retry((InterfaceError, OperationalError), max_attempts=3, wait=0.2)


class Recorder(PostgresApplicationRecorder, EventLog):
    """Appends in commit order and never takes its own late commit for a conflict."""

    def __init__(self, datastore: Any, *, events_table_name: str = "events") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self.channel_name = "hirelog_events"

    select_events = patiently(PostgresApplicationRecorder.select_events.__wrapped__)
    select_notifications = patiently(PostgresApplicationRecorder.select_notifications.__wrapped__)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Appends all or none, and returns their positions.

        Raises the library's IntegrityError when a version is taken, OperationalError when the
        database cannot be reached for a few seconds.
        """
        unsure = False
        for wait in (*RETRY_WAITS, None):
            try:
                return self._insert_once(stored_events)
            except IntegrityError:
                if unsure and (positions := self._positions_if_ours(stored_events)):
                    return positions
                raise
            except (InterfaceError, OperationalError):
                # The connection may have been lost after the commit.
                unsure = True
                if wait is None:
                    raise
                sleep(wait)
        raise AssertionError("unreachable")  # the last wait is None

    def _insert_once(self, stored_events: Sequence[StoredEvent]) -> Sequence[int] | None:
        if not stored_events:
            return None
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            cursor.execute(
                APPEND,
                (
                    [event.originator_id for event in stored_events],
                    [event.originator_version for event in stored_events],
                    [event.topic for event in stored_events],
                    [event.state for event in stored_events],
                ),
                prepare=True,
            )
            return [row["position"] for row in cursor.fetchall()]

    def _positions_if_ours(self, stored_events: Sequence[StoredEvent]) -> Sequence[int] | None:
        positions = []
        for event in stored_events:
            version = event.originator_version
            found = self.select_history(
                UUID(str(event.originator_id)), gt=version - 1, lte=version, limit=1
            )
            if not found or (found[0].topic, found[0].state) != (event.topic, event.state):
                return None
            positions.append(found[0].id)
        return positions

    @patiently
    def select_history(
        self, originator_id: UUID, *, gt: int = 0, lte: int | None = None, limit: int | None = None
    ) -> Sequence[Notification]:
        """The stream's stored events after version `gt` up to `lte`, with their positions."""
        with self.datastore.get_connection() as conn, conn.cursor() as cursor:
            cursor.execute(
                SELECT_HISTORY,
                {
                    "originator_id": originator_id,
                    "gt": gt,
                    "lte": lte if lte is not None else 2**62,
                    "limit": limit,
                },
            )
            return [_notification(row) for row in cursor.fetchall()]

    @patiently
    def select_histories(self, originator_ids: Sequence[UUID]) -> Sequence[Notification]:
        """All stored events of these streams, stream by stream, each in its order."""
        with self.datastore.get_connection() as conn, conn.cursor() as cursor:
            cursor.execute(SELECT_HISTORIES, (list(originator_ids),))
            return [_notification(row) for row in cursor.fetchall()]


def _notification(row: DictRow) -> Notification:
    return Notification(
        id=row["notification_id"],
        originator_id=row["originator_id"],
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=row["state"],
    )
