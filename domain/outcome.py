"""What a command led to: the first time, and when it is sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import errors
from domain.recorded import Metadata, Recorded


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


def again(
    stream: UUID, events: Sequence[Recorded], metadata: Metadata, *, erased_at: int = 0
) -> Outcome:
    """The first outcome; raises KeyUsedBefore where both digests are known and differ.

    They are not compared where something of the person was erased after it, last at the version
    `erased_at`: nobody shall test guesses, and what was sent need not all stand in the events.
    """
    first, now = events[0].metadata.command_digest, metadata.command_digest
    if first and now and first != now and events[-1].originator_version > erased_at:
        raise errors.KeyUsedBefore(
            f"this Idempotency-Key recorded another command ({events[0].event.wire_name()}) on "
            f"{stream}; give each command a key of its own"
        )
    return Outcome(stream, events, repeated=True)
