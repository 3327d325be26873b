"""A rebuilt model takes the live one's place unnoticed, and gives it back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from api.wiring import System
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime import builds, outside, rebuild, switch
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver
from projections.runtime.rebuild import Stopped
from tests.databases import Database, all_rows, wait_until_projected
from tests.projections.by_source import by_source
from tests.projections.load import Reader, append_until
from tests.projections.rebuilding import (
    begin,
    company_of,
    fetch,
    folded,
    live_build,
    project_to_the_end,
    rebuilt,
    schemas,
    whole_log,
)


@pytest.fixture
def under_load(projected: System, database: Database) -> Iterator[None]:
    """A projected company to which much is added and of which much is asked all the time."""
    company_of(projected)
    wait_until_projected(database.service)
    stop, stop_reading = Event(), Event()
    writer = Thread(target=append_until, args=(projected, stop))
    writer.start()
    reader = Reader(database.service, stop_reading)
    yield
    stop.set()
    writer.join()
    wait_until_projected(database.service)
    stop_reading.set()
    reader.join()
    assert reader.wrong == []
    assert reader.asked > 100
    log = whole_log(database.service)
    for model in READ_MODELS:
        assert all_rows(database.service, [model]) == folded(model, log)


def test_a_rebuild_under_load_is_not_noticed(under_load: None, database: Database) -> None:
    before = len(whole_log(database.service))
    assert [each.state for each in rebuilt(database, workers=2)] == ["live"] * 3
    assert len(whole_log(database.service)) > before + 50


def test_going_back_and_forth_under_load_is_not_noticed(
    under_load: None, database: Database
) -> None:
    rebuilt(database, [CRM_ENGAGEMENT], workers=2)
    lives = [live_build(database, CRM_ENGAGEMENT).build]
    with psycopg.connect(database.service, autocommit=True) as connection:
        for _ in range(10):
            lives.append(switch.switch_back(connection, CRM_ENGAGEMENT).build)
            time.sleep(0.05)
    assert len(set(lives)) == 2
    assert all(one != other for one, other in pairwise(lives))


def test_two_switches_at_once_do_not_go_back_in_time(under_load: None, database: Database) -> None:
    rebuilt(database, [ATS_PIPELINE])
    rebuilt(database, [ATS_PIPELINE])
    with ThreadPoolExecutor() as threads:
        made = list(threads.map(lambda _: go_back(database, ATS_PIPELINE), range(8)))
    assert {each.state for each in made} == {"live"}
    found = fetch(database, "SELECT state FROM read_models.builds WHERE model = 'ats_pipeline'")
    assert sorted(found) == [("live",), ("retired",), ("retired",)]


def go_back(database: Database, model: ReadModel) -> Build:
    with psycopg.connect(database.service, autocommit=True) as connection:
        return switch.switch_back(connection, model)


def test_switch_back_returns_to_the_earlier_rows_caught_up(
    system: System, database: Database
) -> None:
    company_of(system, 20)
    project_to_the_end(database.service)
    first = live_build(database, ATS_PIPELINE)
    (second,) = rebuilt(database, [ATS_PIPELINE])
    company_of(system, 10)
    for build in (first.build, second.build, first.build):
        made = go_back(database, ATS_PIPELINE)
        log = whole_log(database.service)
        assert (made.build, made.state, made.position) == (build, "live", len(log))
        assert all_rows(database.service, [ATS_PIPELINE]) == folded(ATS_PIPELINE, log)
        company_of(system, 5)
        project_to_the_end(database.service)
    log = whole_log(database.service)
    assert all_rows(database.service, [ATS_PIPELINE]) == folded(ATS_PIPELINE, log)


def test_nothing_retired_is_nothing_to_return_to(system: System, database: Database) -> None:
    with pytest.raises(switch.NothingRetired, match="ats_pipeline has no retired build"):
        go_back(database, ATS_PIPELINE)


def test_a_retired_build_of_another_version_goes_live_as_it_stood(
    system: System, database: Database, tmp_path: Path
) -> None:
    company_of(system, 20)
    one, two = by_source(tmp_path), by_source(tmp_path, version=2)
    install(database, one)
    project_to_the_end(database.service, [one])
    stood = whole_log(database.service)
    rebuilt(database, [two])
    company_of(system, 20)
    project_to_the_end(database.service, [two])
    made = go_back(database, two)
    assert (made.version, made.position) == (1, len(stood))
    project_to_the_end(database.service, [two])  # not its business
    assert all_rows(database.service, [one]) == folded(one, stood)
    project_to_the_end(database.service, [one])
    assert all_rows(database.service, [one]) == folded(one, whole_log(database.service))
    assert go_back(database, two).version == 2
    assert all_rows(database.service, [two]) == folded(two, whole_log(database.service))


def install(database: Database, model: ReadModel) -> None:
    with psycopg.connect(database.service, autocommit=True) as connection:
        builds.install(connection, [model])


# Versions


def change(model: ReadModel, file: str = "__init__.py") -> None:
    path = Path(outside.folder_of(model), file)
    path.write_text(path.read_text() + "\n# changed\n" if path.exists() else "")


def test_a_rebuild_that_other_code_began_is_thrown_away(
    system: System, database: Database, tmp_path: Path
) -> None:
    company_of(system, 20)
    model = by_source(tmp_path)
    install(database, model)
    begun = begin(database, [model])
    assert begin(database, [model]).rebuild == begun.rebuild
    (old,) = schemas(database) - {*old_schemas(database), model.name}
    change(model)
    again = begin(database, [model])
    assert again.rebuild != begun.rebuild
    assert old not in schemas(database)
    found = fetch(database, "SELECT rebuild FROM read_models.rebuilds")
    assert found == [(again.rebuild,)]
    with pytest.raises(rebuild.NotPossible, match="was abandoned"):
        Driver(database.service, [model]).run(begun.rebuild)


def test_code_that_changes_under_a_rebuild_stops_it(
    system: System, database: Database, tmp_path: Path
) -> None:
    """Workers must not make rows with another fold than those before them."""
    company_of(system, 20)
    model = by_source(tmp_path, by_stream=True)
    begun = begin(database, [model])
    change(model)
    with pytest.raises(Stopped, match="the code of by_source has changed"):
        Driver(database.service, [model]).run(begun.rebuild)


def old_schemas(database: Database) -> set[str]:
    return {"hirelog", "read_models", *(model.name for model in READ_MODELS)}


def test_code_that_changed_without_a_version_is_told(
    system: System, database: Database, tmp_path: Path
) -> None:
    model = by_source(tmp_path)
    install(database, model)
    with psycopg.connect(database.service, autocommit=True) as connection:
        assert builds.changed_without_version(connection, [*READ_MODELS, model]) == []
        change(model, "queries.py")
        assert builds.changed_without_version(connection, [*READ_MODELS, model]) == []
        change(model)
        assert builds.changed_without_version(connection, [*READ_MODELS, model]) == ["by_source"]
        rebuilt(database, [model])
        assert builds.changed_without_version(connection, [*READ_MODELS, model]) == []


def test_an_older_version_is_told_until_the_new_one_is_live(
    system: System, database: Database, tmp_path: Path
) -> None:
    one, two = by_source(tmp_path), by_source(tmp_path, version=2)
    install(database, one)
    with psycopg.connect(database.service, autocommit=True) as connection:
        assert builds.outdated(connection, [*READ_MODELS, one]) == {}
        assert builds.outdated(connection, [*READ_MODELS, two]) == {
            "by_source": live_build(database, one)
        }
        assert builds.changed_without_version(connection, [two]) == []
        rebuilt(database, [two])
        assert builds.outdated(connection, [*READ_MODELS, two]) == {}
