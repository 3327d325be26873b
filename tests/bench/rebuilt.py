"""Our rebuild, from the first event to the switch, beside the live read models."""

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import psycopg

from api.wiring import System
from domain.candidate.intents import Source
from projections import READ_MODELS
from projections.runtime import builds, rebuild
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver, Progress
from tests.bench.bench import opened
from tests.bench.measured import Rate
from tests.bench.writers import metadata

ALONE_SHARE = 0.2  # of the bench's seconds


def rebuilt(data_dir: Path, models: Sequence[ReadModel], workers: int) -> Rate:
    """These read models in one pass, by so many workers."""
    phases: dict[str, float] = {}

    def tell(progress: Progress) -> None:
        phases.setdefault(progress.phase.split()[0], time.monotonic())

    with opened(data_dir) as system, system.pool.connection() as connection:
        begun = time.monotonic()
        ready = rebuild.begin(connection, models)
        Driver(system.conninfo, models, workers, tell).run(ready.rebuild)
        ended = time.monotonic()
        drop_retired(connection)
    folding = phases.get("indexing", ended) - begun
    return Rate(ready.head, ended - begun, {"folding_seconds": folding})


def appends_meanwhile(data_dir: Path, alone_seconds: float) -> Rate:
    """Commands of one writer while all read models are rebuilt, after so many seconds without."""
    with opened(data_dir) as system:
        before = _appended(system, Event(), alone_seconds)
        done = Event()
        with ThreadPoolExecutor(1) as pool:
            appending = pool.submit(_appended, system, done, math.inf)
            with system.pool.connection() as connection:
                ready = rebuild.begin(connection, READ_MODELS)
                Driver(system.conninfo, READ_MODELS).run(ready.rebuild)
                done.set()
                meanwhile = appending.result()
                drop_retired(connection)
    return Rate(meanwhile.events, meanwhile.seconds, {"per_second_before": before.per_second})


def _appended(system: System, stop: Event, seconds: float) -> Rate:
    """At least one command, then more until told to stop or the seconds are over."""
    begun, count = time.monotonic(), 0
    while True:
        system.recruiting.record(uuid4(), Source(source="Fair"), metadata())
        count += 1
        taken = time.monotonic() - begun
        if stop.is_set() or taken >= seconds:
            return Rate(count, taken)


def drop_retired(connection: psycopg.Connection) -> None:
    """Makes room for the next measurement."""
    for build in builds.all_builds(connection):
        if build.state == "retired":
            builds.drop(connection, build)
