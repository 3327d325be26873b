"""Live lag: how long after an append its row is visible, with the projector in another process.

Threads of this process move applications from stage to stage through the one write path, each
append at its appointed time. Another process looks every millisecond how far the read models are;
an append is visible when all of them have reached its position. The lag counts from the moment
before the command, so it holds the command's own time; `from_return` counts from its return.
"""

import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from uuid import UUID, uuid4

from domain.candidate.intents import Advance, ApplyAs
from domain.intake import Intake
from domain.job import OpenJob
from domain.recruiting import Recruiting
from tests.bench.bench import Bench, environ
from tests.bench.result import Result
from tests.bench.watch import Seen, Watcher, watching
from tests.bench.writers import metadata, ms
from tests.databases import wait_until_projected

RATES = (200, 1_000)  # appends a second
RATIOS = tuple(f"p99_ms_at_{rate}" for rate in RATES)
WRITERS = 8  # threads
STAGES = ("Review", "Phone screen", "Onsite", "Offer")
MOVES = len(STAGES) - 1  # of each application
WARM_UP = 100  # appends that do not count
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Append:
    """One command: when it was given, when it returned, and where its event stands."""

    before: float
    after: float
    position: int


@dataclass(frozen=True)
class Applicant:
    """A candidate with an application that has all moves before it."""

    candidate: UUID
    application: UUID


def run(bench: Bench) -> Result:
    """Appends at each rate for the bench's seconds."""
    bench.load()
    bench.project()
    with _projector(bench.data_dir), watching(bench.system.conninfo) as watcher:
        _at_rate(bench, watcher, RATES[0], WARM_UP / RATES[0])
        found = {rate: _at_rate(bench, watcher, rate, bench.seconds) for rate in RATES}
    figures = {f"{name}_at_{rate}": value for rate in RATES for name, value in found[rate].items()}
    return Result(
        title="From append to visible row",
        columns=("", *(f"{rate:,} appends/s" for rate in RATES)),
        rows=[
            [name.replace("_", " "), *(f"{found[rate][name]:,.1f}" for rate in RATES)]
            for name in found[RATES[0]]
        ],
        figures=figures,
        ratios={name: figures[name] for name in RATIOS},
    )


def _at_rate(bench: Bench, watcher: Watcher, rate: int, seconds: float) -> dict[str, float]:
    recruiting = bench.system.recruiting
    applicants = _applicants(recruiting, ceil(rate * seconds / MOVES) + WRITERS)
    wait_until_projected(bench.system.conninfo, PATIENCE_SECONDS)
    begin = time.monotonic() + 0.1
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [
            pool.submit(
                _write,
                recruiting,
                applicants[each::WRITERS],
                begin + each / rate,
                begin + seconds,
                WRITERS / rate,
            )
            for each in range(WRITERS)
        ]
        appends = [append for writer in writers for append in writer.result()]
    seen = watcher.seen_until(max(append.position for append in appends), PATIENCE_SECONDS)
    reached = len(appends) / (max(append.after for append in appends) - begin)
    return {"reached_per_second": round(reached, 1), **_lags(appends, seen)}


def _applicants(recruiting: Recruiting, count: int) -> list[Applicant]:
    """So many candidates who have just applied for a job of their own."""
    job_id = uuid4()
    recruiting.record_job(job_id, OpenJob(title="Benchmark", stages=STAGES), metadata())
    applicants = [Applicant(uuid4(), uuid4()) for _ in range(count)]
    intake = Intake(recruiting)
    intake.expect(each.candidate for each in applicants)
    for each in applicants:
        apply = ApplyAs(job_id=job_id, source="Benchmark", application_id=each.application)
        intake.command(each.candidate, apply, metadata())
    intake.flush()
    return applicants


def _write(
    recruiting: Recruiting, applicants: Sequence[Applicant], begin: float, end: float, pause: float
) -> list[Append]:
    """One thread's share of the appends, each at its time or as soon as the last has returned."""
    appends: list[Append] = []
    for number in range(MOVES * len(applicants)):
        due = begin + number * pause
        if max(due, time.monotonic()) >= end:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        applicant = applicants[number // MOVES]
        intent = Advance(application_id=applicant.application, to_stage=STAGES[1 + number % MOVES])
        before = time.monotonic()
        outcome = recruiting.record(applicant.candidate, intent, metadata())
        appends.append(Append(before, time.monotonic(), outcome.position))
    return appends


def _lags(appends: Sequence[Append], seen: Seen) -> dict[str, float]:
    positions = [position for _, position in seen]
    shown = [seen[bisect_left(positions, append.position)][0] for append in appends]
    pairs = list(zip(appends, shown, strict=True))
    lags = sorted(when - append.before for append, when in pairs)
    from_return = sorted(max(0.0, when - append.after) for append, when in pairs)
    commands = sorted(append.after - append.before for append in appends)
    return {
        "p50_ms": ms(lags, 0.5),
        "p99_ms": ms(lags, 0.99),
        "max_ms": ms(lags, 1.0),
        "p50_ms_from_return": ms(from_return, 0.5),
        "p99_ms_from_return": ms(from_return, 0.99),
        "max_ms_from_return": ms(from_return, 1.0),
        "p50_ms_of_append": ms(commands, 0.5),
        "p99_ms_of_append": ms(commands, 0.99),
    }


@contextmanager
def _projector(data_dir: Path) -> Iterator[None]:
    """A projector at work in a process of its own."""
    command = [str(Path(sys.executable).with_name("hirelog")), "project"]
    process = subprocess.Popen(command, env=environ(data_dir), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
