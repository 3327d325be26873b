"""Tortures a system of its own for a while; exit code 1 when anything was lost or went wrong."""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence

from api import logs
from tests.torture import crashes, erasure, feed, histories, keys, order, rebuild, schema, tampering

TORTURES: Mapping[str, Callable[[Namespace], bool]] = {
    "rebuild": lambda given: rebuild.run(given.seconds),
    "order": lambda given: order.run(given.events),
    "crashes": lambda given: crashes.run(given.kills, given.database_kills),
    "feed": lambda given: feed.run(given.reader_kills),
    "keys": lambda given: keys.run(given.keys),
    "histories": lambda given: histories.run(given.rounds),
    "tampering": lambda given: tampering.run(given.alterations, given.seed),
    "erasure": lambda given: erasure.run(given.erasures, given.seed),
    "schema": lambda given: schema.run(given.cases, given.schema_seconds, given.seed),
}


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = ArgumentParser(
        "python -m tests.torture",
        description=__doc__,
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("name", nargs="?", choices=TORTURES, help="which one [default: all]")
    for option, kind, default, about in (
        ("--seconds", float, 90.0, "rebuild: how long"),
        ("--events", int, 200_000, "order: how many are appended"),
        ("--kills", int, 50, "crashes: how often a server of the API is killed"),
        ("--database-kills", int, 20, "crashes: how often the database is killed"),
        ("--reader-kills", int, 100, "feed: how often a reader or a server is killed"),
        ("--keys", int, 1_000, "keys: how many, each sent eight times at once"),
        ("--rounds", int, 30, "histories: how many, each of a second"),
        ("--alterations", int, 200, "tampering: how many, each on its own"),
        ("--erasures", int, 10, "erasure: how many people, and a kill in each"),
        ("--cases", int, 20_000, "schema: how many requests"),
        ("--schema-seconds", float, 3_600.0, "schema: how long at the most"),
        ("--seed", int, 1, "schema, tampering, erasure: what the dice begin with"),
    ):
        parser.add_argument(option, type=kind, default=default, help=about)
    options = parser.parse_args(arguments)
    logs.configure("critical")
    names = [options.name] if options.name else list(TORTURES)
    well = [TORTURES[name](options) for name in names]  # all of them, whatever one finds
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
