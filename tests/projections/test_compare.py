"""Live rows compared with rebuilt ones: every kind of difference, and none while the log grows."""

from collections.abc import Sequence
from threading import Event, Thread
from uuid import UUID, uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.intents import Source
from projections import read_model
from projections.runtime import control, rebuild, trial
from projections.runtime.compare import Difference
from projections.runtime.drive import Driver, Progress
from projections.runtime.rebuild import NotPossible, Stopped
from projections.runtime.trial import Verified, verify
from tests.databases import Database
from tests.projections.test_projector import live, project_to_the_end
from tests.scenario import by

CRM = read_model("crm_engagement")
AUDIT = read_model("compliance_audit")


def verified(system: System) -> Verified:
    return verify(Driver(system.conninfo, [CRM]), unit_events=20)


def schemas(conninfo: str) -> Sequence[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%scratch%'"
        ).fetchall()
        assert len(rows) == sum(
            "scratch" in each.schema_name for each in control.inventory(connection)
        )
    return [row[0] for row in rows]


def test_differences_are_told_by_table_key_and_column(system: System, database: Database) -> None:
    changed, lost, *_ = live(system, 4)
    invented = uuid4()
    project_to_the_end(database.service)
    assert verified(system).is_same
    with psycopg.connect(database.service) as connection:
        connection.execute(
            "UPDATE crm_engagement.candidates SET source = NULL, touches = 99"
            " WHERE candidate_id = %s",
            (changed,),
        )
        connection.execute("DELETE FROM crm_engagement.candidates WHERE candidate_id = %s", (lost,))
        connection.execute(
            "INSERT INTO crm_engagement.pool_members VALUES ('Silver', %s, true)", (invented,)
        )
    told = verified(system)
    assert not told.is_same
    assert (told.position, told.rows["candidates"], told.parked) == (2 + 4 * 5 + 2, 3, 0)
    candidates, pool_members, touchpoints = told.tables
    assert (candidates.differing, pool_members.differing, touchpoints.differing) == (2, 1, 0)
    by_key = {UUID(each.key["candidate_id"]): each for each in candidates.first}
    assert by_key == {
        changed: Difference(
            {"candidate_id": str(changed)}, None, {"source": (None, "Fair"), "touches": ("99", "4")}
        ),
        lost: Difference({"candidate_id": str(lost)}, "rebuilt", {}),
    }
    assert pool_members.first == [
        Difference({"pool": "Silver", "candidate_id": str(invented)}, "live", {})
    ]
    assert not schemas(database.service)


def test_the_first_differences_are_shown_and_all_are_counted(
    system: System, database: Database
) -> None:
    for _ in range(25):
        system.recruiting.record(uuid4(), Source(source="Fair"), by())
    project_to_the_end(database.service)
    with psycopg.connect(database.service) as connection:
        connection.execute("UPDATE crm_engagement.candidates SET touches = 99")
    candidates = verified(system).tables[0]
    assert (candidates.differing, len(candidates.first)) == (25, 20)
    keys = [each.key["candidate_id"] for each in candidates.first]
    assert keys == sorted(keys)


def test_nothing_differs_while_the_log_grows(projected: System, database: Database) -> None:
    live(projected, 3)
    stop = Event()

    def append() -> None:
        while not stop.is_set():
            live(projected, 1)

    writing = Thread(target=append)
    writing.start()
    try:
        before = verified(projected)
        after = verified(projected)
    finally:
        stop.set()
        writing.join()
    assert before.is_same
    assert after.is_same
    assert after.position > before.position


@pytest.mark.long
def test_what_a_killed_trial_left_is_dropped_but_not_what_another_is_at(
    system: System, database: Database
) -> None:
    live(system, 1)
    project_to_the_end(database.service)
    with psycopg.connect(database.service, autocommit=True) as connection:
        rebuild.begin(connection, [CRM], scratch=True)
        rebuild.begin(connection, [AUDIT], scratch=True)
    left = schemas(database.service)
    assert len(left) == 2

    def at_work(progress: Progress) -> None:
        if progress.phase == "indexing":
            (here,) = set(schemas(database.service)) - set(left)
            assert verified(system).is_same
            assert here in schemas(database.service)
            with (
                psycopg.connect(database.service, autocommit=True) as connection,
                pytest.raises(NotPossible, match="still at work"),
            ):
                control.drop(connection, here)

    trial.try_out(Driver(system.conninfo, [CRM], tell=at_work))
    (other,) = schemas(database.service)
    with psycopg.connect(database.service, autocommit=True) as connection:
        assert control.drop(connection, other).model == AUDIT.name
    assert not schemas(database.service)


def test_what_is_kept_of_a_trial_is_no_leftover(system: System, database: Database) -> None:
    live(system, 1)
    project_to_the_end(database.service)
    kept = trial.try_out(Driver(system.conninfo, [CRM]), keep=True)
    assert (kept.rows["candidates"], kept.position) == (1, 7)
    assert verified(system).is_same
    assert schemas(database.service) == [kept.schema_name]


def test_parked_events_explain_why_live_rows_cannot_be_made_again(
    system: System, database: Database
) -> None:
    (person,) = live(system, 1)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "INSERT INTO hirelog.events"
            " SELECT max(notification_id) + 1, %s, 99, 'candidate.noted', 'not json'"
            " FROM hirelog.events",
            (person,),
        )
    project_to_the_end(database.service)
    with pytest.raises(Stopped, match=r"position 8 .*; 1 event.s. are parked for the live tables"):
        verified(system)
    assert not schemas(database.service)


def test_tables_of_another_version_are_not_compared(system: System, database: Database) -> None:
    with psycopg.connect(database.service, autocommit=True) as connection:
        connection.execute("UPDATE read_models.builds SET version = 1")
    with pytest.raises(NotPossible, match="projections rebuild crm_engagement makes"):
        verified(system)
