"""The library's PostgreSQL recorder on our append-only table, in commit order."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import (
    IntegrityError,
    Notification,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.rows import DictRow, tuple_row

from domain.log import Appended, EventLog, Head
from domain.store.group import GroupCommit
from domain.store.keyring import NewKey
from domain.store.patience import LOST, RETRY_WAITS, is_lost, patiently, wait
from domain.store.wire import Statement, Type, int4, int8

# One round trip, a transaction of its own. Not psycopg's pipeline mode, in which a large group of
# events was seen to wait for the server for ever, and the server for it.
APPEND = Statement(
    "hirelog_append",
    """
SELECT array_to_string(refused, ','), head
  FROM hirelog.append_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
""",
    (
        *(Type.INT4, Type.UUID, Type.INT8, Type.TEXT, Type.BYTEA),
        *(Type.INT4, Type.UUID, Type.INT8),
        *(Type.INT4, Type.UUID, Type.TEXT, Type.BYTEA),
    ),
)

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

SELECT_HEADS = """
SELECT head.originator_id, head.originator_version, head.topic
  FROM unnest(%s::uuid[]) AS wanted (stream)
 CROSS JOIN LATERAL (
       SELECT originator_id, originator_version, topic
         FROM hirelog.events
        WHERE originator_id = wanted.stream
        ORDER BY originator_version DESC
        LIMIT 1) AS head
"""

GROUP_EVENTS = 4_000  # in one transaction, but for a single append that is larger


@dataclass(frozen=True, slots=True)
class Append:
    """What is appended whole or not at all.

    `rests_on` are the versions that must still be the last ones of streams, also of those that the
    events begin or go on with; `keys` are stored together with the events.
    """

    events: Sequence[StoredEvent]
    rests_on: Mapping[UUID, int]
    keys: Sequence[NewKey]

    @classmethod
    def of(
        cls,
        events: Sequence[StoredEvent],
        rests_on: Mapping[UUID, int] | None = None,
        keys: Sequence[NewKey] = (),
    ) -> "Append":
        """The append of `events`, each stream's after the version before its first one here."""
        versions = dict(rests_on or {})
        for event in reversed(events):
            versions[cast("UUID", event.originator_id)] = max(event.originator_version - 1, 0)
        return cls(events, versions, keys)


class _Bundle:
    """The appends of one caller, as a member of the group in which they are committed."""

    def __init__(self, appends: Sequence[Append]) -> None:
        self.appends = appends
        self.size = sum(len(each.events) for each in appends)
        if len(appends) == 1:
            self.reads: AbstractSet[UUID] = appends[0].rests_on.keys()
        else:
            self.reads = {stream for each in appends for stream in each.rests_on}
        self.writes = {event.originator_id for each in appends for event in each.events}


Answers = Sequence[Sequence[int] | None]
"""For each append its events' positions, or None where its ground has moved."""


class Recorder(PostgresApplicationRecorder, EventLog):
    """Appends in commit order and never takes its own late commit for a conflict."""

    def __init__(self, datastore: Any, *, events_table_name: str = "events") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self.channel_name = "hirelog_events"
        self.appended = Appended()
        self._group = GroupCommit[_Bundle, Answers](self._commit, limit=GROUP_EVENTS)

    # The library tries ten times, which keeps a caller waiting for most of a minute when the
    # database is away.
    select_events = patiently(PostgresApplicationRecorder.select_events.__wrapped__)
    select_notifications = patiently(PostgresApplicationRecorder.select_notifications.__wrapped__)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Appends all or none, and returns their positions.

        Raises the library's IntegrityError when a version is taken, else as insert_each.
        """
        if not stored_events:
            return None
        append = Append.of(stored_events)
        (positions,) = self.insert_each([append])
        if positions is None:
            raise IntegrityError(f"a stream has moved on; the append rests on {append.rests_on}")
        return list(positions)

    def insert_each(self, appends: Sequence[Append]) -> Answers:
        """Commits all appends in one transaction, each for itself; none may go on with another's.

        Safe for threads, whose appends are committed together. Raises the library's
        OperationalError when the database cannot be reached for a few seconds.
        """
        return self._group.take(_Bundle(appends))

    @property
    def waiting(self) -> int:
        """How many callers wait for the commit that is under way."""
        return self._group.waiting

    def _commit(self, group: Sequence[_Bundle]) -> Sequence[Answers]:
        appended = self._append_surely([each for bundle in group for each in bundle.appends])
        self.appended.count(appended)
        answers = iter(appended)
        return [list(islice(answers, len(bundle.appends))) for bundle in group]

    def _append_surely(self, appends: Sequence[Append]) -> Answers:
        unsure = False
        for seconds in (*RETRY_WAITS, None):
            try:
                answers = self._append_once(appends)
                break
            except IntegrityError:
                # The versions of one append do not follow each other.
                if len(appends) == 1:
                    return [None]
                return [answer for each in appends for answer in self._append_surely([each])]
            except LOST as error:
                if seconds is None or not is_lost(error):
                    raise
                # Perhaps after the commit.
                unsure = True
                wait(self.datastore, seconds)
        if unsure:
            return [
                positions or self._positions_if_ours(each)
                for each, positions in zip(appends, answers, strict=True)
            ]
        return answers

    def _append_once(self, appends: Sequence[Append]) -> Answers:
        numbered = [(int4(place), each) for place, each in enumerate(appends)]
        events = [event for each in appends for event in each.events]
        ground = [(place, on) for place, each in numbered for on in each.rests_on.items()]
        keys = [(place, key) for place, each in numbered for key in each.keys]
        with self.datastore.get_connection() as connection:
            refused_places, head = APPEND.execute(
                connection,
                [place for place, each in numbered for _ in each.events],
                [event.originator_id.bytes for event in events],  # type: ignore[union-attr]  # UUID
                [int8(event.originator_version) for event in events],
                [event.topic.encode() for event in events],
                [event.state for event in events],
                [place for place, _ in ground],
                [stream.bytes for _, (stream, _) in ground],
                [int8(version) for _, (_, version) in ground],
                [place for place, _ in keys],
                [key.candidate_id.bytes for _, key in keys],
                [key.purpose.encode() for _, key in keys],
                [key.wrapped for _, key in keys],
            )
        refused = set(map(int, refused_places.split(b","))) if refused_places else set()
        last = int(head or 0)
        answers: list[Sequence[int] | None] = []
        for place, each in enumerate(appends):
            if place in refused:
                answers.append(None)
                continue
            answers.append(range(last + 1, last + 1 + len(each.events)))
            last += len(each.events)
        return answers

    def _positions_if_ours(self, append: Append) -> Sequence[int] | None:
        positions = []
        for event in append.events:
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

    @patiently
    def select_heads(self, originator_ids: Sequence[UUID]) -> Mapping[UUID, Head]:
        """The last event of each of these streams that there are."""
        with self.datastore.get_connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SELECT_HEADS, (list(originator_ids),), prepare=True)
            return {stream: Head(version, topic) for stream, version, topic in cursor.fetchall()}


def _notification(row: DictRow) -> Notification:
    return Notification(
        id=row["notification_id"],
        originator_id=row["originator_id"],
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=row["state"],
    )
