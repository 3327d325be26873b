"""Tortures a system of its own for a while; exit code 1 when anything was lost or went wrong."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from api import logs
from tests.torture import rebuild

TORTURES: Mapping[str, Callable[[float], bool]] = {"rebuild": rebuild.run}


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.torture", description=__doc__)
    parser.add_argument("name", nargs="?", choices=TORTURES, help="which one [default: all]")
    parser.add_argument(
        "--seconds", type=float, default=90.0, help="for each [default: %(default)s]"
    )
    options = parser.parse_args(arguments)
    logs.configure("critical")
    names = [options.name] if options.name else list(TORTURES)
    return 0 if all(TORTURES[name](options.seconds) for name in names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
