"""Progress bars for whatever takes long: how much is done, how fast, and the time left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from api.serving import projecting
from api.wiring import System
from projections.runtime.status import status

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
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


@contextmanager
def bar(title: str, total: int, *, quiet: bool) -> Iterator[Any]:
    """A bar on standard error; yields the function that tells it how much is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=quiet) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done, total=total: progress.update(task, completed=done, total=total)
