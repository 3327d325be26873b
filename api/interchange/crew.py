"""Imports facts by several processes, all those of one candidate by the same.

What happened to a job is recorded by the process that leads, when all that stands before it in the
file is on record; so every fact finds the job as it would when one process did it all.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from pydantic_core import from_json

from api import logs
from api.interchange import ndjson
from api.interchange.batch import CannotImport, Progress, Report
from api.interchange.lines import Text, id_of, texts
from api.memory import collect_seldom
from api.settings import Settings
from api.wiring import System, open_system
from domain.intake import Intake
from domain.taken import Tally

LINES_AT_ONCE = 500
CHUNKS_AHEAD = 3  # of each process, so that it need not wait for the one that leads


@dataclass
class _Work:
    """What a process of the crew has in its hands."""

    settings: Settings
    source: str
    stack: ExitStack
    recording: ndjson.Recording | None = None

    def ready(self) -> ndjson.Recording:
        """Opens the system when it is needed first: the file is looked at before."""
        if self.recording is None:
            system = self.stack.enter_context(open_system(self.settings, create=False))
            intake = Intake(system.recruiting)
            self.recording = ndjson.Recording(intake, self.source, system.keyring.digest)
        return self.recording


_work: _Work


def _begin(settings: Settings, source: str) -> None:
    global _work  # noqa: PLW0603  # a process of the crew has one work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that leads is told, and ends
    Thread(target=_end_with_the_leading_one, daemon=True).start()
    logs.configure("critical")
    collect_seldom()
    _work = _Work(settings, source, ExitStack())


def _end_with_the_leading_one() -> None:
    leading = parent_process()
    assert leading is not None  # noqa: S101  # this is a process of a pool
    leading.join()
    os._exit(1)  # it was killed; what is not on record is read again by the next one


def _take(lines: Sequence[Text]) -> int:
    _work.ready().take(lines)
    return len(lines)


def _start() -> int:
    return 0


def _settle() -> int:
    _work.ready().intake.flush()
    return 0


def _job_changed() -> int:
    _work.ready().intake.forget_jobs()
    return 0


def _end() -> Tally:
    tally = _work.ready().intake.tally
    _work.stack.close()
    return tally


class Crew:
    """Some processes at work on one file, or none, for a file that is not worth them."""

    def __init__(self, processes: Sequence[ProcessPoolExecutor], source: str) -> None:
        self._processes = processes
        self._source = source
        self._ahead: list[deque[Future[int]]] = [deque() for _ in processes]
        self._lines: list[list[Text]] = [[] for _ in processes]
        self._done = 0
        self._tell(_start)  # they come up while the file is looked at

    def load(self, path: Path, system: System, report: Report, progress: Progress) -> None:
        """As ndjson.load(), but that candidates come in any order, each one's facts in theirs."""
        leading = ndjson.Recording(Intake(system.recruiting), self._source, system.keyring.digest)
        if report.recorded or not self._processes:
            # The events of an export keep the order in which they were recorded.
            ndjson.load(path, leading, report, progress)
            return
        for number, text in texts(path):
            candidate = from_json(text).get("candidate")
            if candidate is None:
                self._settle()
                leading.take([(number, text)])
                self._tell(_job_changed)
                self._done += 1
                progress(self._done)
                continue
            stream = id_of(self._source, "candidate", candidate)
            place = stream.int % len(self._processes)
            self._lines[place].append((number, text))
            if len(self._lines[place]) >= LINES_AT_ONCE:
                self._hand_over(place)
                progress(self._done)
        self._settle()
        progress(self._done)
        report.tally = leading.intake.tally
        for process in self._processes:
            report.tally.add(process.submit(_end).result())

    def _hand_over(self, place: int) -> None:
        lines, self._lines[place] = self._lines[place], []
        ahead = self._ahead[place]
        ahead.append(self._processes[place].submit(_take, lines))
        while len(ahead) > CHUNKS_AHEAD or (ahead and ahead[0].done()):
            self._done += ahead.popleft().result()

    def _settle(self) -> None:
        for place in range(len(self._processes)):
            self._hand_over(place)
        self._tell(_settle)
        for ahead in self._ahead:
            while ahead:
                self._done += ahead.popleft().result()

    def _tell(self, what: Callable[[], int]) -> None:
        for process, ahead in zip(self._processes, self._ahead, strict=True):
            ahead.append(process.submit(what))


@contextmanager
def crew(settings: Settings, source: str, processes: int) -> Iterator[Crew]:
    """A crew of so many processes besides this one, which are gone afterwards."""
    with ExitStack() as stack:
        try:
            yield Crew(
                [
                    stack.enter_context(
                        ProcessPoolExecutor(1, get_context("spawn"), _begin, (settings, source))
                    )
                    for _ in range(processes)
                ],
                source,
            )
        except BrokenProcessPool:
            raise CannotImport(
                "a process of the import has died; the same command goes on where it stopped"
            ) from None
