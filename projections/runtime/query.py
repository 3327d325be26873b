"""Puts a query together from constant fragments: the conditions whose parameters were given."""

from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import sql


def select(
    text: LiteralString, conditions: Mapping[str, LiteralString], given: Mapping[str, Any]
) -> sql.Composed:
    """`text` with `{where}` replaced by the conditions of those parameters that are not None."""
    chosen = [sql.SQL(conditions[name]) for name in conditions if given.get(name) is not None]
    where = sql.SQL("WHERE ") + sql.SQL(" AND ").join(chosen) if chosen else sql.SQL("")
    return sql.SQL(text).format(where=where)
