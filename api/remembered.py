"""Answers that are given again while what they were made from is as it was, and who finds out.

What is remembered is never taken for the truth: its stamp is asked of the database for each request
anew. Requests that come at the same time ask together, for a question costs more than its answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from api.clocks import Running

OVERHEAD_BYTES = 1_500  # of what is held beside a body

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Asks the database one question for all who want to know something at the same time.

    Each is answered by a question that began after it had come.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        """`ask` gives the answers that there are, on a thread of its own."""
        self._ask = ask
        self._turn = asyncio.Lock()
        self._keys: set[K] = set()
        self._next: asyncio.Task[Mapping[K, V]] | None = None

    async def get(self, key: K) -> V | None:
        """What there is for this key. Raises what asking raised."""
        self._keys.add(key)
        if self._next is None:
            self._next = asyncio.create_task(self._ask_for_all())
        # A client that goes away leaves the others their answer.
        return (await asyncio.shield(self._next)).get(key)

    async def _ask_for_all(self) -> Mapping[K, V]:
        async with self._turn:
            keys, self._keys, self._next = list(self._keys), set(), None
            return await asyncio.to_thread(self._ask, keys)


class Told(NamedTuple):
    """An answer's bytes of JSON, its entity tag, and where clocks run in it, these."""

    body: bytes
    tag: str
    running: Running | None = None


class Remembered:
    """Answers by key, each with the stamp of what it was made from; the oldest go first."""

    def __init__(self, most_bytes: int) -> None:
        """Holds about `most_bytes`."""
        self._most = most_bytes
        self._size = 0
        self._sizes: dict[Hashable, int] = {}  # of those that are made
        self._held: OrderedDict[Hashable, tuple[Hashable, asyncio.Task[Told]]] = OrderedDict()

    async def get(self, key: Hashable, stamp: Hashable, make: Callable[[], Told]) -> Told:
        """The answer under this stamp; made on a thread, once for all who ask meanwhile.

        Raises what `make` raises.
        """
        held = self._held.get(key)
        if held is None or held[0] != stamp:
            held = stamp, asyncio.create_task(asyncio.to_thread(make))
            self.forget(key)
            self._held[key] = held
            held[1].add_done_callback(lambda made: self._made(key, made))
        return held[1].result() if held[1].done() else await asyncio.shield(held[1])

    def forget(self, key: Hashable) -> None:
        """Has the answer made anew when it is asked for next."""
        if self._held.pop(key, None):
            self._size -= self._sizes.pop(key, 0)

    def forget_all(self) -> None:
        """The same for all answers; those that are being made are given, and not kept."""
        self._held.clear()
        self._sizes.clear()
        self._size = 0

    def _made(self, key: Hashable, made: asyncio.Task[Told]) -> None:
        held = self._held.get(key)
        if held is None or held[1] is not made:
            return
        if made.cancelled() or made.exception():
            del self._held[key]
            return
        told = made.result()
        self._sizes[key] = len(told.body) * (2 if told.running else 1) + OVERHEAD_BYTES
        self._size += self._sizes[key]
        while self._size > self._most:
            self.forget(next(iter(self._held)))
