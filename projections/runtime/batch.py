"""Folds a batch of events into rows in memory: the part of the runtime that needs no database."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.recorded import Recorded, event_classes
from projections.runtime.contract import Key, ReadModel, Row, Table, Touched

Rows = dict[Table, dict[Key, Row]]


@dataclass(frozen=True)
class Unreadable:
    """An entry of the log whose bytes are no event that this version knows."""

    originator_id: UUID
    originator_version: int
    position: int
    topic: str
    error: str


@dataclass(frozen=True)
class Parked:
    """An event that a read model could not fold, or that waits behind one of the same stream."""

    recorded: Recorded | Unreadable
    error: str

    @property
    def topic(self) -> str:
        """The event's topic."""
        recorded = self.recorded
        return recorded.topic if isinstance(recorded, Unreadable) else recorded.event.TOPIC


@dataclass
class Folded:
    """What a batch leads to: the rows to write and the events to park."""

    changed: Rows = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)


def touched_keys(model: ReadModel, batch: Iterable[Recorded | Unreadable]) -> dict[Table, set[Key]]:
    """The rows that the batch needs to see, by table."""
    keys: dict[Table, set[Key]] = {}
    for recorded in batch:
        if isinstance(recorded, Recorded) and isinstance(recorded.event, model.events):
            # An event that touches() cannot place is parked by fold_batch, which asks again.
            with suppress(Exception):
                if touched := model.touches(recorded):
                    _check_touched(touched)
                    keys.setdefault(touched[0], set()).add(touched[1])
    return keys


class _Places(dict[type[Row], tuple[Table, Callable[[Row], Key], dict[Key, Row]]]):
    """Where a row belongs, by its type."""

    def __missing__(self, kind: type[object]) -> Any:
        raise TypeError(f"fold() returned a {kind.__name__}, which is a row of none of its tables")


class _Beginnings:
    """The rows of a batch by the beginnings of their keys, as far as anybody asked for them."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._keys: dict[tuple[Table, int], dict[Key, dict[Key, None]]] = {}

    def beginning(self, touched: Touched) -> list[Row]:
        """The rows whose keys begin so, in their order."""
        table, key = touched
        length = len(key)
        if (table, length) not in self._keys:
            self._keys[table, length] = {}
            for each in self._rows[table]:
                self.add(table, each)
        found = self._keys[table, length].get(key, ())
        return [self._rows[table][each] for each in found]

    def add(self, table: Table, key: Key) -> None:
        """Takes in a row that is new, or was there before."""
        for (of, length), keys in self._keys.items():
            if of is table:
                keys.setdefault(key[:length], {})[key] = None


def fold_batch(
    model: ReadModel,
    batch: Iterable[Recorded | Unreadable],
    rows: Mapping[Table, Mapping[Key, Row]],
    parked_streams: Mapping[UUID, int],
) -> Folded:
    """Folds `batch`, in log order, over `rows`, which must hold all that touched_keys() names.

    A stream with an event that cannot be folded is parked from there on, so that its events are
    never folded out of order; the other streams go on.
    """
    current: Rows = {table: dict(rows.get(table, ())) for table in model.tables}
    parked = Folding(model, current).take(batch, parked_streams)
    return Folded(dict(_changed(current, rows)), parked)


class Folding:
    """Folds events onto the rows of all tables of a model, which it changes."""

    def __init__(self, model: ReadModel, rows: Rows) -> None:
        self._model = model
        self._rows = rows
        self._places = _Places(
            {table.row: (table, table.key, rows[table]) for table in model.tables}
        )

    def take(
        self, batch: Iterable[Recorded | Unreadable], parked_streams: Mapping[UUID, int]
    ) -> list[Parked]:
        """The same as fold_batch; returns what is to be parked."""
        rows, places = self._rows, self._places
        touches, fold, folds = self._model.touches, self._model.fold, self._model.event_classes
        in_order: _Beginnings | None = None
        parked, parked_now = dict(parked_streams), list[Parked]()
        for recorded in batch:
            if isinstance(recorded, Unreadable):
                if recorded.topic not in event_classes().keys() - self._model.topics:
                    parked.setdefault(recorded.originator_id, recorded.position)
                    parked_now.append(Parked(recorded, recorded.error))
                continue
            if type(recorded.event) not in folds:
                continue
            if parked and recorded.originator_id in parked:
                error = f"waits behind the event at position {parked[recorded.originator_id]}"
                parked_now.append(Parked(recorded, error))
                continue
            try:
                touched = touches(recorded)
                row: Any = rows[touched[0]].get(touched[1]) if touched else None
                if row is None and touched:
                    _check_touched(touched)
                    if len(touched[1]) < touched[0].key_columns:
                        in_order = in_order or _Beginnings(rows)
                        row = in_order.beginning(touched)
                made = []
                for new in fold(row, recorded):
                    table, key_of, its_rows = places[type(new)]
                    made.append((table, its_rows, key_of(new), new))
                if row is None and touched:
                    _check_found(touched, made)
            except Exception as error:  # noqa: BLE001  # whatever a fold raises parks its stream
                parked[recorded.originator_id] = recorded.position
                parked_now.append(Parked(recorded, f"{type(error).__name__}: {error}"))
                continue
            for table, its_rows, key, new in made:
                its_rows[key] = new
                if in_order:
                    in_order.add(table, key)
        return parked_now


def _check_touched(touched: Touched) -> None:
    table, key = touched
    if not isinstance(key, tuple) or not 0 < len(key) <= table.key_columns:
        raise TypeError(f"touches() must name a row of {table.name} by a tuple of its primary key")


def _check_found(touched: Touched, made: Iterable[tuple[Table, dict[Key, Row], Key, Row]]) -> None:
    # Such as a text for a UUID: the row would never be found, and begun anew by each event.
    wanted, key = touched
    for table, _, found, _ in made:
        if table is wanted and found != key and list(map(str, found)) == list(map(str, key)):
            raise TypeError(f"touches() names a row of {table.name} by other types than it has")


def _changed(
    current: Rows, before: Mapping[Table, Mapping[Key, Row]]
) -> Iterable[tuple[Table, dict[Key, Row]]]:
    for table, now in current.items():
        then = before.get(table)
        changed = {k: row for k, row in now.items() if then.get(k) is not row} if then else now
        if changed:
            yield table, changed
