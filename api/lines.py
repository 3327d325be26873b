"""Cuts a stream of bytes into lines, and holds no more of a line than it may have."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its number, from 1; None in place of one that is too long."""

    number: int
    text: bytes | None


class Lines:
    """The lines of what it is fed piece by piece; blank ones are counted and left out."""

    def __init__(self, longest: int) -> None:
        """Takes lines of no more than `longest` bytes."""
        self._longest = longest
        self._number = 0
        self._begun = bytearray()

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in the piece."""
        *ends, begun = piece.split(b"\n")
        for end in ends:
            self._go_on(end)
            yield from self.end()
        self._go_on(begun)

    def end(self) -> Iterator[Line]:
        """The line that has begun, as a whole one."""
        self._number += 1
        text, self._begun = bytes(self._begun), bytearray()
        if len(text) > self._longest:
            yield Line(self._number, None)
        elif text.strip():
            yield Line(self._number, text)

    def _go_on(self, part: bytes) -> None:
        # One byte too many shows that the line is too long; the others are dropped.
        self._begun += part[: self._longest + 1 - len(self._begun)]
