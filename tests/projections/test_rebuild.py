"""A rebuild goes on where it was: killed, cut off from the database, paused, or watched."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import psutil
import psycopg
import pytest

from api.wiring import System
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.runtime import builds, rebuild
from projections.runtime.rebuild import NotPossible, Paused
from tests.databases import Database, all_rows
from tests.projections.rebuilding import (
    Driving,
    begin,
    company_of,
    fetch,
    held,
    live_build,
    lose_database,
    project_to_the_end,
    schemas,
    start_driver,
    stuck,
    units_done,
    wait_for,
    waiting,
    workers_of,
)


@pytest.fixture
def followed(system: System, database: Database) -> dict[str, list[object]]:
    """The live rows of a company's log."""
    company_of(system)
    project_to_the_end(database.service)
    return all_rows(database.service)


Followed = dict[str, list[object]]


def test_a_killed_worker_is_replaced_and_its_unit_made_by_another(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    with stuck(
        database, begun.rebuild, lambda: Driving(database, begun.rebuild, workers=2)
    ) as driving:
        before = units_done(database)
        for worker in workers_of(os.getpid()):
            worker.kill()
    driving.done()
    after = units_done(database)
    assert before.items() <= after.items()
    assert len(after) == begun.units > 6
    assert all_rows(database.service) == followed


def test_a_killed_driver_is_gone_on_with_by_the_same_command(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    schema = live_rebuild_schema(database, "crm_engagement")

    def start() -> subprocess.Popen[bytes]:
        return start_driver(database.service)

    with stuck(database, begun.rebuild, start) as driver:
        before, workers = units_done(database), workers_of(driver.pid)
        kill(driver)
        psutil.wait_procs(workers, timeout=5)
        assert not any(worker.is_running() for worker in workers)
    with held(database, "LOCK TABLE {}.touchpoints IN ACCESS SHARE MODE", schema):
        driver = start()
        wait_for(lambda: waiting(database, "ALTER TABLE"))
        kill(driver)
    switch = "SELECT pg_advisory_lock(hashtextextended('hirelog switch compliance_audit', 0))"
    with held(database, switch):
        driver = start()
        wait_for(lambda: waiting(database, "hirelog switch"))
        kill(driver)
    assert live_build(database, ATS_PIPELINE).rebuild == begun.rebuild
    assert start().wait(30) == 0
    after = units_done(database)
    assert before.items() <= after.items()
    assert {rebuild_id for rebuild_id, _ in after} == {begun.rebuild}
    assert {live_build(database, model).rebuild for model in READ_MODELS} == {begun.rebuild}
    assert all_rows(database.service) == followed


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def live_rebuild_schema(database: Database, model: str) -> str:
    row = fetch(
        database,
        "SELECT schema_name FROM read_models.builds WHERE model = %s AND state = 'building'",
        model,
    )[0]
    return str(row[0])


def test_a_rebuild_outlives_the_loss_of_the_database(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: Driving(database, begun.rebuild)) as driving:
        before = units_done(database)
        lose_database(database)
    driving.done()
    assert before.items() <= units_done(database).items()
    assert all_rows(database.service) == followed


def test_a_rebuild_outlives_the_loss_of_the_database_while_indexes_are_made(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    schema = live_rebuild_schema(database, "crm_engagement")
    with held(database, "LOCK TABLE {}.touchpoints IN ACCESS SHARE MODE", schema):
        driving = Driving(database, begun.rebuild)
        wait_for(lambda: waiting(database, "ALTER TABLE"))
        lose_database(database)
    driving.done()
    assert all_rows(database.service) == followed


@pytest.mark.usefixtures("followed")
def test_who_stops_a_rebuild_does_not_wait_for_a_database_that_is_away(database: Database) -> None:
    begun = begin(database)
    schema = live_rebuild_schema(database, "crm_engagement")
    with held(database, "LOCK TABLE {}.touchpoints IN ACCESS SHARE MODE", schema):
        driving = Driving(database, begun.rebuild)
        wait_for(lambda: waiting(database, "ALTER TABLE"))
        with nobody_let_in(database):
            lose_database(database)
            driving.driver.stop.set()
            assert isinstance(driving.end(seconds=4), Paused)


@contextmanager
def nobody_let_in(database: Database) -> Iterator[None]:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("ALTER ROLE hirelog_service NOLOGIN")
        try:
            yield
        finally:
            connection.execute("ALTER ROLE hirelog_service LOGIN")


def test_a_paused_rebuild_goes_on_where_it_was(followed: Followed, database: Database) -> None:
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: Driving(database, begun.rebuild)) as driving:
        before = units_done(database)
        with psycopg.connect(database.service) as connection:
            rebuild.set_state(connection, begun.rebuild, "paused")
        assert isinstance(driving.end(), Paused)
    assert not workers_of(os.getpid())
    assert units_done(database) == before
    again = begin(database)
    assert (again.rebuild, again.units_done) == (begun.rebuild, len(before))
    Driving(database, begun.rebuild).done()
    assert before.items() <= units_done(database).items()
    assert all_rows(database.service) == followed


def test_a_rebuild_that_its_process_stops_is_paused(followed: Followed, database: Database) -> None:
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: Driving(database, begun.rebuild)) as driving:
        driving.driver.stop.set()
        assert isinstance(driving.end(), Paused)
    assert not workers_of(os.getpid())


def test_an_abandoned_rebuild_leaves_nothing(followed: Followed, database: Database) -> None:
    before = schemas(database)
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: Driving(database, begun.rebuild)) as driving:
        thread = Thread(target=abandon, args=(database, begun.rebuild))
        thread.start()
        wait_for(lambda: waiting(database, "units"))
    thread.join(20)
    assert isinstance(driving.end(), NotPossible)
    assert schemas(database) == before
    assert fetch(database, "SELECT state FROM read_models.builds") == [("live",)] * 3
    for table in ("rebuilds", "units"):
        assert fetch(database, f"SELECT * FROM read_models.{table}") == []
    assert all_rows(database.service) == followed


def abandon(database: Database, rebuild_id: int) -> None:
    with psycopg.connect(database.service, autocommit=True) as connection:
        for build in builds.of_rebuild(connection, rebuild_id):
            rebuild.abandon(connection, build)


def test_one_of_two_drivers_drives_and_the_other_watches(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: Driving(database, begun.rebuild)) as first:
        second = Driving(database, begun.rebuild)
        wait_for(lambda: second.told)
        assert len(workers_of(os.getpid())) <= 2
    assert [each.state for each in first.done()] == ["live"] * 3
    assert second.done() == first.done()
    assert all_rows(database.service) == followed


def test_the_watching_driver_takes_over_from_a_killed_one(
    followed: Followed, database: Database
) -> None:
    begun = begin(database)
    with stuck(database, begun.rebuild, lambda: start_driver(database.service)) as first:
        second = Driving(database, begun.rebuild)
        wait_for(lambda: second.told)
        kill(first)
    second.done()
    assert all_rows(database.service) == followed
