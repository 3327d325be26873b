"""What an import reads, and why it cannot."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from domain.intake import Tally

T = TypeVar("T")

Progress = Callable[[int], None]  # is told how many interactions were read so far


class CannotImport(Exception):  # noqa: N818  # the name of the situation
    """A file or a mapping cannot be used: what is wrong, where, and what to do."""


@dataclass
class Report:
    """What an import found and did."""

    file: str
    format: str
    candidates: int = 0
    interactions: int = 0
    by_activity: Counter[str] = field(default_factory=Counter)
    unused_attributes: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)


def readable(path: Path) -> Path:
    """The path, if a file can be read there. Raises CannotImport."""
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise CannotImport(f"{path} cannot be read: {error.strerror}") from error


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
