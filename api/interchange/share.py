"""The work of one process of a crew, as the leading one asks for it."""

import os
import signal
import sys
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
from api.interchange.lines import Fact, Line, Text, decoded, read, texts, whose
from api.memory import collect_seldom
from api.settings import Settings
from api.wiring import open_system
from domain.intake import Intake
from domain.machine import memory
from domain.taken import Tally

LOOK_SECONDS = 1.0
JOBS_AHEAD = 100  # facts about jobs that a process may pass before they are on record
# What a line takes that is kept: some bytes at least, and so many times its own where it is long.
KEPT_LINE_BYTES = 1_500
KEPT_TIMES = 4


class Bounds(NamedTuple):
    """How much all keep that need not be read twice, and how many lines each takes at once."""

    kept: int  # lines
    kept_bytes: int = sys.maxsize  # of the file
    at_once: int = 1_000


def usual() -> Bounds:
    """What is kept takes a sixteenth of the memory there is, 1 GiB at the most."""
    share = min(memory() // 16, 2**30)
    return Bounds(share // KEPT_LINE_BYTES, share // KEPT_TIMES)


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
        self._lines: int | None = None  # of the file, when it was checked

    def check(self, path: Path) -> Report:
        """As ndjson.check(), of the lines that belong here."""
        self._kept.clear()
        self._kept_until = 0
        self._lines = None
        report = ndjson.checked(path, self._keeping(path))
        report.lines = self._lines or 0
        return report

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
                    if lines:
                        self._pipe.send(len(lines))
                    lines = []
                if fact.of_job:
                    recording.foresee(fact)
                    jobs += 1
                    self._changes[fact.stream] = jobs
                    self._pipe.send(fact)
                    # What nobody reads fills the pipe, and then the leading process stands still.
                    self._wait_for(jobs - JOBS_AHEAD)
            recording.take(lines)
            intake.flush()
            return intake.tally

    def _until_recorded(self, job_id: UUID) -> None:
        """Waits until what happened to the job before this place in the file is on record."""
        self._wait_for(self._changes.get(job_id, 0))

    def _wait_for(self, jobs: int) -> None:
        """Waits until so many of the facts about jobs are on record."""
        while self._recorded < jobs:
            self._pipe.recv()
            self._recorded += 1

    def _keeping(self, path: Path) -> Iterator[Line]:
        """The lines that belong here; facts are kept until they are too many."""
        kept_bytes, keeps = 0, True
        most = self._bounds.kept // self._part.processes
        most_bytes = self._bounds.kept_bytes // self._part.processes
        for (number, text), line in self._read(path, after=0, until=None):
            if isinstance(line, Fact):
                kept_bytes += len(text)
                keeps &= len(self._kept) < most
                keeps &= kept_bytes <= most_bytes
                if keeps:
                    self._kept.append(line)
                    self._kept_until = number
                if line.of_job and not self._part.holds(line.stream):
                    continue
            yield line

    def _facts(self, path: Path) -> Iterator[Fact]:
        """The facts that belong here, and those about jobs, in the order of the file."""
        while self._kept:
            yield self._kept.popleft()
        # Nobody has checked what was added since.
        for _, line in self._read(path, after=self._kept_until, until=self._lines):
            if isinstance(line, Fact):
                yield line

    def _read(self, path: Path, after: int, until: int | None) -> Iterator[tuple[Text, Line]]:
        """The lines after one and until another that belong here, and those about jobs."""
        for number, text in texts(path):
            if until is None:
                self._lines = number
            elif number > until:
                return
            if number > after:
                data = decoded(number, text)
                stream, of_job = whose(data, self._source)
                if of_job or self._part.holds(stream):
                    yield (number, text), read(number, data, self._source)


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
            continue  # one of the last facts about jobs, which nothing here had to wait for
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
    # Processes that were copied hold each other's ends of what join() listens to.
    while os.getppid() == leading.pid:
        leading.join(LOOK_SECONDS)
    os._exit(1)  # it was killed; what is not on record is read again by the next one
