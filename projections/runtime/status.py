"""Tells where each read model stands against the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

STATUS = """
SELECT checkpoints.model,
       checkpoints.version,
       checkpoints.position,
       greatest(head.position - checkpoints.position, 0) AS lag_events,
       CASE WHEN head.position > checkpoints.position
            THEN greatest(extract(epoch FROM now() - checkpoints.updated_at), 0)::float8
            ELSE 0 END AS lag_seconds,
       (SELECT count(*) FROM read_models.parked WHERE parked.model = checkpoints.model) AS parked,
       checkpoints.updated_at
  FROM read_models.checkpoints
 CROSS JOIN (SELECT coalesce(max(notification_id), 0) AS position FROM hirelog.events) AS head
 ORDER BY checkpoints.model
"""


@dataclass(frozen=True)
class ModelStatus:
    """One read model: its checkpoint, how far it is behind the log, and its parked events."""

    model: str
    version: int
    position: int
    lag_events: int
    lag_seconds: float
    parked: int
    updated_at: datetime


def status(connection: psycopg.Connection[Any]) -> list[ModelStatus]:
    """The read models by name."""
    with connection.cursor(row_factory=class_row(ModelStatus)) as cursor:
        return cursor.execute(STATUS).fetchall()
