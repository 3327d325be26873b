"""What tests of the database share: its conninfos, and the rows of read models to compare."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from projections import READ_MODELS
from projections.runtime.status import status


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


def all_rows(conninfo: str) -> dict[str, list[Any]]:
    """Every row of every read model, sorted, by table."""
    rows: dict[str, list[Any]] = {}
    with psycopg.connect(conninfo) as connection:
        for model in READ_MODELS:
            for table in model.tables:
                query = sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, table.columns)),
                    sql.Identifier(model.name, table.name),
                )
                found = connection.execute(query).fetchall()
                rows[f"{model.name}.{table.name}"] = sorted(found, key=repr)
    return rows
