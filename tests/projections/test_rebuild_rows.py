"""A rebuild gives the rows of the log, for any workers, units, moments and kinds of read model."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.intents import Source
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime import builds
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver
from projections.runtime.rebuild import Stopped
from projections.runtime.selection import AsOf
from tests.databases import Database, all_rows, rows_of
from tests.projections.by_source import by_source
from tests.projections.rebuilding import (
    UNTIL,
    begin,
    company_of,
    fetch,
    folded,
    project_to_the_end,
    rebuilt,
    whole_log,
)
from tests.scenario import by

UNIT_SIZES = """
SELECT count(events.notification_id)
  FROM read_models.units
  LEFT JOIN hirelog.events ON originator_id BETWEEN first AND last
 WHERE rebuild = %s
 GROUP BY unit
 ORDER BY unit
"""
WHO_DOES_WHAT = """
SELECT most_common_vals IS NOT NULL
  FROM pg_stats_ext
 WHERE schemaname = 'compliance_audit' AND statistics_name = 'entries_actor_type_stats'
"""
STATISTICS = "SELECT tablename, attname FROM pg_stats WHERE schemaname = ANY (%s)"
NAMES = [model.name for model in READ_MODELS]


def keys_and_indexes(database: Database) -> set[tuple[str, ...]]:
    """Of the live schemas, with their definitions."""
    return {
        *fetch(
            database,
            "SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes"
            " WHERE schemaname = ANY(%s)",
            NAMES,
        ),
        *fetch(
            database,
            "SELECT connamespace::regnamespace::text, conrelid::regclass::text, conname,"
            " pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace::regnamespace::text = ANY(%s)",
            NAMES,
        ),
    }


def never_analysed(database: Database) -> set[str]:
    """Live tables with rows of which the planner knows none."""
    return {
        row[0]
        for row in fetch(
            database,
            "SELECT oid::regclass::text FROM pg_class AS class"
            " WHERE relkind = 'r' AND relnamespace::regnamespace::text = ANY(%s)"
            " AND (reltuples <= 0"
            "  OR NOT EXISTS (SELECT FROM pg_statistic WHERE starelid = class.oid))",
            NAMES,
        )
    }


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_rows_and_indexes_are_those_of_the_live_model_for_any_number_of_workers(
    system: System, database: Database, workers: int
) -> None:
    company_of(system)
    project_to_the_end(database.service)
    followed, indexes = all_rows(database.service), keys_and_indexes(database)
    assert len(indexes) > 20
    made = rebuilt(database, workers=workers)
    assert [(each.model, each.state) for each in made] == [(name, "live") for name in NAMES]
    assert all_rows(database.service) == followed
    assert len(followed["ats_pipeline.applications"]) > 15
    assert keys_and_indexes(database) == indexes
    assert never_analysed(database) == set()
    company_of(system, 30)
    project_to_the_end(database.service)
    log = whole_log(database.service)
    for model in READ_MODELS:
        expected = folded(model, log)
        found = all_rows(database.service, [model])
        assert found == expected


@pytest.mark.parametrize("unit_events", [1, 40, 10_000])
def test_any_size_of_units_gives_the_same_rows(
    system: System, database: Database, unit_events: int
) -> None:
    company_of(system, 20)
    made = rebuilt(database, unit_events=unit_events, scratch=True)
    log = whole_log(database.service)
    with psycopg.connect(database.service) as connection:
        for model, build in zip(READ_MODELS, made, strict=True):
            assert rows_of(connection, model, build.schema_name) == folded(model, log)
        units = fetch(database, "SELECT count(*) FROM read_models.units")[0][0]
    assert (unit_events >= len(log)) == (units == 1)


def test_the_last_units_are_small_and_count_for_little(system: System, database: Database) -> None:
    company_of(system, 150)
    begun = begin(database, unit_events=150)
    sizes = [row[0] for row in fetch(database, UNIT_SIZES, begun.rebuild)]
    large, small = sizes[:-8], sizes[-8:]
    assert sum(sizes) == len(whole_log(database.service))
    assert sum(small) / 2 == pytest.approx(sum(large) / len(large), rel=0.4)
    assert max(small) < min(large)
    shares = [replace(begun, units_done=done).share for done in range(len(sizes) + 1)]
    made = [sum(sizes[:done]) / sum(sizes) for done in range(len(sizes) + 1)]
    assert shares == pytest.approx(made, abs=0.1)
    assert (shares[0], shares[-1]) == (0, 1)


def test_what_plans_depend_on_is_known_before_the_switch(
    system: System, database: Database
) -> None:
    company_of(system, 20)
    rebuilt(database)
    assert fetch(database, WHO_DOES_WHAT) == [(True,)]
    known = {*fetch(database, STATISTICS, NAMES)}
    assert {("entries", "actor"), ("applications", "status"), ("candidates", "status")} <= known
    assert not {("people", "name"), ("candidates", "name")} & known


def test_an_empty_log_gives_empty_tables(system: System, database: Database) -> None:
    made = rebuilt(database, workers=2)
    assert [each.position for each in made] == [0, 0, 0]
    assert not any(all_rows(database.service).values())


@pytest.mark.parametrize("kind", ["recorded", "occurred"])
def test_as_of_a_moment_only_what_was_so_by_then(
    system: System, database: Database, kind: Literal["recorded", "occurred"]
) -> None:
    company_of(system)
    put_late_facts(system)
    project_to_the_end(database.service)
    live = all_rows(database.service)
    as_of = AsOf(UNTIL - timedelta(days=100), kind)
    made = rebuilt(database, workers=2, as_of=as_of)
    log = whole_log(database.service)
    then = [each for each in log if as_of.includes(each)]
    assert len(log) > len(then) > 100
    with psycopg.connect(database.service) as connection:
        for model, build in zip(READ_MODELS, made, strict=True):
            assert build.state == "kept"
            assert build.schema_name.startswith(f"{model.name}_as_of_20260221t000000_")
            assert rows_of(connection, model, build.schema_name) == folded(model, then)
    project_to_the_end(database.service)
    assert all_rows(database.service) == live
    states = fetch(database, "SELECT state FROM read_models.builds ORDER BY build")
    assert states == [("live",)] * 3 + [("kept",)] * 3


def put_late_facts(system: System) -> None:
    """Things that went on record long after they had happened."""
    early = UNTIL - timedelta(days=200)
    for number in range(3):
        system.recruiting.record(
            uuid4(), Source(source="Fair", name=f"Person {number}"), by(occurred_at=early)
        )


def test_the_moments_differ(system: System, database: Database) -> None:
    """What was recorded later than it happened is as of the one moment and not of the other."""
    put_late_facts(system)
    moment = UNTIL - timedelta(days=100)
    kinds: list[tuple[Literal["recorded", "occurred"], int]] = [("recorded", 0), ("occurred", 3)]
    for kind, people in kinds:
        made = rebuilt(database, [CRM_ENGAGEMENT], as_of=AsOf(moment, kind))
        with psycopg.connect(database.service) as connection:
            rows = rows_of(connection, CRM_ENGAGEMENT, made[0].schema_name)
        assert len(rows["crm_engagement.candidates"]) == people


# A read model whose rows are made from the events of many candidates


@pytest.fixture
def fold_by_source(system: System, database: Database, tmp_path: Path) -> ReadModel:
    """A read model with live rows of a company's log, some of them of many candidates."""
    company_of(system)
    model = by_source(tmp_path)
    with psycopg.connect(database.service, autocommit=True) as connection:
        builds.install(connection, [model])
    project_to_the_end(database.service, [model])
    return model


