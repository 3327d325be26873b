"""Mistakes in a read model are told by name and park their stream, whatever they would make."""

from dataclasses import fields, replace
from typing import Any, NamedTuple, cast
from uuid import UUID

import psycopg
import pytest

from api.wiring import System
from domain.recorded import Recorded
from projections.runtime import builds, tables
from projections.runtime.batch import fold_batch, touched_keys
from projections.runtime.contract import ReadModel, Row, Table
from tests.projections.test_laws import FRAGILE, TALLIES, Tally
from tests.scenario import contacted, log, sourced

HISTORY = log(sourced(), contacted("m1"))


def touching(key: Any) -> ReadModel:
    def touches(recorded: Recorded) -> tuple[Table, Any]:
        return TALLIES, key(recorded.originator_id)

    return replace(FRAGILE, touches=touches)


def bare(_row: Tally | None, recorded: Recorded) -> Any:
    return Tally(recorded.originator_id, [])


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (touching(lambda stream: stream), "by a tuple of its primary key"),
        (touching(lambda stream: (stream, 1)), "by a tuple of its primary key"),
        (touching(lambda stream: (str(stream),)), "by other types than it has"),
        (replace(FRAGILE, fold=lambda _row, _event: cast("Any", [(1, 2)])), "returned a tuple"),
        (replace(FRAGILE, fold=bare), "'Tally' object is not iterable"),
    ],
    ids=["no tuple", "too long", "a text for a UUID", "no row", "no list"],
)
def test_a_mistake_is_told_by_name(model: ReadModel, error: str) -> None:
    touched_keys(model, HISTORY)
    folded = fold_batch(model, HISTORY, {}, {})
    assert folded.changed == {}
    assert folded.parked[0].error.startswith("TypeError: ")
    assert error in folded.parked[0].error


class Other(Row):
    """A row of a table that is made in another way than this says."""

    candidate_id: UUID
    number: int


@pytest.mark.parametrize(
    ("made", "error"),
    [
        ("CREATE TABLE elsewhere (candidate_id uuid PRIMARY KEY)", "makes no table others"),
        ("CREATE TABLE others (candidate_id uuid PRIMARY KEY)", "has the columns candidate_id in"),
        ("CREATE TABLE others (candidate_id uuid, number integer)", "must have the primary key"),
        (
            "CREATE TABLE others (candidate_id uuid, number integer, PRIMARY KEY (number))",
            "must have the primary key (candidate_id)",
        ),
    ],
)
def test_tables_that_are_not_as_declared_are_refused(system: System, made: str, error: str) -> None:
    class Declared(ReadModel):
        def schema_sql(self) -> str:
            return made

        def digest(self) -> str:
            return "x"

    def fold(_row: Any, _recorded: Recorded) -> list[Row]:
        return []

    fragile = {each.name: getattr(FRAGILE, each.name) for each in fields(FRAGILE)}
    others = {"name": "declared", "tables": (Table("others", Other),), "fold": fold}
    model = Declared(**fragile | others)
    with psycopg.connect(system.conninfo, autocommit=True) as connection:
        with pytest.raises(tables.TablesDiffer) as refused, connection.transaction():
            builds.make_tables(connection, model, "building")
        assert error in str(refused.value)
        assert not [b for b in builds.all_builds(connection) if b.model == "declared"]


def test_rows_of_another_kind_are_refused(system: System) -> None:
    class Named(NamedTuple):
        candidate_id: UUID

    model = replace(FRAGILE, tables=(Table("named", cast("Any", Named)),))
    with psycopg.connect(system.conninfo) as connection:
        with pytest.raises(tables.TablesDiffer, match=r"Named, .* must derive from") as refused:
            tables.check(connection, model, "public")
        assert "contract.Row" in str(refused.value)
