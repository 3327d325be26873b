"""The projector on a real database: it follows, takes over, parks, and equals a rebuild."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from threading import Event, Thread
from uuid import UUID, uuid4

import psycopg

from api.wiring import System
from domain import verdict
from domain.candidate.events import Applied, Noted
from domain.candidate.intents import Advance, Apply, Contact, Note, Open, Reject, Source
from domain.job import OpenJob
from domain.recorded import Recorded
from projections import READ_MODELS
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.runtime.builds import install
from projections.runtime.contract import Row, Table
from projections.runtime.projector import Projector
from projections.runtime.status import status
from tests.databases import Database, all_rows, wait_until_projected
from tests.scenario import by

RUN_PROJECTOR = """
import sys
from threading import Event
from projections import READ_MODELS
from projections.runtime.projector import Projector
Projector(sys.argv[1], READ_MODELS).run(Event())
"""


def live(system: System, people: int = 12) -> list[UUID]:
    """Some candidates with a little history each."""
    job = uuid4()
    record = system.recruiting.record
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=("A", "B")), by())
    candidates = [uuid4() for _ in range(people)]
    for number, candidate in enumerate(candidates):
        record(candidate, Source(source="Fair", name=f"Person {number}"), by())
        record(candidate, Contact(message_id="m1", channel="email"), by())
        record(candidate, Open(message_id="m1"), by())
        applied = record(candidate, Apply(job_id=job, source="Mail"), by())
        application = applied.events[0].event.application_id  # type: ignore[attr-defined]  # Applied
        record(candidate, Advance(application_id=application, to_stage="B"), by())
        if number % 2:
            record(candidate, Reject(application_id=application), by())
    return candidates


def project_to_the_end(conninfo: str) -> None:
    stop = Event()
    Projector(conninfo, READ_MODELS).run(stop, caught_up=stop.set)


def test_live_rows_equal_those_of_a_rebuild(projected: System, database: Database) -> None:
    live(projected)
    wait_until_projected(database.service)
    followed = all_rows(database.service)
    assert len(followed["ats_pipeline.applications"]) == 12

    forget_read_models(database)
    with psycopg.connect(database.service, autocommit=True) as connection:
        install(connection, READ_MODELS)
    wait_until_projected(database.service)
    assert all_rows(database.service) == followed


def forget_read_models(database: Database) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute("COMMENT ON SCHEMA read_models IS 'layout of another hirelog'")


def start_projector(conninfo: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN_PROJECTOR, conninfo],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def owners(database: Database) -> set[int]:
    with psycopg.connect(database.superuser) as connection:
        rows = connection.execute(
            "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    return {row[0] for row in rows}


def test_another_projector_takes_over_within_seconds_of_a_kill(
    system: System, database: Database
) -> None:
    first, second = start_projector(database.service), start_projector(database.service)
    try:
        live(system, 3)
        wait_until_projected(database.service)
        assert len(owners(database)) == 1
        os.kill(first.pid, signal.SIGKILL)
        live(system, 3)
        wait_until_projected(database.service, seconds=5)
        assert len(all_rows(database.service)["crm_engagement.candidates"]) == 6
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_killed_again_and_again_the_rows_are_those_of_one_run(
    system: System, database: Database
) -> None:
    for _ in range(4):
        process = start_projector(database.service)
        live(system, 4)
        time.sleep(0.5)
        process.kill()
        process.wait()
    project_to_the_end(database.service)
    survived = all_rows(database.service)
    forget_read_models(database)
    project_to_the_end(database.service)
    assert all_rows(database.service) == survived


def test_an_event_that_cannot_be_read_parks_its_candidate_alone(
    system: System, database: Database
) -> None:
    poisoned, well = live(system, 2)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "INSERT INTO hirelog.events"
            " SELECT max(notification_id) + 1, %s, 99, 'candidate.noted', 'not json'"
            " FROM hirelog.events",
            (poisoned,),
        )
    system.recruiting.record(well, Note(text="fine"), by())
    project_to_the_end(database.service)
    with psycopg.connect(database.service) as connection:
        assert {(model.model, model.parked, model.lag_events) for model in status(connection)} == {
            ("ats_pipeline", 0, 0),  # folds no notes
            ("compliance_audit", 1, 0),
            ("crm_engagement", 1, 0),
        }
        parked = connection.execute("SELECT DISTINCT stream FROM read_models.parked").fetchall()
    assert parked == [(poisoned,)]


def test_it_survives_the_loss_of_its_connection(projected: System, database: Database) -> None:
    live(projected, 2)
    wait_until_projected(database.service)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    live(projected, 2)
    wait_until_projected(database.service)
    assert len(all_rows(database.service)["crm_engagement.candidates"]) == 4


def test_two_projectors_of_one_database_do_not_disturb_each_other(
    projected: System, database: Database
) -> None:
    stop = Event()
    thread = Thread(target=Projector(database.service, READ_MODELS).run, args=(stop,))
    thread.start()
    live(projected, 5)
    wait_until_projected(database.service)
    stop.set()
    thread.join()
    assert len(all_rows(database.service)["compliance_audit.entries"]) == 2 + 5 * 5 + 2


def test_a_row_that_the_database_refuses_parks_its_candidate_alone(
    system: System, database: Database
) -> None:
    poisoned, well = live(system, 2)
    noted = Noted(text=None)
    # Longer than an index takes, and not to be compressed; no interaction can bring it.
    actor = "".join(uuid4().hex for _ in range(300))
    version = system.recruiting.candidate(poisoned).version
    system.recruiting.append(verdict.number(poisoned, version, [noted], by(actor)))
    system.recruiting.record(well, Note(text="fine"), by())
    project_to_the_end(database.service)
    with psycopg.connect(database.service) as connection:
        assert {(model.model, model.parked, model.lag_events) for model in status(connection)} == {
            ("ats_pipeline", 0, 0),
            ("compliance_audit", 1, 0),
            ("crm_engagement", 0, 0),
        }
        row = connection.execute("SELECT stream FROM read_models.parked").fetchone()
    assert row == (poisoned,)
    entries = all_rows(database.service)["compliance_audit.entries"]
    assert sum(well in entry for entry in entries) == system.recruiting.candidate(well).version


def test_an_application_is_never_taken_for_another_candidate_s(
    system: System, database: Database
) -> None:
    (mine,) = live(system, 1)
    applied = next(r for r in system.recruiting.history(mine) if isinstance(r.event, Applied))
    other = uuid4()
    system.recruiting.append(verdict.number(other, 0, [applied.event], by()))
    project_to_the_end(database.service)
    with psycopg.connect(database.service) as connection:
        parked = connection.execute("SELECT stream, error FROM read_models.parked").fetchall()
    assert parked == [(other, "the database refuses its row: UniqueViolation")]
    rows = all_rows(database.service)
    assert {row[0] for row in rows["ats_pipeline.applications"]} == {mine}


def test_tables_of_a_newer_version_are_left_alone(system: System, database: Database) -> None:
    live(system, 1)
    project_to_the_end(database.service)
    before = all_rows(database.service)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE read_models.builds SET version = 99")
    live(system, 1)
    stop = Event()
    thread = Thread(target=Projector(database.service, READ_MODELS).run, args=(stop,))
    thread.start()
    time.sleep(1)
    stop.set()
    thread.join()
    assert all_rows(database.service) == before


class Odd(Row):
    """A row with a value that no column holds."""

    candidate_id: UUID
    odd: object


def test_a_value_that_cannot_be_stored_parks_its_candidate_alone(
    system: System, database: Database
) -> None:
    poisoned, well = live(system, 2)
    table = Table("entries", Odd)

    def fold(row: object, recorded: Recorded) -> list[Row]:
        if recorded.originator_id == poisoned:
            return [Odd(poisoned, object())]
        return list(COMPLIANCE_AUDIT.fold(row, recorded))

    odd = replace(COMPLIANCE_AUDIT, fold=fold, tables=(*COMPLIANCE_AUDIT.tables, table))
    stop = Event()
    Projector(database.service, [odd]).run(stop, caught_up=stop.set)
    with psycopg.connect(database.service) as connection:
        rows = connection.execute(
            "SELECT DISTINCT stream, error FROM read_models.parked"
        ).fetchall()
    assert {stream for stream, _ in rows} == {poisoned}
    assert "the database refuses its row: DataError" in {error for _, error in rows}
    entries = all_rows(database.service)["compliance_audit.entries"]
    assert sum(well in entry for entry in entries) == system.recruiting.candidate(well).version
