"""Which events a build is made from: all, but for those left out and those after a moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from msgspec import structs

from domain.candidate.events import Erased
from domain.recorded import Recorded
from domain.upkeep import ParkedSkipped, stream_of
from projections.runtime.batch import Unreadable
from projections.runtime.contract import Forgotten, ReadModel
from projections.runtime.log import read

SELECT_SKIPPED = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %s AND topic = %s
"""

Entry = Recorded | Unreadable
Seen = Callable[[Entry], Entry | None]


@dataclass(frozen=True)
class AsOf:
    """Only what had happened, or was on record, by a moment."""

    moment: datetime
    by: Literal["recorded", "occurred"]

    def includes(self, entry: Entry) -> bool:
        """Whether the event belongs to it; an entry that cannot be read does, to be reported."""
        if isinstance(entry, Unreadable):
            return True
        metadata = entry.metadata
        then = metadata.recorded_at if self.by == "recorded" else metadata.occurred_at
        return then <= self.moment


def as_it_is(entry: Entry) -> Entry:
    """Each event as it is on record."""
    return entry


def seen(connection: psycopg.Connection[Any], model: ReadModel, as_of: AsOf | None) -> Seen:
    """Gives a build of the model the events that it is made from, and None for all others."""
    left_out = skipped(connection, model)
    if as_of is None and not left_out:
        return as_it_is

    def see(entry: Entry) -> Entry | None:
        if entry.position in left_out:
            return None
        if as_of is None or as_of.includes(entry):
            return entry
        return _forgotten(entry) if model.holds_personal else None

    return see


def _forgotten(entry: Entry) -> Entry | None:
    if isinstance(entry, Recorded) and isinstance(entry.event, Erased):
        return structs.replace(entry, event=Forgotten(**structs.asdict(entry.event)))
    return None


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
