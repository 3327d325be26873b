"""Reads the log for the read models: stored rows become events, or entries that cannot be read."""

from typing import Any
from uuid import UUID

import psycopg

from domain.recorded import Recorded, decode
from projections.runtime.batch import Unreadable

SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %s AND notification_id <= %s
 ORDER BY notification_id
 LIMIT %s
"""
HEAD = "SELECT coalesce(max(notification_id), 0) FROM hirelog.events"
END = 2**62  # after every position


def after(
    connection: psycopg.Connection[Any], position: int, limit: int, until: int = END
) -> list[Recorded | Unreadable]:
    """The next events of the log, in order, personal fields sealed."""
    rows = connection.execute(SELECT_EVENTS, (position, until, limit), prepare=True).fetchall()
    return [read(*row) for row in rows]


def head(connection: psycopg.Connection[Any]) -> int:
    """The position of the last event, 0 for an empty log."""
    row = connection.execute(HEAD).fetchone()
    return row[0] if row else 0


def read(
    position: int, stream: UUID, version: int, topic: str, state: bytes
) -> Recorded | Unreadable:
    """The event of a row of the log."""
    try:
        event, metadata = decode(topic, state)
    except Exception as error:  # noqa: BLE001  # bytes that are no event park their stream
        return Unreadable(stream, version, position, topic, type(error).__name__)
    return Recorded(stream, version, event, metadata, position)
