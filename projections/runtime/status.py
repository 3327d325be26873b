"""Tells where each read model stands against the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.recorded import decode
from domain.values import now

STATUS = """
SELECT checkpoints.model,
       checkpoints.version,
       checkpoints.position,
       greatest(head.position - checkpoints.position, 0) AS lag_events,
       (SELECT events.topic FROM hirelog.events
         WHERE events.notification_id = checkpoints.position + 1) AS next_topic,
       (SELECT events.state FROM hirelog.events
         WHERE events.notification_id = checkpoints.position + 1) AS next_state,
       (SELECT count(*) FROM read_models.parked WHERE parked.model = checkpoints.model) AS parked,
       checkpoints.updated_at
  FROM read_models.checkpoints
 CROSS JOIN (SELECT coalesce(max(notification_id), 0) AS position FROM hirelog.events) AS head
 ORDER BY checkpoints.model
"""


@dataclass(frozen=True)
class ModelStatus:
    """One read model: its checkpoint, how far it is behind the log, and its parked events.

    `lag_seconds` is for how long the oldest event that it does not reflect has been on record.
    """

    model: str
    version: int
    position: int
    lag_events: int
    lag_seconds: float
    parked: int
    updated_at: datetime


def status(connection: psycopg.Connection[Any]) -> list[ModelStatus]:
    """The read models by name."""
    moment = now()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(STATUS).fetchall()
    return [
        ModelStatus(lag_seconds=_age(row.pop("next_topic"), row.pop("next_state"), moment), **row)
        for row in rows
    ]


def _age(topic: str | None, state: bytes | None, moment: datetime) -> float:
    if topic is None or state is None:
        return 0.0
    try:
        recorded_at = decode(topic, state)[1].recorded_at
    except ValueError:  # an event that cannot be read is about to be parked
        return 0.0
    return max((moment - recorded_at).total_seconds(), 0.0)
