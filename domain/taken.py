"""What was taken in: what becomes of each, the count of all, and one append for many."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from domain.errors import Refusal
from domain.log import AppendingStore, Decided
from domain.recorded import Recorded


class VersionTaken(Exception):  # noqa: N818  # the name of the situation
    """An event on record elsewhere does not fit what is on record here."""


@dataclass
class Tally:
    """What an intake did: events appended, commands repeated or refused, rules that facts break.

    `refused` counts by the rule what was taken and could not be appended. `broken_rules` counts by
    the event's name and the rule, also of what was on record before.
    """

    added: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken_rules: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Counts what another intake did with this one's."""
        self.added += other.added
        self.repeated += other.repeated
        self.refused.update(other.refused)
        self.broken_rules.update(other.broken_rules)


@dataclass(slots=True)
class Taken:
    """What becomes of something that was taken in.

    `position` is that of its last event, after the next flush(). `refusal` says why there are no
    events, where it did not stand any more once another writer had been faster.
    """

    stream: UUID
    events: Sequence[Recorded] = ()
    position: int = 0
    repeated: bool = False
    refusal: Refusal | None = None


class Pending(NamedTuple):
    """Something that was taken and is not appended yet; `again` decides it anew."""

    taken: Taken
    rests_on: tuple[UUID, int] | None  # the job, and its version when this was decided
    again: Callable[[Taken], None]
    attempts: int


def append(store: AppendingStore, pending: Sequence[Pending]) -> bool:
    """Appends all of these at once and tells each its position; False where others were faster."""
    events = [event for each in pending for event in each.taken.events]
    rests_on: dict[UUID, int] = {}
    for each in pending:
        if each.rests_on:
            job_id, version = each.rests_on
            rests_on[job_id] = min(version, rests_on.get(job_id, version))
    (positions,) = store.append_each([Decided(events, rests_on)])
    if positions is None:
        return False
    after = 0
    for each in pending:
        after += len(each.taken.events)
        each.taken.position = positions[after - 1]
    return True


def broken_by(recorded: Recorded) -> list[tuple[str, str]]:
    """The rules that an event broke, each with the event's name."""
    return [(recorded.event.wire_name(), rule) for rule in recorded.metadata.broken_rules]
