"""What a read model declares: its tables, the events it folds, and two pure functions.

`touches` names the one row that an event needs to see; `fold` takes that row, or None where there
is none yet, and the event, and returns every row that is new or changed, whole. Where `touches`
names only the beginning of a key, `fold` takes the list of all rows that have it. The runtime
loads the rows, keeps the changed ones in memory for the batch and writes them; a fold reads nothing
else and has no effect.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any, dataclass_transform

from msgspec import Struct

from domain.candidate.events import Erased
from domain.recorded import Happened, Recorded, event_classes

Key = tuple[Any, ...]

APART = ("queries.py", "merkle")  # of a folder: what cannot change a row


@dataclass_transform(frozen_default=True)
class Row(Struct, frozen=True, gc=False):
    """Base of all rows, whose fields are the columns of their table, in order."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a read model; the first `key_columns` fields of `row` are its primary key."""

    name: str
    row: type[Row]
    key_columns: int = 1

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return self.row.__struct_fields__

    @cached_property
    def key(self) -> Callable[[Row], Key]:
        """The primary key of a row."""
        of_row = attrgetter(*self.columns[: self.key_columns])
        return of_row if self.key_columns > 1 else lambda row: (of_row(row),)


Touched = tuple[Table, Key]


class Forgotten(Erased):
    """An erasure of after the moment that rows are as of.

    Personal values go, for what was forgotten is forgotten in every view of the past; all else
    stays as it was by then.
    """


@dataclass(frozen=True)
class ReadModel:
    """A read model. A change of its fold or schema needs a new `version`.

    `by_stream` says that each row is made from the events of one candidate or of one job alone.
    Such a model is rebuilt stream by stream, by several workers at once; any other in the order of
    the log. `holds_personal` says that rows hold sealed values; such a model folds Erased, and
    Forgotten.
    """

    name: str
    version: int
    package: str
    tables: tuple[Table, ...]
    events: tuple[type[Happened], ...]
    touches: Callable[[Recorded], Touched | None]
    fold: Callable[[Any, Recorded], Iterable[Row]]
    by_stream: bool = False
    holds_personal: bool = False

    @cached_property
    def event_classes(self) -> frozenset[type[Happened]]:
        """The events that it folds, each by its own class."""
        folded = {each for each in event_classes().values() if issubclass(each, self.events)}
        return frozenset(folded | {Forgotten} if self.holds_personal else folded)

    @cached_property
    def topics(self) -> frozenset[str]:
        """The topics of the events that it folds."""
        return frozenset(each.TOPIC for each in self.event_classes)

    def schema_sql(self) -> str:
        """The model's schema.sql: its tables and indexes, with unqualified names."""
        return files(self.package).joinpath("schema.sql").read_text("utf-8")

    def digest(self) -> str:
        """SHA-256 of what its rows depend on: the files of its folder, but for those APART."""
        digest = sha256()
        folder = Path(str(files(self.package)))
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.suffix in {".py", ".sql"} and name.parts[0] not in APART:
                digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes() + b"\0")
        return digest.hexdigest()
