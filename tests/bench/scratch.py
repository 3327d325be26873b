"""Schemas for a measurement's own tables, beside the live ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from projections.runtime.contract import ReadModel


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
