"""A bulk import of facts by the real command, against the library's own way and one big COPY.

All on a database of its own. In each round the library saves its own events for a while, one by
one; then the whole command runs on a file with what happened in another demonstration company, all
personal values in clear, with its check of the file, rules and encryption; then the rows that it
made go by one COPY, from memory, into an empty table with the same indexes.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg import sql

from api.demonstration import Step, company
from tests.bench import bench as benches
from tests.bench.bench import UNTIL, Bench, environ
from tests.bench.contenders import Stock, people, tables
from tests.bench.measured import PeakMemory
from tests.bench.result import Figure, Result
from tests.bench.scratch import copied_out, copy_in, make_log, scratch
from tests.bench.writers import in_threads, interleaved

CANDIDATES = 50_000
EVENTS_A_CANDIDATE = 8.2  # at least
ROUNDS = 3
WORTH_ROUNDS = 100_000  # events
STOCK_SHARE = 0.2  # of the bench's seconds
SCHEMA = "bench_copy"
COPIED_TO = sql.Identifier(SCHEMA, "events")
SELECT_FROM = sql.SQL("""(
SELECT * FROM hirelog.events WHERE notification_id > {} ORDER BY notification_id
)""")
SELECT_ENDS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id IN (%s, %s)
 ORDER BY notification_id
"""
TITLES = {
    "stock": "the library's own, one by one",
    "import": "hirelog import",
    "copy": "one COPY",
}
RATIOS = {"import_vs_stock": "stock", "import_vs_copy": "copy"}


@dataclass(frozen=True)
class Imported:
    """What one run of the command did, by the clock outside of it and by the log."""

    events: int
    seconds: float
    seconds_between: float  # from when the first event was made to when the last one was
    peak_bytes: int


def run(bench: Bench) -> Result:
    """Imports a few companies, one after the other."""
    candidates = min(CANDIDATES, ceil(bench.events / EVENTS_A_CANDIDATE))
    with (
        tempfile.TemporaryDirectory(prefix="hirelog-bench-") as directory,
        benches.bench(bench.events, bench.seconds, quiet=bench.quiet) as own,
    ):
        rounds = []
        for number in range(ROUNDS if bench.events >= WORTH_ROUNDS else 1):
            file = Path(directory) / f"company-{number}.ndjson"
            _write(file, company(candidates, seed=number, until=UNTIL))
            rounds.append(_round(own, file))
    rates = {name: median(rates[name] for _, rates in rounds) for name in TITLES}
    imports = [imported for imported, _ in rounds]
    peak = max(imported.peak_bytes for imported in imports)
    return Result(
        title=f"Importing {imports[0].events:,} events, the median of {len(imports)}",
        columns=("", "events/s", "to the first", "peak MiB"),
        rows=[
            [
                TITLES[name],
                f"{rate:,.0f}",
                f"{rate / rates['stock']:,.1f}",
                f"{peak / 2**20:,.0f}" if name == "import" else "",
            ]
            for name, rate in rates.items()
        ],
        figures=_figures(imports, rates) | {"import_peak_bytes": peak},
        ratios={name: round(rates["import"] / rates[peer], 4) for name, peer in RATIOS.items()},
    )


def _write(file: Path, steps: Iterable[Step]) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for step in steps:
            lines.write(json.dumps(_fact(step), ensure_ascii=False) + "\n")


def _fact(step: Step) -> dict[str, Any]:
    interaction = step.intent.model_dump(mode="json", exclude_defaults=True)
    told = step.metadata
    return {
        "job" if step.of_job else "candidate": str(step.stream),
        "interaction": {"type": step.intent.type} | interaction,
        "actor": told.actor,
        "occurred_at": told.occurred_at.isoformat(),
    }


def _round(own: Bench, file: Path) -> tuple[Imported, Mapping[str, float]]:
    conninfo, before = own.system.conninfo, own.head()
    stock_rate = _stock(conninfo, STOCK_SHARE * own.seconds)
    imported = _import(own, file)
    return imported, {
        "stock": stock_rate,
        "import": imported.events / imported.seconds,
        "copy": imported.events / _copy(conninfo, before),
    }


def _stock(conninfo: str, seconds: float) -> float:
    with tables(conninfo), people(conninfo, writers=1) as application:
        one_writer = partial(in_threads, Stock(application), 1)
        return interleaved({"stock": one_writer}, seconds)["stock"].per_second


def _import(own: Bench, file: Path) -> Imported:
    hirelog = str(Path(sys.executable).with_name("hirelog"))
    command = [hirelog, "import", str(file), "--format", "ndjson", "--no-project", "--json"]
    before, begun = own.head(), time.monotonic()
    with PeakMemory() as peak:
        subprocess.run(command, env=environ(own.data_dir), stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.monotonic() - begun, own.head()
    with own.system.pool.connection() as connection:
        rows = connection.execute(SELECT_ENDS, (before + 1, after)).fetchall()
    first, last = (own.system.recruiting.read_stored(*row) for row in rows)
    between = last.metadata.recorded_at - first.metadata.recorded_at
    return Imported(after - before, seconds, between.total_seconds(), peak.bytes)


def _copy(conninfo: str, before: int) -> float:
    with (
        psycopg.connect(conninfo, autocommit=True) as connection,
        scratch(connection, SCHEMA),
    ):
        rows = copied_out(connection, SELECT_FROM.format(before))
        make_log(connection, SCHEMA)
        begun = time.monotonic()
        copy_in(connection, COPIED_TO, rows)
        return time.monotonic() - begun


def _figures(imports: list[Imported], rates: Mapping[str, float]) -> dict[str, Figure]:
    return {
        "events": imports[0].events,
        "import_seconds": round(median(each.seconds for each in imports), 3),
        "import_seconds_first_to_last": round(median(each.seconds_between for each in imports), 3),
        **{f"{name}_events_per_second": round(rate, 1) for name, rate in rates.items()},
    }
