"""The peer: the library's own ProjectionRunner keeps the same pipeline view, on a slice of the log.

It is used as its documentation has it, with the library's defaults: its Application, recorder,
events table and subscription in a schema of their own, which holds the first SLICE events of the
log; a Projection that names the topics it wants, so that the database leaves out all others; and a
view, made of the library's PostgresTrackingRecorder, that takes each event in one transaction
together with its position. In that transaction the view loads the row that the read model's
`touches` names, folds with the read model's `fold`, and upserts the rows that come of it. All
statements are prepared, and events are decoded exactly as our projector decodes them.

The rate counts all events of the slice, also those that the topics leave out, because that is how
far through the log the runner has come; `folded_per_second` counts the others alone. The time runs
from the first event to the last commit, without starting up.
"""

import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, Notification, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from msgspec.structs import astuple
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from domain.recorded import Happened, Recorded, decode
from projections.ats_pipeline import ATS_PIPELINE
from projections.runtime.contract import Table
from tests.bench.bench import opened
from tests.bench.measured import Rate
from tests.bench.scratch import make_tables, scratch

SLICE = 30_000  # events of the log; more than five seconds' work
SCHEMA = "bench_stock"
PATIENCE_SECONDS = 900.0
TABLE_OF = {table.row: table for table in ATS_PIPELINE.tables}

COPY_SLICE = """
INSERT INTO bench_stock.hirelog_events
       (notification_id, originator_id, originator_version, topic, state)
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id <= %s
 ORDER BY notification_id
"""
SELECT_SIZE = """
SELECT count(*), count(*) FILTER (WHERE topic = ANY(%(topics)s)),
       max(notification_id) FILTER (WHERE topic = ANY(%(topics)s))
  FROM bench_stock.hirelog_events
"""


def _topics(classes: Iterable[type[Happened]]) -> Iterator[str]:
    for each in classes:
        if "TOPIC" in vars(each):
            yield each.TOPIC
        yield from _topics(each.__subclasses__())


class Log(Application[UUID]):
    """The library's application on the slice."""

    name = "hirelog"


class SealedMapper(Mapper[UUID]):
    """Decodes our events; names stay sealed, as they do for our projector."""

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The event with its position."""
        assert isinstance(stored_event, Notification)
        event, metadata = decode(stored_event.topic, stored_event.state)
        stream, version = stored_event.originator_id, stored_event.originator_version
        assert isinstance(stream, UUID)
        return Recorded(stream, version, event, metadata, stored_event.id)


class PipelineView(PostgresTrackingRecorder):
    """The tables of ats_pipeline, each event's rows written together with its position."""

    def take(self, recorded: Recorded, tracking: Tracking) -> None:
        """Folds one event."""
        with self.datastore.transaction(commit=True) as cursor:
            row = None
            if touched := ATS_PIPELINE.touches(recorded):
                table, key = touched
                found = cursor.execute(_select(table), key, prepare=True).fetchone()
                row = table.row(**found) if found else None
            for new in ATS_PIPELINE.fold(row, recorded):
                upsert = _upsert(TABLE_OF[type(new)])
                cursor.execute(upsert, astuple(new), prepare=True)
            self._insert_tracking(cursor, tracking)


class Pipeline(Projection[PipelineView]):
    """Hands each event to the view and notes the time."""

    topics = tuple(_topics(ATS_PIPELINE.events))
    begun = finished = 0.0

    def process_event(self, domain_event: Recorded, tracking: Tracking) -> None:
        """Takes one event."""
        self.begun = self.begun or time.monotonic()
        self.view.take(domain_event, tracking)
        self.finished = time.monotonic()


def measure(data_dir: Path) -> Rate:
    """How fast the library's runner goes through the log."""
    with (
        opened(data_dir) as system,
        psycopg.connect(system.conninfo, autocommit=True) as connection,
        scratch(connection, SCHEMA),
    ):
        environ = environment(system.conninfo, SCHEMA) | {
            "MAPPER_TOPIC": f"{__name__}:{SealedMapper.__name__}"
        }
        Log(environ).close()  # makes the events table
        connection.execute(COPY_SLICE, (SLICE,))
        connection.execute("ANALYZE bench_stock.hirelog_events")
        make_tables(connection, SCHEMA, ATS_PIPELINE)
        size = connection.execute(SELECT_SIZE, {"topics": list(Pipeline.topics)}).fetchone()
        assert size is not None
        events, folded, last = size
        runner = ProjectionRunner(
            application_class=Log,
            projection_class=Pipeline,
            view_class=PipelineView,
            env=environ,
        )
        with runner:
            runner.wait(last, timeout=PATIENCE_SECONDS)
        runner.view.datastore.close()
        assert isinstance(runner.projection, Pipeline)
        seconds = runner.projection.finished - runner.projection.begun
    return Rate(events, seconds, {"folded": folded, "folded_per_second": folded / seconds})


def environment(conninfo: str, schema: str) -> dict[str, str]:
    """The library's environment for its PostgreSQL module on this schema, all else its defaults."""
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": given["dbname"],
        "POSTGRES_HOST": given["host"],
        "POSTGRES_PORT": given["port"],
        "POSTGRES_USER": given["user"],
        "POSTGRES_PASSWORD": "",
        "POSTGRES_SCHEMA": schema,
    }


@cache
def _select(table: Table) -> bytes:
    key = table.columns[: table.key_columns]
    select = sql.SQL("SELECT {columns} FROM {table} WHERE ({key}) = ({values})")
    return select.format(
        columns=_names(table.columns),
        table=sql.Identifier(SCHEMA, table.name),
        key=_names(key),
        values=sql.SQL(", ").join([sql.Placeholder()] * len(key)),
    ).as_bytes()


@cache
def _upsert(table: Table) -> bytes:
    keys, values = table.columns[: table.key_columns], table.columns[table.key_columns :]
    upsert = sql.SQL(
        "INSERT INTO {table} ({columns}) VALUES ({given})"
        " ON CONFLICT ({keys}) DO UPDATE SET ({values}) = ROW ({excluded})"
    )
    return upsert.format(
        table=sql.Identifier(SCHEMA, table.name),
        columns=_names(table.columns),
        given=sql.SQL(", ").join(sql.Placeholder() * len(table.columns)),
        keys=_names(keys),
        values=_names(values),
        excluded=sql.SQL(", ").join(sql.Identifier("excluded", value) for value in values),
    ).as_bytes()


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
