"""Reads and writes the rows of read models, whatever their tables."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import psycopg
from msgspec import structs
from psycopg import sql
from pydantic_core import to_json

from domain.errors import DoesNotFit
from projections.runtime.contract import Key, ReadModel, Row, Table

# Keys before plain indexes, so that the same text is made again in the same order.
SELECT_LATER = """
SELECT format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s', namespace.nspname, class.relname,
              con.conname, pg_get_constraintdef(con.oid)),
       format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', namespace.nspname, class.relname,
              con.conname)
  FROM pg_constraint AS con
  JOIN pg_class AS class ON class.oid = con.conrelid
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %(schema)s AND con.contype IN ('p', 'u', 'x')
 UNION ALL
SELECT pg_get_indexdef(index.indexrelid),
       format('DROP INDEX %%I.%%I', namespace.nspname, class.relname)
  FROM pg_index AS index
  JOIN pg_class AS class ON class.oid = index.indexrelid
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %(schema)s
   AND NOT EXISTS (SELECT FROM pg_constraint AS con WHERE con.conindid = index.indexrelid)
"""

# psycopg cuts off what these do not hold where it writes them in binary.
TOO_BIG = {"smallint": 2**15, "integer": 2**31}

SELECT_TYPES = """
SELECT format_type(attribute.atttypid, NULL)
  FROM unnest(%(columns)s::text[]) WITH ORDINALITY AS named (name, place)
  JOIN pg_attribute AS attribute ON attribute.attname = named.name
 WHERE attribute.attrelid = format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass
 ORDER BY named.place
"""


SELECT_COLUMNS = """
SELECT attribute.attname, coalesce(attribute.attnum = ANY (index.indkey), false)
  FROM pg_attribute AS attribute
  LEFT JOIN pg_index AS index ON index.indrelid = attribute.attrelid AND index.indisprimary
 WHERE attribute.attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
   AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""

SELECT_SIZE = """
SELECT coalesce(sum(pg_relation_size(class.oid)), 0)::bigint
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %s AND class.relkind = 'r'
"""

SELECT_INDEXED = """
SELECT attribute.attname
  FROM pg_attribute AS attribute
 WHERE attribute.attrelid = format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass
   AND (EXISTS (SELECT FROM pg_index AS index
                 WHERE index.indrelid = attribute.attrelid
                   AND attribute.attnum = ANY (index.indkey))
        OR EXISTS (SELECT FROM pg_statistic_ext AS statistics
                    WHERE statistics.stxrelid = attribute.attrelid
                      AND attribute.attnum = ANY (statistics.stxkeys)))
   AND NOT EXISTS (SELECT FROM pg_index AS index
                    WHERE index.indrelid = attribute.attrelid AND index.indexprs IS NOT NULL)
   AND NOT EXISTS (SELECT FROM pg_statistic_ext AS statistics
                    WHERE statistics.stxrelid = attribute.attrelid
                      AND statistics.stxexprs IS NOT NULL)
 ORDER BY attribute.attnum
"""


class TablesDiffer(DoesNotFit):
    """The tables that schema.sql makes are not those that the read model declares."""


def check(connection: psycopg.Connection[Any], model: ReadModel, schema: str) -> None:
    """Raises TablesDiffer where a table, its columns or its primary key are not as declared."""
    for table in model.tables:
        if not issubclass(table.row, Row):
            raise TablesDiffer(
                f"{table.row.__name__}, the row type of table {table.name} of {model.name}, must "
                f"derive from {Row.__module__}.{Row.__name__}"
            )
        given = {"schema": schema, "table": table.name}
        found = dict(connection.execute(SELECT_COLUMNS, given).fetchall())
        if not found:
            raise TablesDiffer(f"schema.sql of {model.name} makes no table {table.name}")
        if set(found) != set(table.columns):
            raise TablesDiffer(
                f"table {table.name} of {model.name} has the columns {', '.join(found)} in "
                f"schema.sql, its row type has the fields {', '.join(table.columns)}"
            )
        key = {name for name, is_key in found.items() if is_key}
        if key != set(table.columns[: table.key_columns]):
            raise TablesDiffer(
                f"table {table.name} of {model.name} must have the primary key "
                f"({', '.join(table.columns[: table.key_columns])}), the first fields of its row"
            )


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
        records = [structs.asdict(row) for row in rows.values()]
        try:
            values = to_json(records).decode()
        except ValueError as error:  # pydantic's, which quotes the value
            raise psycopg.DataError(f"a row of {table.name} cannot be stored") from error
        connection.execute(_upsert(schema, table), (values,), prepare=True)


