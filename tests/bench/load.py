"""Many connections that ask without a pause, in a process of their own, and how long each waited.

Cheaper than any client library, so that the server is what is measured.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from tests.bench.writers import START_SECONDS, Laps

PATIENCE_SECONDS = 60.0  # for the last answers


@dataclass(frozen=True)
class Load:
    """What all connections saw: laps of each, and the answers by status."""

    begin: float
    laps: list[Laps]
    statuses: Counter[str]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], first: int, statuses: Counter[str]) -> None:
        count = len(requests)
        self._requests = cycle([requests[(first + place) % count] for place in range(count)])
        self._statuses = statuses
        self._transport: asyncio.Transport | None = None
        self._heard = bytearray()
        self._needed = 0  # bytes of the answer; 0 before its head is there
        self._sent_at = self._end = 0.0
        self.laps: list[float] = []
        self.ended = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def begin(self, end: float) -> None:
        self._end = end
        self._send()

    def _send(self) -> None:
        assert self._transport
        self._sent_at = time.monotonic()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if not self._needed:
            head = self._heard.find(b"\r\n\r\n")
            if head < 0:
                return
            self._needed = head + 4 + _content_length(bytes(self._heard[:head]).lower())
        if len(self._heard) < self._needed:
            return
        self._statuses[self._heard[9:12].decode()] += 1
        self._heard.clear()
        self._needed = 0
        self.ended = time.monotonic()
        self.laps.append(self.ended - self._sent_at)
        if self.ended < self._end:
            self._send()
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._statuses["lost"] += 1
            self.ended = time.monotonic()
            self._finish()

    def _finish(self) -> None:
        self.done.set_result(None)
        assert self._transport
        self._transport.close()


def _content_length(head: bytes) -> int:
    """Raises ValueError where the answer does not say how long it is."""
    return int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])


def press(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Has so many connections to a port of this machine send the requests in turn."""
    return asyncio.run(_press(port, requests, connections, seconds))


async def _press(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    statuses: Counter[str] = Counter()
    made = [
        await loop.create_connection(
            lambda first=place: _Connection(requests, first, statuses),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        for place in range(connections)
    ]
    await asyncio.sleep(START_SECONDS)
    begin = time.monotonic()
    for _, each in made:
        each.begin(begin + seconds)
    await asyncio.wait_for(asyncio.gather(*(each.done for _, each in made)), PATIENCE_SECONDS)
    return Load(begin, [Laps(each.laps, each.ended) for _, each in made], statuses)
