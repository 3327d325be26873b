"""Rebuilds again and again under load while processes are killed, then compares every row."""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import IO, Any
from uuid import UUID

import psutil
import psycopg
from rich.console import Console

from projections import READ_MODELS
from projections.runtime import builds, rebuild, switch
from projections.runtime.drive import Driver
from projections.runtime.projector import Projector
from tests.bench.bench import Bench, bench, environ
from tests.databases import all_rows
from tests.projections.load import Reader, append_until
from tests.projections.rebuilding import folded, whole_log

EVENTS = 20_000
UNIT_EVENTS = 500
WRITERS = 2
READERS = 2
FEWEST_SECONDS, MOST_SECONDS = 0.3, 5.0  # between two kills
KEEP_RETIRED = 1

COMMANDS = {
    "project": ("project",),
    "rebuild": ("projections", "rebuild", "--all", "--workers", "2", "--json"),
}


class Process:
    """A command that is started again whenever it has ended."""

    def __init__(self, name: str, data_dir: Path, said: IO[str]) -> None:
        self.name = name
        self._said = said
        self._environ = environ(data_dir) | {"HIRELOG_REBUILD_UNIT_EVENTS": str(UNIT_EVENTS)}
        self._running = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "api.cli", *COMMANDS[self.name]],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            text=True,
        )

    def ended(self) -> int | None:
        """The exit code where it has ended by itself; it is started again then."""
        code = self._running.poll()
        if code is not None:
            self._running = self._start()
        return code

    def kill(self, pick: Random) -> str:
        """Kills it, or one of its workers, and starts it again; tells which."""
        with suppress(psutil.Error):  # it, or the worker, has just ended
            workers = psutil.Process(self._running.pid).children()
            if workers and pick.random() < 0.5:
                pick.choice(workers).kill()
                return "worker"
        self._running.kill()
        self._running.wait()
        self._running = self._start()
        return self.name

    def end(self) -> None:
        """Kills it for good."""
        self._running.kill()
        self._running.wait()


def run(seconds: float) -> bool:
    """Whether all went well; prints what happened."""
    out = Console(highlight=False, soft_wrap=True)
    with bench(EVENTS, 0, quiet=True) as shared:
        shared.load()
        shared.project()
        out.print(f"{shared.head()} events are on record; {seconds:.0f} s of torture begin")
        happened, wrong = Counter[str](), list[str]()
        with loaded(shared, happened, wrong):
            torture(shared, seconds, happened, wrong)
        wrong += compare(shared, happened)
    for name in ("cycles", "kills", "queries", "failed queries", "events", "rows", "differences"):
        out.print(f"{name:>15} {happened[name]}")
    for name in ("project", "rebuild", "worker"):
        out.print(f"{'killed ' + name:>15} {happened[name]}")
    for each in wrong[:20]:
        out.print(each)
    return not wrong and happened["cycles"] > 0


@contextmanager
def loaded(shared: Bench, happened: Counter[str], wrong: list[str]) -> Iterator[None]:
    """Writers and readers at work."""
    stop = Event()
    conninfo = shared.system.conninfo
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("SELECT candidate_id FROM crm_engagement.candidates").fetchall()
    people = [UUID(str(row[0])) for row in found]
    writers = [
        Thread(target=append_until, args=(shared.system, stop, people[number::WRITERS]))
        for number in range(WRITERS)
    ]
    readers = [Reader(conninfo, stop) for _ in range(READERS)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        stop.set()
        for thread in (*writers, *readers):
            thread.join()
    happened["queries"] = sum(reader.asked for reader in readers)
    happened["failed queries"] = sum(len(reader.wrong) for reader in readers)
    wrong += [f"failed query: {each}" for reader in readers for each in reader.wrong]


def torture(shared: Bench, seconds: float, happened: Counter[str], wrong: list[str]) -> None:
    """Kills what projects and what rebuilds until the time is over, then lets a rebuild end."""
    pick, deadline = Random(), time.monotonic() + seconds
    conninfo = shared.system.conninfo
    before = rebuilds_done(conninfo)
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile("w+"))
        processes = [Process(name, shared.data_dir, said) for name in COMMANDS]
        for process in processes:
            stack.callback(process.end)
        while time.monotonic() < deadline:
            next_kill = time.monotonic() + pick.uniform(FEWEST_SECONDS, MOST_SECONDS)
            while time.monotonic() < min(next_kill, deadline):
                time.sleep(0.1)
                for process in processes:
                    code = process.ended()
                    if code is None:
                        continue
                    if code or process.name != "rebuild":
                        wrong.append(f"{process.name} ended by itself with {code}")
                    else:
                        tidy(conninfo, pick)
            happened["kills"] += 1
            happened[pick.choice(processes).kill(pick)] += 1
        for process in processes:
            process.end()
        said.seek(0)
        wrong += [f"said: {line.rstrip()}" for line in said]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        begun = rebuild.begin(connection, READ_MODELS, unit_events=UNIT_EVENTS)
    Driver(conninfo, READ_MODELS, workers=2).run(begun.rebuild)
    happened["cycles"] = rebuilds_done(conninfo) - before


def rebuilds_done(conninfo: str) -> int:
    """How many rebuilds have come to their end, whoever carried them through."""
    done = "SELECT count(*) FROM read_models.rebuilds WHERE state = 'done'"
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(done).fetchone()
    return row[0] if row else 0


def tidy(conninfo: str, pick: Random) -> None:
    """Drops what is retired but for the latest, and goes back to that now and then."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for model in READ_MODELS:
            retired = [
                build
                for build in builds.all_builds(connection)
                if (build.model, build.state) == (model.name, "retired")
            ]
            for build in sorted(retired, key=lambda each: each.updated_at)[:-KEEP_RETIRED]:
                builds.drop(connection, build)
            if pick.random() < 0.3:
                switch.switch_back(connection, model)


def compare(shared: Bench, happened: Counter[str]) -> list[str]:
    """How the live rows differ from those of a fresh projection in memory."""
    conninfo, stop = shared.system.conninfo, Event()
    Projector(conninfo, READ_MODELS).run(stop, caught_up=stop.set)
    log = whole_log(conninfo)
    happened["events"] = len(log)
    wrong = []
    for model in READ_MODELS:
        live, fresh = all_rows(conninfo, [model]), folded(model, log)
        wrong += [each for table in live for each in differences(table, live[table], fresh[table])]
        happened["rows"] += sum(map(len, live.values()))
    happened["differences"] = len(wrong)
    return wrong


def differences(table: str, live: list[Any], fresh: list[Any]) -> list[str]:
    """The rows that only one side has."""
    ours, theirs = Counter(map(_hashable, live)), Counter(map(_hashable, fresh))
    return [
        *(f"{table} only live: {row}" for row in (ours - theirs).elements()),
        *(f"{table} only fresh: {row}" for row in (theirs - ours).elements()),
    ]


def _hashable(row: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)
