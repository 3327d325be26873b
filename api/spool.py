"""Bytes on their way to someone who takes them at leisure; too many for memory wait on disk.

Most HTTP clients read nothing of an answer before they have sent all of their request. Were they
made to wait until the answers so far are read, both sides would wait for each other for ever.
"""

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile

from anyio import Event

IN_MEMORY = 1_000_000
PIECE = 65_536


class Spool:
    """A queue of bytes between two tasks of one event loop."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # closed when empty
        self._given = self._taken = 0
        self._more = Event()
        self._complete = False

    def put(self, data: bytes) -> None:
        """Adds to what is on its way; never waits for who takes it."""
        self._file.seek(self._given)
        self._given += self._file.write(data)
        self._more.set()

    def complete(self) -> None:
        """Says that nothing more will come."""
        self._complete = True
        self._more.set()

    def close(self) -> None:
        """Drops what was not taken."""
        self._file.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces as they come, up to the last one."""
        while True:
            while self._taken < self._given:
                self._file.seek(self._taken)
                piece = self._file.read(PIECE)
                self._taken += len(piece)
                yield piece
            self._file.seek(0)
            self._file.truncate()
            self._given = self._taken = 0
            if self._complete:
                return
            await self._more.wait()
            self._more = Event()
