"""Which events a build is made from: all, but for those left out and those after a moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from domain.candidate.events import Erased
from domain.recorded import Recorded
from domain.upkeep import ParkedSkipped, stream_of
from projections.runtime.batch import Unreadable
from projections.runtime.contract import ReadModel
from projections.runtime.log import read

SELECT_SKIPPED = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %s AND topic = %s
"""

Wanted = Callable[[Recorded | Unreadable], bool]


@dataclass(frozen=True)
class AsOf:
    """Only what had happened, or was on record, by a moment."""

    moment: datetime
    by: Literal["recorded", "occurred"]

    def includes(self, entry: Recorded | Unreadable) -> bool:
        """Whether the event belongs to it; an entry that cannot be read does, to be reported."""
        if isinstance(entry, Unreadable):
            return True
        metadata = entry.metadata
        then = metadata.recorded_at if self.by == "recorded" else metadata.occurred_at
        return then <= self.moment


def every(_: Recorded | Unreadable) -> bool:
    """All of them."""
    return True


def wanted(connection: psycopg.Connection[Any], model: ReadModel, as_of: AsOf | None) -> Wanted:
    """Tells the events that a build of the model is made from."""
    left_out = skipped(connection, model)
    if as_of is None and not left_out:
        return every
    return lambda entry: (
        entry.position not in left_out
        and (as_of is None or as_of.includes(entry) or (model.holds_personal and _forgets(entry)))
    )


def _forgets(entry: Recorded | Unreadable) -> bool:
    return isinstance(entry, Recorded) and isinstance(entry.event, Erased)


def skipped(connection: psycopg.Connection[Any], model: ReadModel) -> set[int]:
    """The positions of the events that an operator left out of this version of the model."""
    rows = connection.execute(SELECT_SKIPPED, (stream_of(model.name), ParkedSkipped.TOPIC))
    entries = [read(*row) for row in rows]
    return {
        entry.event.position
        for entry in entries
        if isinstance(entry, Recorded)
        and isinstance(entry.event, ParkedSkipped)
        and entry.event.model_version == model.version
    }
