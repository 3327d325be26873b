"""What is parked is let in by retry and skip, in order, nothing lost and nothing twice."""

from threading import Event, Thread
from uuid import UUID

import psycopg
import pytest

from api.wiring import System
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime import parking
from tests.databases import Database, all_rows, wait_until_projected
from tests.projections.poison import (
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
    folded,
    project_to_the_end,
    wait_for,
    whole_log,
)


def test_when_the_cause_is_mended_a_retry_lets_all_in_in_order(
    poisoned: tuple[UUID, int], database: Database
) -> None:
    person, position = poisoned
    project_to_the_end(database.service)
    assert retry(database, CRM_ENGAGEMENT, person) == (0, 5)
    assert positions(database, CRM_ENGAGEMENT)[0] == position
    mend(database, position)
    assert retry(database, CRM_ENGAGEMENT, person) == (5, 0)
    assert retry(database, COMPLIANCE_AUDIT) == (5, 0)
    live_rows_are_those_of_the_log(database)
    assert retry(database, CRM_ENGAGEMENT, person) == (0, 0)


def test_a_retry_ends_at_the_next_poison_of_the_stream(
    poisoned: tuple[UUID, int], system: System, database: Database
) -> None:
    person, first = poisoned
    second = add_garbage(database, person)
    append(system, person, 9, contacted("m9"))
    project_to_the_end(database.service)
    mend(database, first)
    assert retry(database, CRM_ENGAGEMENT) == (5, 2)
    with psycopg.connect(database.service) as connection:
        waits = parking.first_of_stream(connection, "crm_engagement", second)
    assert waits.error == "DecodeError"
    assert skip(system, database, CRM_ENGAGEMENT, second) == (2, 0)


def test_what_waits_cannot_be_skipped_before_what_it_waits_for(
    poisoned: tuple[UUID, int], system: System, database: Database
) -> None:
    _, position = poisoned
    project_to_the_end(database.service)
    behind = positions(database, CRM_ENGAGEMENT)[1]
    with pytest.raises(parking.NotParked, match=f"waits behind the one at {position};"):
        skip(system, database, CRM_ENGAGEMENT, behind)
    with pytest.raises(parking.NotParked, match="no parked event at position 1;"):
        skip(system, database, CRM_ENGAGEMENT, 1)
    assert positions(database, CRM_ENGAGEMENT)[0] == position


def test_what_follows_a_retry_is_not_parked_by_a_projector_at_work(
    poisoned: tuple[UUID, int], projected: System, database: Database
) -> None:
    person, position = poisoned
    wait_until_projected(database.service)
    mend(database, position)
    retry(database, CRM_ENGAGEMENT)
    retry(database, COMPLIANCE_AUDIT)
    append(projected, person, 8, contacted("m4"))
    wait_until_projected(database.service)
    live_rows_are_those_of_the_log(database)


def test_retries_and_skips_under_a_projector_lose_and_double_nothing(
    poisoned: tuple[UUID, int], projected: System, database: Database
) -> None:
    person, position = poisoned
    garbage, skipped, stop = [position], list[int](), Event()

    def write() -> None:
        version = 8
        while not stop.wait(0.003):
            if version % 15:
                append(projected, person, version, contacted(f"n{version}"))
            else:
                garbage.append(add_garbage(database, person))
            version += 1

    writer = Thread(target=write)
    writer.start()
    while len(skipped) < 3:
        wait_for(lambda: set(garbage) & set(positions(database, CRM_ENGAGEMENT)))
        mend(database, min(positions(database, CRM_ENGAGEMENT)))
        retry(database, CRM_ENGAGEMENT, person)
        wait_for(lambda: set(garbage) & set(positions(database, CRM_ENGAGEMENT)))
        skipped.append(min(positions(database, CRM_ENGAGEMENT)))
        skip(projected, database, CRM_ENGAGEMENT, skipped[-1])
    stop.set()
    writer.join()
    wait_until_projected(database.service)
    for each in {*garbage} - {*skipped}:
        mend(database, each)
    retry(database, CRM_ENGAGEMENT)
    log = [each for each in whole_log(database.service) if each.position not in skipped]
    assert positions(database, CRM_ENGAGEMENT) == []
    assert all_rows(database.service, [CRM_ENGAGEMENT]) == folded(CRM_ENGAGEMENT, log)
    assert skipped == sorted(skipped)
