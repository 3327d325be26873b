"""What an import reads, and why it cannot."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from domain.taken import Tally

T = TypeVar("T")

Progress = Callable[[int], None]  # is told how many interactions were read so far


class CannotImport(Exception):  # noqa: N818  # the name of the situation
    """A file or a mapping cannot be used: what is wrong, where, and what to do."""

    def __init__(self, message: str, line: int = 0) -> None:
        """`line` is that of the file, from 1, where the fault is in one."""
        super().__init__(message)
        self.line = line


@dataclass
class Report:
    """What an import found and did."""

    file: str
    format: str
    candidates: int = 0
    interactions: int = 0
    self_identifications: int = 0
    lines: int = 0  # the number of the last one, where a part of the file was read
    recorded: int = 0  # how many of them are events of an export
    by_activity: Counter[str] = field(default_factory=Counter)
    unused_attributes: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)

    def add(self, other: "Report") -> None:
        """Takes in what was found in another part of the file, about other candidates."""
        self.candidates += other.candidates
        self.interactions += other.interactions
        self.recorded += other.recorded
        self.by_activity.update(other.by_activity)

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "file": self.file,
            "candidates": self.candidates,
            "interactions": self.interactions,
            "by_activity": dict(self.by_activity),
            "added_events": self.tally.added,
            "repeated": self.tally.repeated,
            "self_identifications": self.self_identifications,
            "refused": dict(self.tally.refused),
            "broken_rules": [
                {"type": type_, "rule": rule, "count": count}
                for (type_, rule), count in self.tally.broken_rules.most_common()
                if count
            ],
            "unused_attributes": dict(self.unused_attributes),
        }

    def _broken(self) -> Counter[str]:
        broken = self.tally.broken_rules.items()
        return Counter({f"{type_}: {rule}": count for (type_, rule), count in broken})

    def show(self, console: Console) -> None:
        """Prints the report for people."""
        console.print(
            f"{self.file}: {self.interactions:,} interactions of {self.candidates:,} candidates; "
            f"{self.tally.added:,} events added, {self.tally.repeated:,} were on record before"
        )
        for title, counts in (
            ("activity", self.by_activity),
            ("refused by the rule", self.tally.refused),
            ("facts kept against the rule", self._broken()),
            ("attribute not used by the mapping", self.unused_attributes),
        ):
            if +counts:
                table = Table(title, "count", box=None)
                for name, count in counts.most_common():
                    table.add_row(name, f"{count:,}")
                console.print(table)


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
