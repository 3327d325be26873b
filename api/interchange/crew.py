"""Imports facts by several processes, all those of one candidate by the same.

Each of them reads the whole file and takes the lines that are its own. What happened to a job is
recorded by the process that leads, when all have recorded what stands before it in the file and
rests on that job; what stands after it and concerns the job waits for that. So every fact finds the
job as it would when one process did it all.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import Pipe, get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread, active_count
from traceback import format_exc
from typing import Any, NamedTuple
from uuid import UUID

from api import logs
from api.interchange import ndjson
from api.interchange.batch import CannotImport, Progress, Report
from api.interchange.lines import Text, texts, whose
from api.memory import collect_seldom
from api.settings import Settings
from api.wiring import System, open_system
from domain.intake import Intake
from domain.taken import Tally

LINES_AT_ONCE = 1_000
END_SECONDS = 5.0


class _Reached(NamedTuple):
    """How far a process is: its own lines that it took, and the facts about jobs it has passed."""

    lines: int
    jobs: int


class _Part(NamedTuple):
    """Which streams belong to one of so many processes."""

    place: int
    processes: int

    def holds(self, stream: UUID) -> bool:
        return stream.int % self.processes == self.place


class _Share:
    """What one process of the crew does: the part of a file that belongs to it."""

    def __init__(
        self, pipe: Connection, settings: Settings, source: str, at_once: int, part: _Part
    ) -> None:
        self._pipe = pipe
        self._settings = settings
        self._source = source
        self._at_once = at_once
        self._part = part
        self._changes: dict[UUID, int] = {}  # of each job the last fact that was passed, from 1
        self._recorded = 0  # facts about jobs

    def check(self, path: Path) -> Report:
        """As ndjson.check(), of the lines that belong here."""
        return ndjson.check(path, lambda text: self._part.holds(whose(text, self._source).stream))

    def record(self, path: Path) -> Tally:
        """Records the lines that belong here, telling the leading process how far that is."""
        with open_system(self._settings, create=False) as system:
            intake = Intake(system.recruiting, before_job=self._until_recorded)
            recording = ndjson.Recording(intake, self._source, system.keyring.digest)
            lines: list[Text] = []
            done = jobs = 0
            for number, text in texts(path):
                stream, of_job = whose(text, self._source)
                if self._part.holds(stream) and not of_job:
                    lines.append((number, text))
                if of_job or len(lines) == self._at_once:
                    recording.take(lines)
                    done += len(lines)
                    lines = []
                    if of_job:
                        intake.before_change(stream)
                        jobs += 1
                        self._changes[stream] = jobs
                    self._pipe.send(_Reached(done, jobs))
            recording.take(lines)
            intake.flush()
            return intake.tally

    def _until_recorded(self, job_id: UUID) -> None:
        """Waits until what happened to the job before this place in the file is on record."""
        while self._recorded < self._changes.get(job_id, 0):
            self._pipe.recv()
            self._recorded += 1


def _work(pipe: Connection, *given: Any) -> None:
    """Does what the leading process asks for, one thing after the other, as long as it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that leads is told, and ends
    Thread(target=_end_with_the_leading_one, daemon=True).start()
    logs.configure("critical")
    collect_seldom()
    share = _Share(pipe, *given)
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


class _Process:
    """A process of the crew, as the leading one sees it."""

    def __init__(self, *given: Any) -> None:
        # A process without other threads can be copied as it stands, which spares the copy half a
        # second of imports; on other systems libraries do not stand it.
        alone = sys.platform == "linux" and active_count() == 1
        process = get_context("fork").Process if alone else get_context("spawn").Process
        self.pipe, other = Pipe()
        self._process: BaseProcess = process(target=_work, args=(other, *given))
        self._process.start()
        other.close()
        self.reached = _Reached(0, 0)
        self.tally: Tally | None = None

    def ask(self, what: Callable[[_Share, Path], Any], path: Path) -> None:
        """Has it do something with the file."""
        with _alive():
            self.pipe.send((what.__name__, path))

    def tell_recorded(self) -> None:
        """Tells it that the next fact about a job is on record."""
        with _alive():
            self.pipe.send(None)

    def hear(self) -> Any:
        """What it has to say next; raises what it raised."""
        with _alive():
            said = self.pipe.recv()
        if isinstance(said, Exception):
            raise said
        if isinstance(said, _Reached):
            self.reached = said
        elif isinstance(said, Tally):
            self.tally = said
        return said

    def end(self) -> None:
        """Sees that it is gone."""
        self._process.kill()  # what it was asked for is done, or will not be needed
        self._process.join(END_SECONDS)
        self.pipe.close()


@contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):
        raise CannotImport(
            "a process of the import has died; the same command goes on where it stopped"
        ) from None


class Crew:
    """Some processes at work on one file, or none, for a file that is not worth them."""

    def __init__(self, processes: Sequence[_Process], source: str) -> None:
        self._processes = processes
        self._source = source

    def check(self, path: Path) -> Report:
        """As ndjson.check()."""
        if not self._processes:
            return ndjson.check(path)
        report = Report(file=str(path), format="ndjson")
        wrong: list[CannotImport] = []
        for each in self._processes:
            each.ask(_Share.check, path)
        for each in self._processes:
            try:
                report.add(each.hear())
            except CannotImport as error:
                wrong.append(error)
        if wrong:
            raise min(wrong, key=lambda error: error.line)
        return report

    def load(self, path: Path, system: System, report: Report, progress: Progress) -> None:
        """As ndjson.load(), but that candidates come in any order, each one's facts in theirs.

        The file must have been checked.
        """
        leading = ndjson.Recording(Intake(system.recruiting), self._source, system.keyring.digest)
        if report.recorded or not self._processes:
            # The events of an export keep the order in which they were recorded.
            ndjson.load(path, leading, report, progress)
            return
        for each in self._processes:
            each.ask(_Share.record, path)
        jobs = 0
        for line in texts(path):
            if whose(line[1], self._source).of_job:
                jobs += 1
                while any(each.reached.jobs < jobs for each in self._processes):
                    self._listen(progress)
                leading.take([line])
                for each in self._processes:
                    each.tell_recorded()
        while any(each.tally is None for each in self._processes):
            self._listen(progress)
        progress(report.interactions)
        report.tally = leading.intake.tally
        for each in self._processes:
            if each.tally:
                report.tally.add(each.tally)

    def _listen(self, progress: Progress) -> None:
        """Hears whoever has something to say, and waits for that."""
        working = [each for each in self._processes if each.tally is None]
        told = wait([each.pipe for each in working])
        for each in working:
            if each.pipe in told:
                each.hear()
        progress(sum(each.reached.lines for each in self._processes))


@contextmanager
def crew(
    settings: Settings, source: str, processes: int, at_once: int = LINES_AT_ONCE
) -> Iterator[Crew]:
    """A crew of so many processes besides this one, which are gone afterwards.

    Each of them tells its progress after `at_once` lines.
    """
    with ExitStack() as stack:
        at_work = []
        for place in range(processes):
            at_work.append(_Process(settings, source, at_once, _Part(place, processes)))
            stack.callback(at_work[-1].end)
        yield Crew(at_work, source)
