"""Finds the event whose rows the database refuses, after a whole unit of a rebuild was refused."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from domain.recorded import Recorded
from projections.runtime import tables
from projections.runtime.batch import Parked, Rows, Unreadable, fold_batch
from projections.runtime.contract import ReadModel
from projections.runtime.refused import REFUSED, unwritable

TEMPORARY = "pg_temp"


def first_refused(
    connection: psycopg.Connection[Any],
    model: ReadModel,
    streams: Iterable[Sequence[Recorded | Unreadable]],
) -> Parked | None:
    """The first event that cannot be projected into temporary tables of the model's own kind."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = pg_temp")
        connection.execute(model.schema_sql().encode())
        connection.execute("SET LOCAL search_path = DEFAULT")
        for stream in streams:
            if _refused(connection, model, stream) is None:
                continue
            for number in range(1, len(stream) + 1):
                if (error := _refused(connection, model, stream[:number])) is not None:
                    unwritten = unwritable(stream[number - 1], error)
                    return Parked(unwritten, unwritten.error)
    return None


def _refused(
    connection: psycopg.Connection[Any],
    model: ReadModel,
    events: Sequence[Recorded | Unreadable],
) -> psycopg.Error | None:
    rows: Rows = fold_batch(model, events, {}, {}).changed
    try:
        with connection.transaction(force_rollback=True):
            tables.write(connection, TEMPORARY, rows)
    except REFUSED as error:
        return error
    return None
