"""What a command led to: the first time, and when it is sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import errors
from domain.recorded import Metadata, Recorded, personal_values
from domain.values import REDACTED


@dataclass(frozen=True)
class Outcome:
    """What a command led to; `repeated` when it was on record before and added nothing."""

    stream: UUID
    events: Sequence[Recorded]
    repeated: bool = False

    @property
    def position(self) -> int:
        """Where the log stands with this command's last event."""
        return self.events[-1].position

    @property
    def version(self) -> int:
        """The stream's version with this command's last event."""
        return self.events[-1].originator_version


def again(stream: UUID, events: Sequence[Recorded], metadata: Metadata) -> Outcome:
    """The first outcome; raises KeyUsedBefore where both digests are known and differ.

    They are not compared where what the command said was erased: nobody shall test guesses of it.
    """
    first, now = events[0].metadata.command_digest, metadata.command_digest
    is_erased = any(REDACTED in personal_values(each.event).values() for each in events)
    if first and now and first != now and not is_erased:
        raise errors.KeyUsedBefore(
            f"this Idempotency-Key recorded another command ({events[0].event.wire_name()}) on "
            f"{stream}; give each command a key of its own"
        )
    return Outcome(stream, events, repeated=True)
