"""What the benchmarks of one run share: an own server with demonstration companies in its log."""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import psycopg

from api import logs
from api.database import maintenance
from api.demonstration import company, load
from api.progress import bar
from api.settings import Settings
from api.wiring import System, open_system
from domain.intake import REMEMBERED, Intake
from domain.store.cluster import lock
from domain.store.supervisor import SUPERVISOR_LOCK
from projections import READ_MODELS
from projections.runtime import rebuild
from projections.runtime.drive import Driver
from projections.runtime.status import status

UNTIL = datetime(2026, 11, 20, tzinfo=UTC)  # the same log each time
COMPANIES = 2  # loaded at once, each by a process
EVENTS_A_CANDIDATE = 8.7
FEWEST_CANDIDATES = 25
GROWN = 5_000_000
MOST_WRITERS = 16
SHUTDOWN_SECONDS = 60.0


@dataclass
class Bench:
    """A running system, what was asked for, and what is in it so far."""

    system: System
    events: int
    seconds: float  # for each thing that is measured by the clock
    quiet: bool
    grown: int = GROWN  # how far `growth` fills a log of its own
    _seed: int = 0

    @property
    def data_dir(self) -> Path:
        """What another process opens the same system with."""
        return self.system.settings.data_dir

    def head(self) -> int:
        """How many events the log has."""
        return self.system.recruiting.recorder.max_notification_id() or 0

    def load(self) -> None:
        """Loads companies until the log has the events that were asked for."""
        if self.head() >= self.events:
            return
        with bar("Recording", self.events, quiet=self.quiet) as advance:
            while (head := self.head()) < self.events:
                missing = (self.events - head) / EVENTS_A_CANDIDATE
                candidates = max(FEWEST_CANDIDATES, ceil(missing / COMPANIES))
                with ProcessPoolExecutor(COMPANIES, get_context("spawn")) as pool:
                    loading: set[Future[None]] = set()
                    for _ in range(COMPANIES):
                        self._seed += 1
                        loading.add(pool.submit(_load, self.data_dir, candidates, self._seed))
                    while wait(loading, timeout=0.5).not_done:
                        advance(self.head())
                    for each in loading:
                        each.result()
            advance(head, total=head)

    def project(self) -> None:
        """Brings the live read models to the end of the log, by a rebuild, which is faster."""
        with self.system.pool.connection() as connection:
            if any(model.lag_events for model in status(connection)):
                begun = rebuild.begin(connection, READ_MODELS)
                Driver(self.system.conninfo, READ_MODELS, COMPANIES).run(begun.rebuild)

    def settle(self) -> None:
        """Does now what autovacuum would do in the middle of the next measurement."""
        with (
            maintenance(self.system.settings) as conninfo,
            psycopg.connect(conninfo, autocommit=True) as connection,
        ):
            connection.execute("VACUUM (ANALYZE)")


@contextmanager
def bench(events: int, seconds: float, *, quiet: bool, grown: int = GROWN) -> Iterator[Bench]:
    """A bench on an empty database in a temporary directory, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirelog-bench-") as directory:
        data_dir = Path(directory) / "data"
        with open_system(_settings(data_dir), create=True) as system:
            yield Bench(system, events, seconds, quiet, grown)
        _wait_until_stopped(data_dir)


@contextmanager
def opened(data_dir: Path) -> Iterator[System]:
    """The bench's system, for another process than the one that made it."""
    logs.configure("critical")
    with open_system(_settings(data_dir), create=False) as system:
        yield system


def environ(data_dir: Path) -> dict[str, str]:
    """The environment in which a command of hirelog works on the bench's system."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HIRELOG_")}
    return others | {"HIRELOG_DATA_DIR": str(data_dir)}


def _settings(data_dir: Path) -> Settings:
    # Given here, so that what the environment says of a server of the user's does not count.
    return Settings(
        data_dir=data_dir,
        database_url=None,
        migration_url=None,
        master_key=None,
        pool_size=MOST_WRITERS,
    )


def _load(data_dir: Path, candidates: int, seed: int) -> None:
    with opened(data_dir) as system:
        intake = Intake(system.recruiting, remember=max(REMEMBERED, candidates // 4))
        load(intake, company(candidates, seed=seed, until=UNTIL), lambda _: None)


def _wait_until_stopped(data_dir: Path) -> None:
    """Returns when the server writes no more into the directory that is about to be removed."""
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while time.monotonic() < deadline:
        if held := lock(data_dir / SUPERVISOR_LOCK):
            held.close()
            return
        time.sleep(0.1)
