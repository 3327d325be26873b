"""What one process of a crew does: the part of a file that belongs to it."""

import os
import signal
from collections import deque
from collections.abc import Iterator
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from traceback import format_exc
from typing import Any, NamedTuple
from uuid import UUID

from api import logs
from api.interchange import ndjson
from api.interchange.batch import Report
from api.interchange.lines import Fact, Line, read, texts, whose
from api.memory import collect_seldom
from api.settings import Settings
from api.wiring import open_system
from domain.intake import Intake
from domain.taken import Tally


class Bounds(NamedTuple):
    """How many lines each process takes at once, and how many it keeps that need no second look.

    One that is kept takes some 1.5 kB.
    """

    at_once: int = 1_000
    kept: int = 50_000


USUAL = Bounds()


class Part(NamedTuple):
    """Which streams belong to one of so many processes."""

    place: int
    processes: int

    def holds(self, stream: UUID) -> bool:
        return stream.int % self.processes == self.place


class Share:
    """What one process of the crew does: the part of a file that belongs to it."""

    def __init__(
        self, pipe: Connection, settings: Settings, source: str, bounds: Bounds, part: Part
    ) -> None:
        self._pipe = pipe
        self._settings = settings
        self._source = source
        self._bounds = bounds
        self._part = part
        self._changes: dict[UUID, int] = {}  # of each job the last fact that was passed, from 1
        self._recorded = 0  # facts about jobs
        self._kept: deque[Fact] = deque()
        self._kept_until = 0  # the last of these lines

    def check(self, path: Path) -> Report:
        """As ndjson.check(), of the lines that belong here."""
        self._kept.clear()
        self._kept_until = 0
        return ndjson.checked(path, self._keeping(path))

    def record(self, path: Path) -> Tally:
        """Records the lines that belong here.

        Tells the leading process meanwhile how many that are, and each fact about a job as soon as
        all that stands before it and rests on that job is on record.
        """
        with open_system(self._settings, create=False) as system:
            intake = Intake(system.recruiting, before_job=self._until_recorded)
            recording = ndjson.Recording(intake, self._source, system.keyring.digest)
            lines: list[Fact] = []
            jobs = 0
            for fact in self._facts(path):
                if not fact.of_job:
                    lines.append(fact)
                if fact.of_job or len(lines) == self._bounds.at_once:
                    recording.take(lines)
                    self._pipe.send(len(lines))
                    lines = []
                if fact.of_job:
                    intake.before_change(fact.stream)
                    jobs += 1
                    self._changes[fact.stream] = jobs
                    self._pipe.send(fact)
            recording.take(lines)
            intake.flush()
            return intake.tally

    def _until_recorded(self, job_id: UUID) -> None:
        """Waits until what happened to the job before this place in the file is on record."""
        while self._recorded < self._changes.get(job_id, 0):
            self._pipe.recv()
            self._recorded += 1

    def _keeping(self, path: Path) -> Iterator[Line]:
        """The lines that belong here; as many facts as one may are kept."""
        for number, line in self._read(path, after=0):
            if not isinstance(line, Fact):
                yield line
                continue
            if len(self._kept) < self._bounds.kept:
                self._kept.append(line)
                self._kept_until = number
            if self._part.holds(line.stream):
                yield line

    def _facts(self, path: Path) -> Iterator[Fact]:
        """The facts that belong here, and those about jobs, in the order of the file."""
        while self._kept:
            yield self._kept.popleft()
        for _, line in self._read(path, after=self._kept_until):
            if isinstance(line, Fact):
                yield line

    def _read(self, path: Path, after: int) -> Iterator[tuple[int, Line]]:
        """The lines after one that belong here, and those about jobs, with their numbers."""
        for number, text in texts(path):
            if number > after:
                stream, of_job = whose(text, self._source)
                if of_job or self._part.holds(stream):
                    yield number, read(number, text, self._source)


def work(pipe: Connection, *given: Any) -> None:
    """Does what the leading process asks for, one thing after the other, as long as it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that leads is told, and ends
    Thread(target=_end_with_the_leading_one, daemon=True).start()
    logs.configure("critical")
    collect_seldom()
    share = Share(pipe, *given)
    while True:
        asked = pipe.recv()
        if asked is None:
            continue  # a fact about a job that nothing here had to wait for
        what, path = asked
        try:
            answer = getattr(share, what)(path)
        except Exception as error:  # noqa: BLE001  # the one that leads raises it
            error.add_note(format_exc())
            answer = error
        pipe.send(answer)


def _end_with_the_leading_one() -> None:
    leading = parent_process()
    assert leading is not None  # noqa: S101  # this is a process of a crew
    leading.join()
    os._exit(1)  # it was killed; what is not on record is read again by the next one
