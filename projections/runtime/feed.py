"""Looks through the log for those who follow it: what they chose, in order, at a bounded cost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from projections.runtime import log

LOOKED_THROUGH = 5_000  # events at once, at the most; positions have no gaps

# No index by topic or job: each append would pay for it, and so bounded a look takes milliseconds.
SELECT_CHOSEN = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %(after)s AND notification_id <= %(until)s
   AND (%(topics)s::text[] IS NULL OR topic = ANY(%(topics)s))
   AND (%(job)s::uuid IS NULL OR originator_id = %(job)s OR position(%(named)s IN state) > 0)
 ORDER BY notification_id
 LIMIT %(limit)s
"""

SELECT_CHOSEN_OF_CANDIDATE = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %(candidate)s
   AND notification_id > %(after)s AND notification_id <= %(until)s
   AND (%(topics)s::text[] IS NULL OR topic = ANY(%(topics)s))
   AND (%(job)s::uuid IS NULL OR position(%(named)s IN state) > 0)
 ORDER BY originator_version
 LIMIT %(limit)s
"""

Row = tuple[int, UUID, int, str, bytes]
"""Position, stream, version, topic and the stored bytes."""


class PositionAhead(Exception):  # noqa: N818  # the name of the situation
    """The log has not reached this position; `head` is its last one."""

    def __init__(self, head: int) -> None:
        super().__init__(head)
        self.head = head


@dataclass(frozen=True)
class Choice:
    """Which events: all, or those that fit whatever is given.

    Of a job are its own events, and those whose bytes mention it, which is more than name it.
    """

    topics: Collection[str] | None = None
    candidate: UUID | None = None
    job: UUID | None = None


@dataclass(frozen=True)
class Stretch:
    """The chosen rows behind a position; `position` is how far the log was looked through."""

    rows: Sequence[Row]
    position: int
    head: int


def stretch(connection: psycopg.Connection[Any], choice: Choice, after: int, limit: int) -> Stretch:
    """The next rows, `limit` at the most, perhaps none although there are some further on.

    Raises PositionAhead.
    """
    # Asked first: what is there now is all there up to the head, for positions appear in order.
    head = log.head(connection)
    if after > head:
        raise PositionAhead(head)
    until = head if choice.candidate else min(head, after + LOOKED_THROUGH)
    given = {
        "after": after,
        "until": until,
        "topics": None if choice.topics is None else list(choice.topics),
        "candidate": choice.candidate,
        "job": choice.job,
        "named": str(choice.job).encode(),
        "limit": limit,
    }
    query = SELECT_CHOSEN_OF_CANDIDATE if choice.candidate else SELECT_CHOSEN
    rows: list[Row] = connection.execute(query, given).fetchall()
    return Stretch(rows, rows[-1][0] if len(rows) == limit else until, head)