def column_types(connection: psycopg.Connection[Any], schema: str, table: Table) -> list[str]:
    """The database's types of the table's columns, in their order."""
    given = {"schema": schema, "table": table.name, "columns": list(table.columns)}
    return [row[0] for row in connection.execute(SELECT_TYPES, given)]


def copy(
    connection: psycopg.Connection[Any],
    schema: str,
    table: Table,
    types: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Adds rows that are new, by one COPY; `types` are the table's column_types()."""
    for place, name in enumerate(types):
        if name in TOO_BIG:
            column = table.columns[place]
            _check_range(column, TOO_BIG[name], map(attrgetter(column), rows))
    with connection.cursor() as cursor, cursor.copy(_copy(schema, table)) as target:
        target.set_types(types)
        for values in map(structs.astuple, rows):
            target.write_row(values)


def _check_range(column: str, too_big: int, values: Iterable[int | None]) -> None:
    given = [value for value in values if value]
    if given and not (-too_big <= min(given) and max(given) < too_big):
        raise psycopg.errors.NumericValueOutOfRange(f"a value of {column} is out of range")


def postpone_indexes(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """Takes away the schema's keys and indexes; returns the statements that make them again."""
    later = connection.execute(SELECT_LATER, {"schema": schema}).fetchall()
    for _, drop in later:
        connection.execute(drop.encode())
    return [make for make, _ in later]


def count_rows(
    connection: psycopg.Connection[Any], model: ReadModel, schema: str
) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for table in model.tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table.name))
        row = connection.execute(query).fetchone()
        counts[table.name] = row[0] if row else 0
    return counts


def analyze(connection: psycopg.Connection[Any], schema: str, table: Table) -> None:
    """Makes the statistics of the columns that indexes and statistics objects have.

    They decide on plans. Autovacuum makes those of the others in its time, for which a list of
    columns counts as nothing. A table with an index of an expression gets all at once.
    """
    given = {"schema": schema, "table": table.name}
    statement = sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table.name))
    if indexed := [row[0] for row in connection.execute(SELECT_INDEXED, given)]:
        statement += sql.SQL(" ({})").format(_columns(indexed))
    connection.execute(statement)


def size(connection: psycopg.Connection[Any], schema: str) -> int:
    """Bytes of the rows of all tables of the schema."""
    row = connection.execute(SELECT_SIZE, (schema,)).fetchone()
    return row[0] if row else 0


@cache
def _select(schema: str, table: Table) -> sql.Composed:
    return sql.SQL("SELECT {columns} FROM {table} WHERE {key} = ANY(%s)").format(
        columns=_columns(table.columns),
        table=sql.Identifier(schema, table.name),
        key=sql.Identifier(table.columns[0]),
    )


@cache
def _copy(schema: str, table: Table) -> sql.Composed:
    return sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT binary)").format(
        columns=_columns(table.columns), table=sql.Identifier(schema, table.name)
    )


@cache
def _upsert(schema: str, table: Table) -> sql.Composed:
    keys, values = table.columns[: table.key_columns], table.columns[table.key_columns :]
    insert = sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
        " ON CONFLICT ({keys}) DO "
    ).format(
        table=sql.Identifier(schema, table.name),
        columns=_columns(table.columns),
        keys=_columns(keys),
    )
    if not values:
        return insert + sql.SQL("NOTHING")
    return insert + sql.SQL("UPDATE SET ({values}) = ROW ({excluded})").format(
        values=_columns(values),
        excluded=sql.SQL(", ").join(sql.Identifier("excluded", value) for value in values),
    )


def _columns(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
