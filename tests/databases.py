"""What tests of the database share: its conninfos, and the rows of read models to compare."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from projections import READ_MODELS
from projections.runtime.contract import ReadModel
from projections.runtime.status import status

Rows = dict[str, list[Any]]


@dataclass(frozen=True)
class Database:
    """Conninfos of one database by role."""

    service: str
    owner: str
    superuser: str


def wait_until_projected(conninfo: str, seconds: float = 30) -> None:
    """Returns when every read model has reached the end of the log."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while any(model.lag_events for model in status(connection)):
            assert time.monotonic() < deadline, status(connection)
            time.sleep(0.02)


def all_rows(conninfo: str, models: Sequence[ReadModel] = READ_MODELS) -> Rows:
    """Every row of every read model, sorted, by table."""
    rows: Rows = {}
    with psycopg.connect(conninfo) as connection:
        for model in models:
            rows |= rows_of(connection, model, model.name)
    return rows


def rows_of(connection: psycopg.Connection, model: ReadModel, schema: str) -> Rows:
    """Every row of a read model's tables in some schema, sorted, by table."""
    rows: Rows = {}
    for table in model.tables:
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, table.columns)),
            sql.Identifier(schema, table.name),
        )
        rows[f"{model.name}.{table.name}"] = sorted(connection.execute(query), key=repr)
    return rows
