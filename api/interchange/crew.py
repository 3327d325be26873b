"""Imports facts by several processes, all those of one candidate by the same.

Each of them reads the whole file and takes the lines that are its own. What happened to a job is
recorded by the process that leads, when all have recorded what stands before it in the file and
rests on that job. What stands after it and concerns the job is decided on the job as it will be
then, and appended afterwards. So every fact finds the job as it would when one process did it all.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import Pipe, get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import active_count
from typing import Any

from api.interchange import ndjson
from api.interchange.batch import CannotImport, Progress, Report
from api.interchange.lines import Fact
from api.interchange.share import Bounds, Part, Share, usual, work
from api.settings import Settings
from api.wiring import System
from domain.intake import Intake
from domain.taken import Tally

END_SECONDS = 5.0


class _Process:
    """A process of the crew, as the leading one sees it."""

    def __init__(self, *given: Any) -> None:
        # A process without other threads can be copied as it stands, which spares the copy half a
        # second of imports; on other systems libraries do not stand it.
        alone = sys.platform == "linux" and active_count() == 1
        process = get_context("fork").Process if alone else get_context("spawn").Process
        self.pipe, other = Pipe()
        self._process: BaseProcess = process(target=work, args=(other, *given), daemon=True)
        self._process.start()
        other.close()
        self.lines = 0  # how many it took
        self.jobs: deque[Fact] = deque()  # what happened to jobs, where it is that far
        self.tally: Tally | None = None

    def ask(self, what: Callable[[Share, Path], Any], path: Path) -> None:
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
        if isinstance(said, int):
            self.lines += said
        elif isinstance(said, Fact):
            self.jobs.append(said)
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


def _changed(path: Path) -> CannotImport:
    return CannotImport(f"{path} was changed while it was read; import it again when it is whole")


class Crew:
    """Some processes for the import of one file, or none, for a file that is not worth them."""

    def __init__(self, processes: Sequence[_Process], source: str) -> None:
        self._processes = processes
        self._source = source

    def check(self, path: Path) -> Report:
        """As ndjson.check()."""
        if not self._processes:
            return ndjson.check(path, self._source)
        report = Report(file=str(path), format="ndjson")
        wrong: list[CannotImport] = []
        ends: set[int] = set()
        for each in self._processes:
            each.ask(Share.check, path)
        for each in self._processes:
            try:
                part = each.hear()
            except CannotImport as error:
                wrong.append(error)
            else:
                report.add(part)
                ends.add(part.lines)
        if wrong:
            raise min(wrong, key=lambda error: error.line)
        if len(ends) > 1:
            raise _changed(path)
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
            each.ask(Share.record, path)
        while any(each.tally is None for each in self._processes):
            self._listen(progress)
            while all(each.jobs for each in self._processes):
                first, *others = [each.jobs.popleft() for each in self._processes]
                if any(other != first for other in others):
                    raise _changed(path)
                leading.take([first])
                for each in self._processes:
                    each.tell_recorded()
            if any(each.jobs for each in self._processes) and any(
                each.tally and not each.jobs for each in self._processes
            ):
                raise _changed(path)
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
        progress(sum(each.lines for each in self._processes))


@contextmanager
def crew(
    settings: Settings, source: str, processes: int, bounds: Bounds | None = None
) -> Iterator[Crew]:
    """A crew of so many processes besides this one, which are gone afterwards."""
    with ExitStack() as stack:
        at_work = []
        for place in range(processes):
            at_work.append(_Process(settings, source, bounds or usual(), Part(place, processes)))
            stack.callback(at_work[-1].end)
        yield Crew(at_work, source)
