"""Runs one benchmark or all: a table for people, or one JSON object for programs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from api import logs
from tests.bench import append, bulk, growth, http, lag, machine, rebuild
from tests.bench.bench import GROWN, Bench, bench
from tests.bench.result import Figure, Result

BENCHMARKS: dict[str, Callable[[Bench], Result]] = {
    "rebuild": rebuild.run,
    "lag": lag.run,
    "append": append.run,
    "import": bulk.run,
    "growth": growth.run,
    "http": http.run,
}


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="which one [default: all]")
    parser.add_argument(
        "--events", type=int, default=500_000, help="the log's least length [default: %(default)s]"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=15.0,
        help="for each rate of lag, shares of it for other things [default: %(default)s]",
    )
    parser.add_argument(
        "--grown",
        type=int,
        default=GROWN,
        help="the length of the log that growth fills [default: %(default)s]",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args(arguments)
    logs.configure("critical")
    names = [options.name] if options.name else list(BENCHMARKS)
    with bench(options.events, options.seconds, quiet=options.json, grown=options.grown) as shared:
        about = machine.describe(shared.system)
        results = {name: BENCHMARKS[name](shared) for name in names}
    if options.json:
        _print_json(about, results)
        return
    console = Console(highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in about.items()))
    for result in results.values():
        console.print(result.table())


def _print_json(about: dict[str, Figure], results: dict[str, Result]) -> None:
    whole = {
        "machine": about,
        "ratios": {
            name: ratio for result in results.values() for name, ratio in result.ratios.items()
        },
        "figures": {name: dict(result.figures) for name, result in results.items()},
    }
    print(json.dumps(whole, indent=2))  # noqa: T201  # the answer


if __name__ == "__main__":
    main(sys.argv[1:])
