"""Notes who read whose record, when and why, without keeping them waiting.

Readings are written together, at most half a second after the first of them. An officer's reading
is on record before its answer: it waits for the writing that takes all others along. What cannot be
written is kept until it can; when too much waits, nothing is read any more. So what is lost is what
waited when a process was killed, half a second of operational reads at most, or what could not be
written before it stopped, which the log tells the number of.
"""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.values import now
from projections.runtime.query import select

WRITE_SECONDS = 0.5
RETRY_SECONDS = 1.0
MOST_WAITING = 200_000
MOST_AT_ONCE = 20_000

COPY = """
COPY hirelog.readings (candidate_id, reader, role, what, through, why, read_at) FROM STDIN
"""
SELECT_READINGS = """
SELECT reading, read_at, candidate_id, reader, role, what, through, why
  FROM hirelog.readings
 {where}
 ORDER BY read_at DESC, reading DESC
 LIMIT %(limit)s
"""
CONDITIONS = {
    "candidate": "candidate_id = %(candidate)s",
    "reader": "reader = %(reader)s",
    "read_from": "read_at >= %(read_from)s",
    "read_to": "read_at < %(read_to)s",
    "before": "(read_at, reading) < (%(before)s, %(before_reading)s)",
}

log = structlog.get_logger()


class What(StrEnum):
    """What was read of a candidate."""

    STATE = "state"
    HISTORY = "history"
    DIFFERENCE = "difference"
    REPLAY = "replay"
    REPLAY_PAGE = "replay-page"
    ACCESS_BUNDLE = "access-bundle"
    PROOF = "proof"
    EXPORT = "export"  # of everybody
    FEED = "feed"  # a page of events, of everybody where no candidate was chosen
    SELF_IDENTIFICATION = "self-identification"  # what a person, or everybody, said of themselves
    IMPACT_REPORT = "impact-report"  # a published one, which tells of nobody
    LIST = "list"  # names of many, handed to an integration


class TooManyWaiting(psycopg.OperationalError):
    """So many readings could not be written that nothing more may be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read something; without a candidate, of everybody."""

    candidate_id: UUID | None
    reader: str
    role: str
    what: What
    through: str
    why: str | None
    read_at: datetime = field(default_factory=now)


def write(connection: psycopg.Connection[Any], *readings: Reading) -> None:
    """Puts readings on record."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for each in readings:
            # Not astuple, which copies each value deeply: that took longer than all the rest.
            copy.write_row(
                (
                    *(each.candidate_id, each.reader, each.role, each.what, each.through, each.why),
                    each.read_at,
                )
            )


def readings(connection: psycopg.Connection[Any], limit: int, **given: Any) -> list[DictRow]:
    """Readings, the latest first; `given` names CONDITIONS."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_READINGS, CONDITIONS, given)
        return cursor.execute(query, {**given, "limit": limit}).fetchall()


class Readings:
    """Takes readings of one process and writes them on a thread of its own. Safe for threads."""

    def __init__(self, pool: ConnectionPool[psycopg.Connection]) -> None:
        self._pool = pool
        self._waiting: deque[tuple[Reading, Future[None] | None]] = deque()
        self._wake = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="readings", daemon=True)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits and ends."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        if self._waiting:
            log.error("readings_lost", number=len(self._waiting))

    @property
    def waiting(self) -> int:
        """How many are not written yet."""
        return len(self._waiting)

    def note(self, reading: Reading) -> None:
        """Has the reading written soon. Raises TooManyWaiting."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooManyWaiting("readings cannot be put on record")
        self._waiting.append((reading, None))

    def note_now(self, reading: Reading) -> Future[None]:
        """Has the reading written at once; the future is done when it is, or raises why not."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooManyWaiting("readings cannot be put on record")
        written: Future[None] = Future()
        self._waiting.append((reading, written))
        self._wake.set()
        return written

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(WRITE_SECONDS)
            self._wake.clear()
            while self._waiting and self._write_some():
                pass
            if self._waiting:
                self._stopping.wait(RETRY_SECONDS)
        while self._waiting and self._write_some():
            pass

    def _write_some(self) -> bool:
        some = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        try:
            with self._pool.connection() as connection:
                write(connection, *(reading for reading, _ in some))
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("readings_wait", error=type(error).__name__, number=len(some))
            for _, written in some:
                _settle(written, error)
            # Whoever waited is told that nothing was read; all others were, and stay noted.
            self._waiting.extendleft(reversed([each for each in some if each[1] is None]))
            return False
        for _, written in some:
            _settle(written, None)
        return True


def _settle(written: Future[None] | None, error: Exception | None) -> None:
    if written is not None and written.set_running_or_notify_cancel():
        written.set_exception(error) if error else written.set_result(None)
