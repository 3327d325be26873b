"""Poison stops a rebuild with its position; what was skipped stays out of one."""

from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest

from api.wiring import System
from domain import verdict
from domain.candidate.events import Sourced
from domain.recorded import encode
from domain.values import Origin
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime import builds, rebuild, selection, switch
from projections.runtime.drive import Driver
from projections.runtime.rebuild import Stopped
from tests.databases import Database, all_rows
from tests.projections.poison import (
    MENDED,
    append,
    contacted,
    live_rows_are_those_of_the_log,
    mend,
    positions,
    retry,
    skip,
)
from tests.projections.rebuilding import (
    add_garbage,
    begin,
    company_of,
    fetch,
    folded,
    project_to_the_end,
    rebuilt,
    whole_log,
)
from tests.scenario import by


def test_poison_parks_a_candidate_and_stops_a_rebuild_with_its_position(
    poisoned: tuple[UUID, int], system: System, database: Database
) -> None:
    person, position = poisoned
    project_to_the_end(database.service)
    assert positions(database, CRM_ENGAGEMENT)[0] == position
    before = all_rows(database.service)
    with pytest.raises(Stopped, match=f"cannot fold the event at position {position} ") as stopped:
        rebuilt(database, workers=2)
    assert f"version 3 of stream {person}" in str(stopped.value)
    found = fetch(database, "SELECT state, error FROM read_models.rebuilds")
    assert found == [("stopped", str(stopped.value))]
    assert fetch(database, "SELECT DISTINCT state FROM read_models.builds ORDER BY state") == [
        ("building",),
        ("live",),
    ]
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    project_to_the_end(database.service)
    after = all_rows(database.service)
    people = "crm_engagement.candidates"
    assert len(after[people]) == len(before[people]) + 1
    mend(database, position)
    retry(database, CRM_ENGAGEMENT)
    retry(database, COMPLIANCE_AUDIT)
    assert {each.state for each in rebuilt(database, workers=2)} == {"live"}
    live_rows_are_those_of_the_log(database)


def test_poison_that_came_after_the_beginning_stops_it_too(
    system: System, database: Database
) -> None:
    company_of(system, 20)
    person = uuid4()
    append(system, person, 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    begun = begin(database, [CRM_ENGAGEMENT])
    position = add_garbage(database, person)
    with pytest.raises(Stopped, match=f"the event at position {position} "):
        Driver(database.service, [CRM_ENGAGEMENT]).run(begun.rebuild)
    mend(database, position)
    begin(database, [CRM_ENGAGEMENT])
    Driver(database.service, [CRM_ENGAGEMENT]).run(begun.rebuild)
    log = whole_log(database.service)
    assert all_rows(database.service, [CRM_ENGAGEMENT]) == folded(CRM_ENGAGEMENT, log)


# Garbage of other kinds: nothing knows its topic, or no database holds it
ODD: list[tuple[str, bytes]] = [
    ("candidate.beamed-up", MENDED),
    ("candidate.contacted", encode(contacted("m\0"), by())),
    ("candidate.contacted", encode(contacted("m", step=2**40), by())),
]


@pytest.mark.parametrize(("topic", "state"), ODD, ids=["topic", "nul", "number"])
def test_garbage_of_any_kind_is_parked_and_stops_a_rebuild(
    system: System, database: Database, topic: str, state: bytes
) -> None:
    person = uuid4()
    append(system, person, 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    position = add_garbage(database, person, topic, state)
    waits = append(system, person, 3, contacted("m2"))
    project_to_the_end(database.service)
    assert positions(database, CRM_ENGAGEMENT) == [position, waits]
    with pytest.raises(Stopped, match=f"the event at position {position} ") as stopped:
        rebuilt(database, [CRM_ENGAGEMENT])
    assert topic in str(stopped.value)
    skip(system, database, CRM_ENGAGEMENT, position)
    live = all_rows(database.service, [CRM_ENGAGEMENT])
    rebuilt(database, [CRM_ENGAGEMENT])
    assert all_rows(database.service, [CRM_ENGAGEMENT]) == live


def test_a_row_that_no_index_takes_stops_a_rebuild(system: System, database: Database) -> None:
    actor = "".join(uuid4().hex for _ in range(300))
    sourced = Sourced(origin=Origin.SOURCED, source="Fair")
    stored = system.recruiting.append(verdict.number(uuid4(), 0, [sourced], by(actor)))
    project_to_the_end(database.service)
    assert positions(database, COMPLIANCE_AUDIT) == [stored[0].position]
    with pytest.raises(Stopped, match="refuses a row of compliance_audit"):
        rebuilt(database, [COMPLIANCE_AUDIT])
    skip(system, database, COMPLIANCE_AUDIT, stored[0].position)
    with psycopg.connect(database.service, autocommit=True) as connection:
        begun = rebuild.of_model(connection, COMPLIANCE_AUDIT.name)
        rebuild.abandon(connection, builds.of_rebuild(connection, begun.rebuild)[0])
    rebuilt(database, [COMPLIANCE_AUDIT])


def test_what_was_skipped_stays_out_of_the_retired_rows_too(
    system: System, database: Database
) -> None:
    company_of(system, 20)
    rebuilt(database, [CRM_ENGAGEMENT])
    person = uuid4()
    append(system, person, 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    position = add_garbage(database, person)
    append(system, person, 3, contacted("m2"))
    project_to_the_end(database.service)
    skip(system, database, CRM_ENGAGEMENT, position)
    with psycopg.connect(database.service, autocommit=True) as connection:
        switch.switch_back(connection, CRM_ENGAGEMENT)
    assert positions(database, CRM_ENGAGEMENT) == []
    log = [each for each in whole_log(database.service) if each.position != position]
    assert all_rows(database.service, [CRM_ENGAGEMENT]) == folded(CRM_ENGAGEMENT, log)


def test_after_a_skip_a_rebuild_gives_the_live_rows(
    poisoned: tuple[UUID, int], system: System, database: Database
) -> None:
    _, position = poisoned
    project_to_the_end(database.service)
    assert skip(system, database, CRM_ENGAGEMENT, position) == (5, 0)
    assert skip(system, database, COMPLIANCE_AUDIT, position) == (5, 0)
    project_to_the_end(database.service)
    live_rows_are_those_of_the_log(database, position)
    live = all_rows(database.service)
    assert {each.state for each in rebuilt(database, workers=2)} == {"live"}
    assert all_rows(database.service) == live


def test_a_skip_holds_for_the_version_that_it_was_for(
    poisoned: tuple[UUID, int], system: System, database: Database
) -> None:
    _, position = poisoned
    project_to_the_end(database.service)
    skip(system, database, CRM_ENGAGEMENT, position)
    newer = replace(CRM_ENGAGEMENT, version=99)
    with psycopg.connect(database.service) as connection:
        assert selection.skipped(connection, CRM_ENGAGEMENT) == {position}
        assert selection.skipped(connection, newer) == set()
