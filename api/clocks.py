"""Clocks that run in an answer: known by name, and set on without making the rest anew."""

import re
from datetime import datetime

CLOCKS = re.compile(
    rb'"(?:seconds_in_stage|seconds|lag_seconds|oldest_parked_seconds)":(?:[0-9.eE+-]+|null)'
)
"""Each in an answer's JSON. No text passes for one: its quotation marks are escaped."""

IN_STAGE = re.compile(rb'"seconds_in_stage":(-?[0-9]+)')


class Running:
    """JSON that says how many whole seconds ago some things began, at any moment after its making.

    What it was made of may lie ahead: those seconds are negative in the body, and told as 0.
    """

    def __init__(self, body: bytes, made: datetime) -> None:
        """As it stood at `made`, a moment in whole seconds."""
        self._made = made
        self._seconds: list[int] = []
        self._between: list[memoryview] = []
        whole, end = memoryview(body), 0
        for clock in IN_STAGE.finditer(body):
            self._seconds.append(int(clock[1]))
            self._between.append(whole[end : clock.start(1)])
            end = clock.end(1)
        self._rest = whole[end:]
        self._last = made, b""

    def at(self, moment: datetime) -> bytes:
        """The JSON as it stands at a moment in whole seconds; the last one's is kept."""
        last, told = self._last
        if told and last == moment:
            return told
        passed = round((moment - self._made).total_seconds())
        parts: list[bytes | memoryview] = []
        for between, seconds in zip(self._between, self._seconds, strict=True):
            parts += between, b"%d" % max(0, seconds + passed)
        told = b"".join([*parts, self._rest])
        self._last = moment, told
        return told
