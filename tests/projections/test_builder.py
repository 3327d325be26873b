"""A service builds the new version of a read model while the old one serves."""

import time
from dataclasses import replace
from threading import Event, Thread

import psycopg

from api.wiring import System
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.runtime import builds, rebuild
from projections.runtime.builder import Builder
from projections.runtime.builds import Build
from tests.databases import Database, all_rows, wait_until_projected
from tests.projections.test_projector import live

SECONDS = 30


def built(database: Database) -> list[Build]:
    with psycopg.connect(database.service) as connection:
        return [b for b in builds.all_builds(connection) if b.model == ATS_PIPELINE.name]


def run_builder(database: Database, *, until: int) -> None:
    """Until the live pipeline is of this version, or the build of this number."""
    stop = Event()
    builder = Builder(database.service, READ_MODELS, 100)
    thread = Thread(target=builder.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not any(b.state == "live" and b.build >= until for b in built(database)):
        assert time.monotonic() < deadline, built(database)
        time.sleep(0.1)
    stop.set()
    thread.join()


def test_an_older_version_serves_until_the_new_one_is_built(
    projected: System, database: Database
) -> None:
    live(projected, 5)
    wait_until_projected(database.service)
    (first,) = built(database)
    before = all_rows(database.service)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE read_models.builds SET version = 0 WHERE model = 'ats_pipeline'")
    live(projected, 2)
    run_builder(database, until=first.build + 1)
    old, new = built(database)
    assert (old.build, old.state, old.version) == (first.build, "retired", 0)
    assert (new.state, new.version, new.schema_name) == ("live", ATS_PIPELINE.version, new.model)
    live(projected, 1)
    wait_until_projected(database.service)
    after = all_rows(database.service)
    for row in before["ats_pipeline.stage_visits"]:
        assert row in after["ats_pipeline.stage_visits"]
    assert len(after["ats_pipeline.applications"]) == 8


def test_what_a_killed_process_has_begun_is_carried_through(
    projected: System, database: Database
) -> None:
    live(projected, 5)
    (first,) = built(database)
    with psycopg.connect(database.service, autocommit=True) as connection:
        rebuild.begin(connection, [ATS_PIPELINE])
    run_builder(database, until=first.build + 1)
    assert [b.state for b in built(database)] == ["retired", "live"]


def test_what_was_paused_or_is_of_other_code_is_left_alone(
    projected: System, database: Database
) -> None:
    live(projected, 2)
    with psycopg.connect(database.service, autocommit=True) as connection:
        paused = rebuild.begin(connection, [ATS_PIPELINE])
        rebuild.set_state(connection, paused.rebuild, "paused")
        crm = next(model for model in READ_MODELS if model.name == "crm_engagement")
        rebuild.begin(connection, [crm])
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "UPDATE read_models.builds SET digest = 'other'"
            " WHERE model = 'crm_engagement' AND state = 'building'"
        )
    stop = Event()
    thread = Thread(target=Builder(database.service, READ_MODELS, 100).run, args=(stop,))
    thread.start()
    time.sleep(2.5)
    stop.set()
    thread.join()
    with psycopg.connect(database.service) as connection:
        states = [each.state for each in rebuild.going(connection)]
    assert states == ["paused", "running"]


def test_a_fold_that_was_changed_under_its_version_is_noticed(
    system: System, database: Database
) -> None:
    with psycopg.connect(database.superuser) as connection:
        assert builds.changed_without_version(connection, READ_MODELS) == []
        connection.execute(
            "UPDATE read_models.builds SET digest = 'x' WHERE model <> 'crm_engagement'"
        )
        assert builds.changed_without_version(connection, READ_MODELS) == [
            "ats_pipeline",
            "compliance_audit",
        ]
        newer = [replace(model, version=model.version + 1) for model in READ_MODELS]
        assert builds.changed_without_version(connection, newer) == []
        assert set(builds.outdated(connection, newer)) == {model.name for model in READ_MODELS}
