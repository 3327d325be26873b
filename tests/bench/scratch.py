"""Schemas for a measurement's own tables, beside the live ones, and bytes to fill them with."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from projections.runtime.contract import ReadModel

BLOCK_BYTES = 1 << 20


@contextmanager
def scratch(connection: psycopg.Connection[Any], schema: str) -> Iterator[None]:
    """An empty schema that is dropped afterwards; the connection must be in autocommit mode."""
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
    connection.execute(drop)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    try:
        yield
    finally:
        connection.execute(drop)


def make_tables(connection: psycopg.Connection[Any], schema: str, model: ReadModel) -> None:
    """The model's tables and indexes as its schema.sql has them."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema)))
        connection.execute(model.schema_sql().encode())


def make_log(connection: psycopg.Connection[Any], schema: str) -> None:
    """An empty table `events` with the columns and indexes of the log, as they are by now."""
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE hirelog.events INCLUDING ALL)").format(
            sql.Identifier(schema, "events")
        )
    )


def copied_out(connection: psycopg.Connection[Any], table: sql.Composable) -> list[bytes]:
    """The table's rows, or those of some of its columns, as binary COPY gives them."""
    query = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(table)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        whole = b"".join(copy)
    starts = range(0, len(whole), BLOCK_BYTES)
    return [whole[start : start + BLOCK_BYTES] for start in starts]


def copy_in(
    connection: psycopg.Connection[Any], table: sql.Composable, blocks: Iterable[bytes]
) -> None:
    """Fills the table with what was copied out of one with the same columns."""
    query = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in blocks:
            copy.write(block)
