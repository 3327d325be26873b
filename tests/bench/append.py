"""Appends by 1, 4 and 16 writers: the full write path, the library's own, and bare INSERTs."""

from collections.abc import Mapping
from functools import partial

from tests.bench import long_stream
from tests.bench.bench import MOST_WRITERS, Bench
from tests.bench.contenders import contenders, tables
from tests.bench.crew import crew
from tests.bench.result import Result
from tests.bench.writers import Found, Round, in_threads, interleaved

THREADS = (1, 4, MOST_WRITERS)
PROCESSES = 4
CREWS = {
    **{f"writers{count}": f"{count} in threads" for count in THREADS},
    f"processes{PROCESSES}": f"{PROCESSES} in processes",
}
CONTENDERS = {"ours": "hirelog", "stock": "the library's own", "insert": "one INSERT each"}
RATIOS = {
    "writer1_vs_stock": ("writers1", "stock"),
    "writers16_vs_stock": ("writers16", "stock"),
    "writers16_vs_insert": ("writers16", "insert"),
}
SHARE = 0.5  # of the bench's seconds, for each contender and number of writers

Key = tuple[str, str]  # crew, contender


def run(bench: Bench) -> Result:
    """Lets all contenders take turns with every number of writers."""
    found = _found(bench)
    streams = long_stream.measure(bench)
    return Result(
        title="Appends, one event each",
        columns=("writers", "", "appends/s", "p50 ms", "p99 ms"),
        rows=[_row(key, each) for key, each in found.items()]
        + [
            ["1", "on a short history", "", f"{streams['short_stream_ms']:,.2f}", ""],
            ["1", "on a long history", "", f"{streams['long_stream_ms']:,.2f}", ""],
        ],
        figures={
            f"{contender}_{writers}_{name}": value
            for (writers, contender), each in found.items()
            for name, value in each.figures().items()
        }
        | streams,
        ratios={
            name: round(found[writers, "ours"].per_second / found[writers, peer].per_second, 3)
            for name, (writers, peer) in RATIOS.items()
        }
        | {
            "long_vs_short_stream": round(streams["long_stream_ms"] / streams["short_stream_ms"], 3)
        },
    )


def _found(bench: Bench) -> Mapping[Key, Found]:
    with (
        tables(bench.system.conninfo),
        crew(bench.data_dir, PROCESSES) as processes,
        contenders(bench.system, MOST_WRITERS) as ways,
    ):
        # All contenders with the same number of writers follow each other.
        rounds: dict[Key, Round] = {
            (f"writers{count}", name): partial(in_threads, contender, count)
            for count in THREADS
            for name, contender in ways.items()
        }
        for name in ways:
            rounds[f"processes{PROCESSES}", name] = partial(processes.write, name)
        return interleaved(rounds, SHARE * bench.seconds)


def _row(key: Key, found: Found) -> list[str]:
    writers, contender = key
    figures = found.figures()
    return [
        CREWS[writers],
        CONTENDERS[contender],
        f"{figures['appends_per_second']:,.0f}",
        f"{figures['p50_ms']:,.2f}",
        f"{figures['p99_ms']:,.2f}",
    ]
