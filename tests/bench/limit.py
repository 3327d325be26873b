"""The limit: COPY moves the events out and the rows of one read model in, and nothing is computed.

The events are streamed in binary and thrown away. The rows are those of ats_pipeline as it stands,
held in memory beforehand; they go into empty tables whose indexes, primary keys among them, are
made afterwards. One after the other on one connection, as one worker would do it.
"""

import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from projections.ats_pipeline import ATS_PIPELINE
from projections.runtime import tables
from projections.runtime.contract import ReadModel, Table
from tests.bench.bench import opened
from tests.bench.measured import Rate
from tests.bench.scratch import copied_out, copy_in, make_tables, scratch

SCHEMA = "bench_limit"

EVENTS_OUT = sql.SQL("""
COPY hirelog.events (notification_id, originator_id, originator_version, topic, state)
  TO STDOUT (FORMAT binary)
""")
COUNT_EVENTS = "SELECT count(*) FROM hirelog.events"

Copied = dict[Table, list[bytes]]


def measure(data_dir: Path) -> Rate:
    """How fast the database gives and takes what a rebuild of one read model needs and makes."""
    with (
        opened(data_dir) as system,
        psycopg.connect(system.conninfo, autocommit=True) as connection,
        scratch(connection, SCHEMA),
    ):
        count = connection.execute(COUNT_EVENTS).fetchone()
        assert count is not None
        rows = _rows_of(connection, ATS_PIPELINE)
        make_tables(connection, SCHEMA, ATS_PIPELINE)
        indexes = tables.postpone_indexes(connection, SCHEMA)
        begun = time.monotonic()
        with connection.cursor() as cursor, cursor.copy(EVENTS_OUT) as copy:
            for _ in copy:
                pass
        read = time.monotonic()
        with connection.transaction():
            _copy_in(connection, rows)
            for statement in indexes:
                connection.execute(statement.encode())
        written = time.monotonic()
    more = {"read_seconds": read - begun, "write_seconds": written - read}
    return Rate(count[0], written - begun, more)


def _rows_of(connection: psycopg.Connection[Any], model: ReadModel) -> Copied:
    return {table: copied_out(connection, _columns(model.name, table)) for table in model.tables}


def _copy_in(connection: psycopg.Connection[Any], rows: Copied) -> None:
    for table, blocks in rows.items():
        copy_in(connection, _columns(SCHEMA, table), blocks)


def _columns(schema: str, table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("{} ({})").format(sql.Identifier(schema, table.name), columns)
