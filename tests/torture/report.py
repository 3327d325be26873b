"""What the tortures print: what each counted, and the first things that went wrong."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

SHOWN, WIDTH = 10, 600


def say(line: str) -> None:
    """One line about what goes on."""
    _out.print(line)


def report(happened: Counter[str], names: Sequence[str], wrong: Sequence[str]) -> bool:
    """Prints the counts by name and what is wrong; whether nothing is."""
    for name in names:
        say(f"{name:>15} {happened[name]}")
    for each in wrong[:SHOWN]:
        say(each[:WIDTH])
    if len(wrong) > SHOWN:
        say(f"and {len(wrong) - SHOWN} more")
    return not wrong


_out = Console(highlight=False, markup=False, soft_wrap=True)
