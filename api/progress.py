"""Progress of whatever takes long: how much is done, how fast, and the time left."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from api.projecting import projecting
from api.wiring import System
from projections.runtime import drive
from projections.runtime.status import status

LINE_SECONDS = 1.0  # between lines for programs

err = Console(stderr=True, highlight=False)


def catch_up(system: System, *, quiet: bool) -> None:
    """Projects, or waits for who does, until the read models reflect the log as it is now."""
    head = system.recruiting.recorder.max_notification_id() or 0
    with projecting(system), bar("Projecting", head, quiet=quiet) as advance:
        while True:
            with system.pool.connection() as connection:
                position = min(model.position for model in status(connection))
            advance(min(position, head))
            if position >= head:
                return
            time.sleep(0.1)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        # Before a second step is told, the bar knows no speed.
        since = (task.completed - task.fields.get("before", 0)) / (task.elapsed or 1)
        return Text(f"{task.finished_speed or task.speed or since:,.0f}/s")


@contextmanager
def bar(title: str, total: int, *, quiet: bool) -> Iterator[Any]:
    """A bar on standard error; yields the function that tells it how much is done."""
    with _bars(quiet=quiet) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done, total=total: progress.update(task, completed=done, total=total)


@contextmanager
def phases(*, quiet: bool) -> Iterator[drive.Tell]:
    """A bar on a terminal for a rebuild, that begins anew with each of its phases."""
    with _bars(quiet=quiet or not err.is_terminal) as progress:
        task = progress.add_task("Beginning", total=None)
        phase = ""

        def tell(reached: drive.Progress) -> None:
            nonlocal phase
            if reached.phase != phase:
                phase = reached.phase
                progress.reset(
                    task,
                    total=reached.total,
                    completed=reached.done,
                    description=phase[0].upper() + phase[1:],
                    before=reached.done,
                )
            else:
                progress.update(task, completed=reached.done)

        yield tell


def _bars(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet,
    )


@dataclass
class Lines:
    """Tells programs of a rebuild: of each phase as it begins, then once a second."""

    models: Sequence[str]
    write: Callable[[dict[str, Any]], None]
    phase: str = ""
    began: float = 0.0
    before: int = 0  # done when the phase began: the rate is that of this process
    told: float = 0.0

    def __call__(self, reached: drive.Progress) -> None:
        """Writes an object, or nothing where the last one is young."""
        moment = time.monotonic()
        if reached.phase != self.phase:
            self.phase, self.began, self.before = reached.phase, moment, reached.done
        elif moment - self.told < LINE_SECONDS:
            return
        self.told = moment
        rate = (reached.done - self.before) / max(moment - self.began, 0.001)
        left = reached.total - reached.done
        self.write(
            {
                "models": self.models,
                "phase": reached.phase,
                "done": reached.done,
                "total": reached.total,
                "rate": round(rate, 1),
                "percent": round(100 * reached.done / reached.total, 1) if reached.total else 100.0,
                "seconds_left": round(left / rate, 1) if rate else None,
            }
        )
