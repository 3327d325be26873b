"""Compares the rows of two builds of a read model, table by table and row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import sql

from projections.runtime.contract import ReadModel, Table

SHOWN = 20  # differences of each table; all are counted

DIFFERENCES = """
SELECT ARRAY [{live}], ARRAY [{rebuilt}], ARRAY [{differ}], count(*) OVER ()
  FROM {live_table} AS live
  FULL JOIN {rebuilt_table} AS rebuilt ON {same_key}
 WHERE true IN ({differ})
 ORDER BY {key}
 LIMIT %s
"""


@dataclass(frozen=True)
class Difference:
    """A row that is not the same: in some columns, or because only one side has it.

    Values are as PostgreSQL writes them: the live one, then the rebuilt one.
    """

    key: Mapping[str, str]
    only: Literal["live", "rebuilt"] | None
    columns: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Compared:
    """A table: how many of its rows differ, and the first of them by key."""

    table: str
    differing: int
    first: Sequence[Difference]


def compare(
    connection: psycopg.Connection[Any],
    model: ReadModel,
    live: str,
    rebuilt: str,
    shown: int = SHOWN,
) -> list[Compared]:
    """Each table of the model in the schemas `live` and `rebuilt`."""
    return [_compare(connection, table, live, rebuilt, shown) for table in model.tables]


def _compare(
    connection: psycopg.Connection[Any], table: Table, live: str, rebuilt: str, shown: int
) -> Compared:
    rows = connection.execute(_query(table, live, rebuilt), (shown,)).fetchall()
    return Compared(
        table.name,
        rows[0][3] if rows else 0,
        [_difference(table, *row[:3]) for row in rows],
    )


def _query(table: Table, live: str, rebuilt: str) -> sql.Composed:
    keys = table.columns[: table.key_columns]
    return sql.SQL(DIFFERENCES).format(
        live=_each("live.{0}::text", table.columns, ", "),
        rebuilt=_each("rebuilt.{0}::text", table.columns, ", "),
        differ=_each("live.{0} IS DISTINCT FROM rebuilt.{0}", table.columns, ", "),
        live_table=sql.Identifier(live, table.name),
        rebuilt_table=sql.Identifier(rebuilt, table.name),
        same_key=_each("live.{0} = rebuilt.{0}", keys, " AND "),
        key=_each("coalesce(live.{0}, rebuilt.{0})", keys, ", "),
    )


def _each(text: LiteralString, columns: Sequence[str], between: LiteralString) -> sql.Composed:
    return sql.SQL(between).join(sql.SQL(text).format(sql.Identifier(name)) for name in columns)


def _difference(
    table: Table, live: Sequence[str | None], rebuilt: Sequence[str | None], differ: Sequence[bool]
) -> Difference:
    only: Literal["live", "rebuilt"] | None = None
    if rebuilt[0] is None:  # a part of the key
        only = "live"
    elif live[0] is None:
        only = "rebuilt"
    keys = (rebuilt if only == "rebuilt" else live)[: table.key_columns]
    values = zip(table.columns, live, rebuilt, strict=True)
    return Difference(
        {name: str(value) for name, value in zip(table.columns, keys, strict=False)},
        only,
        {}
        if only
        else {
            name: (one, other)
            for (name, one, other), differs in zip(values, differ, strict=True)
            if differs
        },
    )
