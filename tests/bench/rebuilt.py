"""Our rebuild, from the first event to the switch, beside the live read models."""

import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.runtime import builds, rebuild
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver, Progress
from tests.bench.bench import opened
from tests.bench.measured import Rate


def one_model(data_dir: Path) -> Rate:
    """The pipeline alone, by one worker."""
    return _rebuilt(data_dir, [ATS_PIPELINE], workers=1)


def two_workers(data_dir: Path) -> Rate:
    """The pipeline alone, by two."""
    return _rebuilt(data_dir, [ATS_PIPELINE], workers=2)


def all_models(data_dir: Path) -> Rate:
    """All read models in one pass, by one worker."""
    return _rebuilt(data_dir, READ_MODELS, workers=1)


def all_models_two_workers(data_dir: Path) -> Rate:
    """All read models in one pass, by two."""
    return _rebuilt(data_dir, READ_MODELS, workers=2)


def _rebuilt(data_dir: Path, models: Sequence[ReadModel], workers: int) -> Rate:
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


def drop_retired(connection: psycopg.Connection) -> None:
    """Makes room for the next measurement."""
    for build in builds.all_builds(connection):
        if build.state == "retired":
            builds.drop(connection, build)
