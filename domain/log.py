"""What hirelog asks of an event store beyond what the library does."""

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, EventStore, Notification

from domain.recorded import Recorded
from domain.values import Purpose


@dataclass(frozen=True, slots=True)
class Decided:
    """Events that follow from one decision or several, and what these rest on.

    `rests_on` are the versions that other streams must still be at, such as the job's: they must be
    on record, for the log notices only what came after them. That the events' own streams are at
    the versions before them goes without saying.
    """

    events: Sequence[Recorded]
    rests_on: Mapping[UUID, int] = field(default_factory=dict)


class Head(NamedTuple):
    """The last event of a stream."""

    version: int
    topic: str


GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Appended:
    """What this process has appended since it began, in groups of which each is one commit.

    `of_size` counts the groups by their commands: up to each of GROUP_SIZES, and above them all.
    """

    def __init__(self) -> None:
        self.commands = self.events = self.refused = 0
        self.of_size = [0] * (len(GROUP_SIZES) + 1)

    def count(self, group: Sequence[Sequence[int] | None]) -> None:
        """Adds a group: each command's positions, or None where its ground had moved.

        To be called by one thread at a time.
        """
        taken = [positions for positions in group if positions is not None]
        self.commands += len(taken)
        self.refused += len(group) - len(taken)
        self.events += sum(map(len, taken))
        self.of_size[bisect_left(GROUP_SIZES, len(group))] += 1


class EventLog(ApplicationRecorder):
    """The library's recorder, with histories that hold positions."""

    appended: Appended

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many callers wait for the commit that is under way."""

    @abstractmethod
    def select_history(
        self, originator_id: UUID, *, gt: int = 0, lte: int | None = None, limit: int | None = None
    ) -> Sequence[Notification]:
        """The stream's stored events after version `gt` up to `lte`, with their positions."""

    @abstractmethod
    def select_histories(self, originator_ids: Sequence[UUID]) -> Sequence[Notification]:
        """All stored events of these streams, stream by stream, each in its order."""

    @abstractmethod
    def select_heads(self, originator_ids: Sequence[UUID]) -> Mapping[UUID, Head]:
        """The last event of each of these streams that there are."""


class AppendingStore(EventStore[UUID]):
    """The library's event store, with appends that are told what they rest on."""

    @abstractmethod
    def append_each(self, decided: Sequence[Decided]) -> Sequence[Sequence[int] | None]:
        """Commits all in one transaction, each for itself: whole, or not at all.

        Returns for each the positions of its events, or None where what it rests on has moved on.
        No two may write to the same stream. Raises the library's OperationalError when the database
        cannot be reached for a few seconds.
        """

    @abstractmethod
    def destroy_keys(self, keys: Sequence[tuple[UUID, Purpose]]) -> None:
        """Destroys keys, each by the stream that it is of, where the stream does not say so."""