def test_a_model_that_is_not_by_stream_is_rebuilt_in_the_order_of_the_log(
    fold_by_source: ReadModel, database: Database
) -> None:
    followed = all_rows(database.service, [fold_by_source])
    assert max(row[1] for row in followed["by_source.sources"]) > 5
    (made,) = rebuilt(database, [fold_by_source], workers=2)
    assert (made.state, made.position) == ("live", len(whole_log(database.service)))
    assert all_rows(database.service, [fold_by_source]) == followed
    both = [fold_by_source, ATS_PIPELINE]
    assert [each.state for each in rebuilt(database, both, workers=2)] == ["live", "live"]
    assert all_rows(database.service, [fold_by_source]) == followed


@pytest.mark.parametrize("unit_events", [20, 10_000])
def test_a_model_that_is_by_stream_by_mistake_is_refused(
    fold_by_source: ReadModel, database: Database, tmp_path: Path, unit_events: int
) -> None:
    """Also where the rows that collide are made in one unit."""
    followed = all_rows(database.service, [fold_by_source])
    mistaken = by_source(tmp_path, version=2, by_stream=True)
    begun = begin(database, [mistaken], unit_events=unit_events)
    with pytest.raises(Stopped, match="declare it without by_stream"):
        Driver(database.service, [mistaken], workers=2).run(begun.rebuild)
    ((state, error),) = fetch(database, "SELECT state, error FROM read_models.rebuilds")
    assert state == "stopped"
    assert error.startswith("rows of by_source are made from events of several streams")
    assert all_rows(database.service, [fold_by_source]) == followed
