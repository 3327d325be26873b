"""Poison for tests: a candidate with garbage on their stream, and what operators do about it."""

from uuid import UUID, uuid4

import psycopg

from api.wiring import System
from domain import verdict
from domain.candidate.events import CandidateEvent, Contacted, Opened, Sourced
from domain.recorded import encode
from domain.upkeep import ParkedSkipped, stream_of
from domain.values import Channel, Origin
from projections import READ_MODELS
from projections.runtime import parking
from projections.runtime.contract import ReadModel
from tests.databases import Database, all_rows
from tests.projections.rebuilding import add_garbage, company_of, folded, whole_log
from tests.scenario import by

MENDED = encode(Contacted(message_id="mended", channel=Channel.EMAIL), by())


def poison(system: System, database: Database) -> tuple[UUID, int]:
    """A candidate with garbage on their stream, and its position; four events wait behind it."""
    company_of(system, 30)
    person = uuid4()
    append(system, person, 1, Sourced(origin=Origin.SOURCED, source="Fair"), contacted("m1"))
    position = add_garbage(database, person)
    append(system, person, 4, contacted("m2"), Opened(message_id="m2"), contacted("m3"))
    append(system, person, 7, Opened(message_id="m3"))
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    return person, position


def append(system: System, stream: UUID, version: int, *events: CandidateEvent) -> int:
    """Puts the events on record as they are; returns the position of the last one."""
    return system.recruiting.append(verdict.number(stream, version - 1, events, by()))[-1].position


def contacted(message: str, step: int | None = None) -> Contacted:
    return Contacted(message_id=message, channel=Channel.EMAIL, step=step)


def mend(database: Database, position: int, state: bytes = MENDED) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "UPDATE hirelog.events SET topic = 'candidate.contacted', state = %s"
            " WHERE notification_id = %s",
            (state, position),
        )


def positions(database: Database, model: ReadModel) -> list[int]:
    """Where the parked events of a model are."""
    with psycopg.connect(database.service) as connection:
        return [each.position for each in parking.parked(connection, model.name, 1000)]


def retry(
    database: Database, model: ReadModel, stream: UUID | None = None, skip: int | None = None
) -> tuple[int, int]:
    """How many were let in, and how many are left."""
    with psycopg.connect(database.service, autocommit=True) as connection:
        drained = parking.retry(connection, model, stream, skip)
    return drained.let_in, drained.left


def skip(system: System, database: Database, model: ReadModel, position: int) -> tuple[int, int]:
    """As an operator does it: on record first."""
    with psycopg.connect(database.service, autocommit=True) as connection:
        waits = parking.first_of_stream(connection, model.name, position)
    stream = stream_of(model.name)
    version = sum(each.originator_id == stream for each in whole_log(database.service))
    skipped = ParkedSkipped(
        model=model.name,
        model_version=model.version,
        stream=waits.stream,
        topic=waits.topic,
        position=position,
    )
    system.recruiting.append(verdict.number(stream, version, [skipped], by()))
    return retry(database, model, waits.stream, position)


def live_rows_are_those_of_the_log(database: Database, *but: int) -> None:
    log = [each for each in whole_log(database.service) if each.position not in but]
    for model in READ_MODELS:
        assert positions(database, model) == []
        assert all_rows(database.service, [model]) == folded(model, log)
