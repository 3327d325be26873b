"""Reads and writes the rows of read models, whatever their tables."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql
from pydantic_core import to_json

from projections.runtime.contract import Key, ReadModel, Row, Table

INSTALL_LOCK = "SELECT pg_advisory_xact_lock(7230417203844118886)"
VERSION = "SELECT version FROM read_models.checkpoints WHERE model = %s"
FORGET_PARKED = "DELETE FROM read_models.parked WHERE model = %s"
BEGIN_CHECKPOINT = """
INSERT INTO read_models.checkpoints (model, version, position)
VALUES (%(model)s, %(version)s, 0)
ON CONFLICT (model) DO UPDATE
   SET version = excluded.version, position = 0, updated_at = now()
"""


def install(
    connection: psycopg.Connection[Any], models: Sequence[ReadModel], *, replace: bool
) -> None:
    """Makes the tables of every model that has none; with `replace`, also of one that has older.

    Tables of a newer version are left alone. Safe when several processes start at once.
    """
    with connection.transaction():
        connection.execute(INSTALL_LOCK)
        connection.execute("CREATE SCHEMA IF NOT EXISTS read_models")
        connection.execute(files("projections.runtime").joinpath("schema.sql").read_bytes())
        for model in models:
            row = connection.execute(VERSION, (model.name,)).fetchone()
            if row is None or (replace and row[0] < model.version):
                _make_tables(connection, model)


def _make_tables(connection: psycopg.Connection[Any], model: ReadModel) -> None:
    schema = sql.Identifier(model.name)
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(schema))
    connection.execute(model.schema_sql().encode())
    connection.execute("SET LOCAL search_path = DEFAULT")
    connection.execute(FORGET_PARKED, (model.name,))
    connection.execute(BEGIN_CHECKPOINT, {"model": model.name, "version": model.version})


def load(
    connection: psycopg.Connection[Any], schema: str, keys: Mapping[Table, set[Key]]
) -> dict[Table, dict[Key, Row]]:
    """The rows with these keys, one statement for each table, by the table's one key column."""
    rows: dict[Table, dict[Key, Row]] = {}
    for table, wanted in keys.items():
        cursor = connection.execute(
            _select(schema, table), ([key[0] for key in wanted],), prepare=True
        )
        found = (table.row(*values) for values in cursor)
        rows[table] = {table.key(row): row for row in found}
    return rows


def write(
    connection: psycopg.Connection[Any], schema: str, changed: Mapping[Table, Mapping[Key, Row]]
) -> None:
    """Inserts or replaces the rows, one statement for each table."""
    for table, rows in changed.items():
        records = [dict(zip(table.columns, row, strict=True)) for row in rows.values()]
        connection.execute(_upsert(schema, table), (to_json(records).decode(),), prepare=True)


@cache
def _select(schema: str, table: Table) -> sql.Composed:
    return sql.SQL("SELECT {columns} FROM {table} WHERE {key} = ANY(%s)").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        table=sql.Identifier(schema, table.name),
        key=sql.Identifier(table.columns[0]),
    )


@cache
def _upsert(schema: str, table: Table) -> sql.Composed:
    columns = [sql.Identifier(column) for column in table.columns]
    keys, values = columns[: table.key_columns], columns[table.key_columns :]
    return sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
        " ON CONFLICT ({keys}) DO UPDATE SET ({values}) = ROW ({excluded})"
    ).format(
        table=sql.Identifier(schema, table.name),
        columns=sql.SQL(", ").join(columns),
        keys=sql.SQL(", ").join(keys),
        values=sql.SQL(", ").join(values),
        excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(value) for value in values),
    )
