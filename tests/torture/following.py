"""Follows the log by position as a reader would, and checks what it saw against what is there."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from threading import Event, Thread
from uuid import UUID

import psycopg

Row = tuple[int, UUID, int]  # position, stream, version

FOLLOW = """
SELECT notification_id, originator_id, originator_version
  FROM hirelog.events
 WHERE notification_id > %s
 ORDER BY notification_id
"""
PAUSE = 0.001


class Follower(Thread):
    """Reads what lies behind the last position that it saw, never before it, until stopped."""

    def __init__(self, conninfo: str, last: int) -> None:
        super().__init__(daemon=True)
        self.seen: list[Row] = []
        self.error: Exception | None = None
        self._conninfo, self._last = conninfo, last
        self._enough = Event()
        self.start()

    def run(self) -> None:
        """Follows until what was there at stop() is read."""
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                ending = False
                while not ending:
                    ending = self._enough.wait(PAUSE)  # asked first, so that one more read follows
                    rows = connection.execute(FOLLOW, (self._last,)).fetchall()
                    if rows:
                        self.seen += rows
                        self._last = rows[-1][0]
        except Exception as error:  # noqa: BLE001  # told by whoever started it
            self.error = error

    def stop(self) -> list[Row]:
        """All that was seen, when the writers have ended."""
        self._enough.set()
        self.join()
        if self.error:
            raise self.error
        return self.seen


def whole_log(conninfo: str, last: int) -> list[Row]:
    """What is on record behind a position, read at once."""
    with psycopg.connect(conninfo) as connection:
        return connection.execute(FOLLOW, (last,)).fetchall()


def faults(seen: Sequence[Row], log: Sequence[Row], first: int = 1) -> Counter[str]:
    """How often a follower missed an event, and the log has a gap or a stream a wrong version."""
    found = Counter(missed=len(set(log) - set(seen)), invented=len(set(seen) - set(log)))
    positions = [position for position, _, _ in seen]
    found["out of order"] = sum(b <= a for a, b in pairwise(positions))
    before = first - 1
    for position, _, _ in log:
        found["gaps"] += position != before + 1
        before = position
    versions: defaultdict[UUID, int] = defaultdict(int)
    for _, stream, version in log:
        found["wrong versions"] += version != versions[stream] + 1
        versions[stream] = version
    return found
