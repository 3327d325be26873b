"""Measures one thing in a process of its own: its rate, and the most memory that it held."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import psutil

SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Rate:
    """So many events of the log in so much time; `more` holds figures that explain it."""

    events: int
    seconds: float
    more: dict[str, float] = field(default_factory=dict)
    peak_bytes: int | None = None

    @property
    def per_second(self) -> float:
        """Events of the log in a second."""
        return self.events / self.seconds


Measurement = Callable[[Path], Rate]
"""Takes the bench's data directory; a function of a module, for it runs in another process."""


def measure(measurement: Measurement, data_dir: Path) -> Rate:
    """What the measurement gives, with the peak memory of its processes but not the server's."""
    # The pool's process starts within, so all that is sampled belongs to the measurement.
    with PeakMemory() as peak, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        rate = pool.submit(measurement, data_dir).result()
    return replace(rate, peak_bytes=peak.bytes)


class PeakMemory:
    """Samples the resident memory of this process's children, and theirs, all together.

    Pages that processes share count for each of them.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = Event()
        self._thread = Thread(target=self._sample, name="peak memory")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        this = psutil.Process()
        while not self._stop.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, sum(map(_resident, this.children(recursive=True))))


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
