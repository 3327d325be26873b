"""Imports facts by several processes, all those of one candidate by the same.

Each of them reads the whole file and takes the lines that are its own. What happened to a job is
recorded by the process that leads, when all that stands before it in the file is on record; so
every fact finds the job as it would when one process did it all.
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
from typing import Any
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


class _Share:
    """What one process of the crew does: the part of a file that belongs to it."""

    def __init__(
        self, settings: Settings, source: str, at_once: int, place: int, processes: int
    ) -> None:
        self._settings = settings
        self._source = source
        self._at_once = at_once
        self._place = place
        self._processes = processes
        self._stack = ExitStack()
        self._recording: ndjson.Recording | None = None
        self._rest: Iterator[Text | UUID] = iter(())
        self._job: UUID | None = None

    def check(self, path: Path) -> Report:
        """As ndjson.check(), of the lines that belong here."""
        return ndjson.check(path, lambda text: self._is_here(whose(text, self._source).stream))

    def begin(self, path: Path) -> None:
        """Opens the system and the file."""
        system = self._stack.enter_context(open_system(self._settings, create=False))
        intake = Intake(system.recruiting)
        self._recording = ndjson.Recording(intake, self._source, system.keyring.digest)
        self._rest = self._own(path)

    def go_on(self) -> tuple[int, bool]:
        """Records some more lines: how many, and whether it waits for what comes next.

        It waits where something happens to a job, and at the end, when all before is on record.
        """
        recording = self._recording
        assert recording is not None  # noqa: S101  # it was told to begin
        if self._job:
            recording.intake.forget_job(self._job)
            self._job = None
        lines: list[Text] = []
        for line in self._rest:
            if isinstance(line, UUID):
                self._job = line
                break
            lines.append(line)
            if len(lines) == self._at_once:
                recording.take(lines)
                return len(lines), False
        recording.take(lines)
        recording.intake.flush()
        return len(lines), True

    def end(self) -> Tally:
        """Closes the system; what was done."""
        assert self._recording is not None  # noqa: S101  # it was told to begin
        self._stack.close()
        return self._recording.intake.tally

    def _is_here(self, stream: UUID) -> bool:
        return stream.int % self._processes == self._place

    def _own(self, path: Path) -> Iterator[Text | UUID]:
        """The lines of the candidates that belong here, and each job that something happens to."""
        for number, text in texts(path):
            stream, of_job = whose(text, self._source)
            if of_job:
                yield stream
            elif self._is_here(stream):
                yield number, text


def _work(pipe: Connection, *given: Any) -> None:
    """Does what the leading process asks for, one thing after the other, as long as it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that leads is told, and ends
    Thread(target=_end_with_the_leading_one, daemon=True).start()
    logs.configure("critical")
    collect_seldom()
    share = _Share(*given)
    while True:
        what, arguments = pipe.recv()
        try:
            answer = getattr(share, what)(*arguments)
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

    def ask(self, what: Callable[..., Any], *arguments: Any) -> None:
        """Has it do something; raises CannotImport where it is dead, as answer() does."""
        with _alive():
            self.pipe.send((what.__name__, arguments))

    def answer(self) -> Any:
        """What came of the last thing that was asked; raises what it raised."""
        with _alive():
            answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

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
        self._done = 0

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
                report.add(each.answer())
            except CannotImport as error:
                wrong.append(error)
        if wrong:
            raise min(wrong, key=lambda error: error.line)
        return report

    def load(self, path: Path, system: System, report: Report, progress: Progress) -> None:
        """As ndjson.load(), but that candidates come in any order, each one's facts in theirs."""
        leading = ndjson.Recording(Intake(system.recruiting), self._source, system.keyring.digest)
        if report.recorded or not self._processes:
            # The events of an export keep the order in which they were recorded.
            ndjson.load(path, leading, report, progress)
            return
        self._all(_Share.begin, path)
        for line in texts(path):
            if whose(line[1], self._source).of_job:
                self._until_all_wait(progress)
                leading.take([line])
                self._done += 1
        self._until_all_wait(progress)
        report.tally = leading.intake.tally
        for tally in self._all(_Share.end):
            report.tally.add(tally)

    def _until_all_wait(self, progress: Progress) -> None:
        working = list(self._processes)
        for each in working:
            each.ask(_Share.go_on)
        while working:
            told = wait([each.pipe for each in working])
            for each in [each for each in working if each.pipe in told]:
                lines, waits = each.answer()
                self._done += lines
                if waits:
                    working.remove(each)
                else:
                    each.ask(_Share.go_on)
            progress(self._done)

    def _all(self, what: Callable[..., Any], *arguments: Any) -> list[Any]:
        for each in self._processes:
            each.ask(what, *arguments)
        return [each.answer() for each in self._processes]


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
            at_work.append(_Process(settings, source, at_once, place, processes))
            stack.callback(at_work[-1].end)
        yield Crew(at_work, source)
