"""The streams that were used last, as they were then, so that a command need not read them anew.

Nothing here is taken for the truth: an append is refused when its stream has moved on, and before
a command is refused what others have recorded meanwhile is read.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from eventsourcing.persistence import OperationalError

STRIPES = 1_024
PATIENCE_SECONDS = 5.0


class Versioned(Protocol):
    """The state of a stream."""

    @property
    def version(self) -> int:
        """The number of the last event in it."""


S = TypeVar("S", bound=Versioned)


class Memory(Generic[S]):
    """States by stream, those of the longest disuse forgotten first. Safe for threads.

    A state may be changed by whoever holds its stream's lock, and by nobody else.
    """

    def __init__(self, most_events: int) -> None:
        """Holds states of no more than `most_events` events in all, for these need the space."""
        self._most = most_events
        self._held = 0
        self._lock = Lock()
        self._states: OrderedDict[UUID, tuple[S, int]] = OrderedDict()
        self._stripes = tuple(Lock() for _ in range(STRIPES))

    @contextmanager
    def held(self, stream: UUID) -> Iterator[None]:
        """Lets nobody else of this process decide on the stream meanwhile.

        Raises the library's OperationalError where others do for too long: the database is away.
        """
        lock = self._stripes[hash(stream) % STRIPES]
        if not lock.acquire(timeout=PATIENCE_SECONDS):
            raise OperationalError(f"others have been at stream {stream} for too long")
        try:
            yield
        finally:
            lock.release()

    def get(self, stream: UUID) -> S | None:
        """The state as it was last kept."""
        with self._lock:
            found = self._states.get(stream)
            if found is None:
                return None
            self._states.move_to_end(stream)
            return found[0]

    def keep(self, stream: UUID, state: S) -> None:
        """Takes the state in place of the one before."""
        with self._lock:
            before = self._states.get(stream)
            self._states[stream] = (state, state.version)
            self._states.move_to_end(stream)
            self._held += state.version - (before[1] if before else 0)
            while self._held > self._most:
                self._drop(next(iter(self._states)))

    def forget(self, stream: UUID) -> None:
        """Has the stream read anew when it is needed next."""
        with self._lock:
            self._drop(stream)

    def clear(self) -> None:
        """The same for all streams."""
        with self._lock:
            self._states.clear()
            self._held = 0

    def _drop(self, stream: UUID) -> None:
        if found := self._states.pop(stream, None):
            self._held -= found[1]
