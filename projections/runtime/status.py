"""Tells where each read model stands against the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.recorded import decode
from domain.values import now

STALLED_SECONDS = 30.0  # behind for so long without a move, a projector is stuck or missing

STATUS = """
SELECT live.model,
       live.version,
       live.position,
       greatest(head.position - live.position, 0) AS lag_events,
       (SELECT events.topic FROM hirelog.events
         WHERE events.notification_id = live.position + 1) AS next_topic,
       (SELECT events.state FROM hirelog.events
         WHERE events.notification_id = live.position + 1) AS next_state,
       parked.count AS parked,
       coalesce(greatest(extract(epoch FROM now() - parked.oldest), 0), 0)::float8
           AS oldest_parked_seconds,
       live.updated_at
  FROM read_models.builds AS live
 CROSS JOIN (SELECT coalesce(max(notification_id), 0) AS position FROM hirelog.events) AS head
 CROSS JOIN LATERAL (SELECT count(*) AS count, min(parked_at) AS oldest
                       FROM read_models.parked
                      WHERE parked.build = live.build) AS parked
 WHERE live.state = 'live'
 ORDER BY live.model
"""


@dataclass(frozen=True)
class ModelStatus:
    """One live read model: its checkpoint, how far it is behind the log, and its parked events.

    `lag_seconds` is for how long the oldest event that it does not reflect has been on record,
    `oldest_parked_seconds` for how long the longest-waiting event has been parked. `is_stalled`
    when it is behind and has not moved for STALLED_SECONDS.
    """

    model: str
    version: int
    position: int
    lag_events: int
    lag_seconds: float
    parked: int
    oldest_parked_seconds: float
    is_stalled: bool
    updated_at: datetime


def status(connection: psycopg.Connection[Any]) -> list[ModelStatus]:
    """The read models by name."""
    moment = now()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(STATUS).fetchall()
    found = []
    for row in rows:
        still = max((moment - row["updated_at"]).total_seconds(), 0.0)
        lag = _age(row.pop("next_topic"), row.pop("next_state"), moment, unreadable=still)
        is_stalled = row["lag_events"] > 0 and min(lag, still) > STALLED_SECONDS
        found.append(ModelStatus(lag_seconds=lag, is_stalled=is_stalled, **row))
    return found


def _age(topic: str | None, state: bytes | None, moment: datetime, *, unreadable: float) -> float:
    if topic is None or state is None:
        return 0.0
    try:
        recorded_at = decode(topic, state)[1].recorded_at
    except ValueError:  # an event that cannot be read is about to be parked
        return unreadable
    return max((moment - recorded_at).total_seconds(), 0.0)
