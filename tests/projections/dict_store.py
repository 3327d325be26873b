"""A store of dicts in the place of the database: what the projector does, in memory."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar
from uuid import UUID

from msgspec.structs import astuple

from domain.recorded import Recorded
from projections.runtime.batch import Rows, Unreadable, fold_batch, touched_keys
from projections.runtime.contract import ReadModel, Row

T = TypeVar("T")


@dataclass
class Store:
    """Keeps a read model up to date, seeing only the rows that it asks for."""

    model: ReadModel
    rows: Rows = field(default_factory=dict)
    checkpoint: int = 0
    parked: list[tuple[int, str]] = field(default_factory=list)
    parked_streams: dict[UUID, int] = field(default_factory=dict)

    def project(self, batch: Sequence[Recorded | Unreadable]) -> None:
        new = [each for each in batch if each.position > self.checkpoint]
        wanted = touched_keys(self.model, new)
        loaded = {
            table: {
                key: row
                for key, row in self.rows.get(table, {}).items()
                if any(key[: len(each)] == each for each in keys)
            }
            for table, keys in wanted.items()
        }
        untouched = {table: copy.deepcopy(some) for table, some in loaded.items()}
        folded = fold_batch(self.model, new, loaded, self.parked_streams)
        assert loaded == untouched, "a fold changed a row that it was given"
        for table, changed in folded.changed.items():
            self.rows.setdefault(table, {}).update(
                {key: as_loaded(row) for key, row in changed.items()}
            )
        for each in folded.parked:
            self.parked.append((each.recorded.position, each.error))
            self.parked_streams.setdefault(each.recorded.originator_id, each.recorded.position)
        if new:
            self.checkpoint = new[-1].position


def as_loaded(row: Row) -> Row:
    """The row as a database gives it back: words are texts, lists are new ones."""
    values = [
        str(value) if isinstance(value, StrEnum) else copy.copy(value) for value in astuple(row)
    ]
    return type(row)(*values)


def projected(model: ReadModel, *batches: Sequence[Recorded | Unreadable]) -> Store:
    """What a read model holds after these batches."""
    store = Store(model)
    for batch in batches:
        store.project(batch)
    return store


def cut(recorded: Sequence[T], at: Sequence[int]) -> list[Sequence[T]]:
    """The same in batches that end at these places."""
    return [recorded[start:end] for start, end in pairwise([0, *at, len(recorded)]) if start < end]
