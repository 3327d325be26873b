"""Reading a history is itself on record: who read whose, when and why."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.readings import Reading, Readings, What, write
from api.wiring import System
from domain.values import now
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, Json, apply, begin, get, open_job, pages, say
from tests.databases import Database, wait_until_projected

PATH = "/v1/audit/readings"
WHY = {"Hirelog-Purpose": "Request for access 2026-17"}


def noted(http: httpx.Client, number: int, **params: Any) -> list[Json]:
    """The readings, once there are so many."""
    deadline = time.monotonic() + 5
    while len(found := get(http, PATH, **params)["items"]) < number:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return list(found)


def test_everything_that_reads_one_record_is_noted(http: httpx.Client, as_caller: AsCaller) -> None:
    candidate = begin(http)["id"]
    ana = as_caller("recruiter:ana")
    path = f"/v1/candidates/{candidate}"
    before = now()
    tag = http.get(path, headers=ana).headers["ETag"]
    assert http.get(path, headers=ana | {"If-None-Match": tag}).status_code == 304
    assert http.get(f"{path}?version=1", headers=ana | WHY).status_code == 200
    assert http.get(f"{path}/interactions", headers=ana).status_code == 200
    assert http.get(f"{path}/difference").status_code == 200

    found = noted(http, 5, candidate=candidate)
    assert [(each["reader"], each["what"]) for each in found] == [
        ("admin:ada", "difference"),
        ("recruiter:ana", "history"),
        *[("recruiter:ana", "state")] * 3,
    ]
    assert [each["why"] for each in found] == [None, None, WHY["Hirelog-Purpose"], None, None]
    assert all(before.isoformat() <= each["read_at"] for each in found)
    assert {(each["role"], each["through"]) for each in found} == {
        ("admin", "api"),
        ("recruiter", "api"),
    }


def test_an_officer_says_why_and_finds_it_on_record_with_the_answer(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    candidate = begin(http)["id"]
    kim = as_caller("compliance:kim")
    for path in (
        f"/v1/candidates/{candidate}",
        f"/v1/candidates/{candidate}?version=1",
        f"/v1/candidates/{candidate}/interactions",
        f"/v1/candidates/{candidate}/difference",
    ):
        refused = http.get(path, headers=kim)
        assert not complaint(refused, 422, "invalid-request")
        assert refused.json()["errors"][0]["field"] == "header.Hirelog-Purpose"
        assert "Ada" not in refused.text
        for wrong in "x" * 201, "\x80", "":
            headers = httpx.Headers(kim | {"Hirelog-Purpose": wrong}, encoding="latin-1")
            answer = http.get(path, headers=headers)
            assert not complaint(answer, 422, "invalid-request"), wrong
        assert http.get(path, headers=kim | WHY).status_code == 200
        last = get(http, PATH, candidate=candidate)["items"][0]
        assert (last["reader"], last["why"]) == ("compliance:kim", WHY["Hirelog-Purpose"])
    assert len(get(http, PATH, candidate=candidate)["items"]) == 4
    of_nobody = http.get("/v1/applications", headers=kim | {"Hirelog-Purpose": "x" * 201})
    assert not complaint(of_nobody, 422, "invalid-request")


def test_a_list_that_is_asked_for_one_person_is_noted(
    http: httpx.Client, as_caller: AsCaller, projected: System
) -> None:
    candidate, application = apply(http, open_job(http))
    wait_until_projected(projected.conninfo)
    kim = as_caller("compliance:kim")
    for path, what in (
        (f"/v1/audit/entries?candidate={candidate}", "history"),
        (f"/v1/applications?candidate={candidate}", "state"),
        (f"/v1/applications/{application}", "state"),
        (f"/v1/applications/{application}?expand=candidate", "state"),
        (f"/v1/engagement/candidates/{candidate}", "state"),
    ):
        before = len(get(http, PATH, candidate=candidate)["items"])
        assert not complaint(http.get(path, headers=kim), 422, "invalid-request"), path
        tag = http.get(path, headers=kim | WHY).headers["ETag"]
        seen = http.get(path, headers=kim | WHY | {"If-None-Match": tag})
        assert seen.status_code == 304, path
        found = get(http, PATH, candidate=candidate)["items"]
        assert len(found) == before + 2, path
        assert [each["what"] for each in found[:2]] == [what] * 2, path
        assert found[0]["why"] == WHY["Hirelog-Purpose"]
    for path in "/v1/audit/entries", "/v1/applications", "/v1/engagement/candidates":
        assert http.get(path, headers=kim).status_code == 200, "of nobody in particular"


def test_what_nobody_was_shown_is_not_noted(http: httpx.Client, as_caller: AsCaller) -> None:
    candidate, kim = begin(http)["id"], as_caller("compliance:kim")
    assert http.get(f"/v1/candidates/{uuid4()}", headers=kim | WHY).status_code == 404
    beyond = http.get(f"/v1/candidates/{candidate}?version=2", headers=kim | WHY)
    assert beyond.status_code == 404
    say(http, candidate, "noted", text="Nothing was read for this.")
    assert http.get(f"/v1/candidates/{candidate}", headers=kim | WHY).status_code == 200
    assert len(get(http, PATH)["items"]) == 1


def test_readings_are_found_by_candidate_reader_and_time_page_by_page(
    http: httpx.Client, system: System
) -> None:
    people = [uuid4(), uuid4()]
    at = now().replace(microsecond=0)
    some = [
        Reading(people[n % 2], f"recruiter:{n % 3}", "recruiter", What.STATE, "api", None, at)
        for n in range(12)
    ]
    with system.pool.connection() as connection:
        write(connection, *some)

    def walked(**params: Any) -> list[tuple[str, str]]:
        found = pages(http, PATH, limit=5, **params)
        return [(each["candidate_id"], each["reader"]) for page in found for each in page]

    expected = [(str(each.candidate_id), each.reader) for each in reversed(some)]
    assert walked() == expected
    mine = [each for each in expected if each == (str(people[0]), "recruiter:2")]
    assert walked(candidate=people[0], reader="recruiter:2") == mine
    assert len(walked(candidate=people[1])) == 6
    moment = at.isoformat()
    assert len(walked(**{"from": moment})) == 12
    assert walked(to=moment) == []
    wrong = http.get(PATH, params={"cursor": "WyJ4IiwxXQ"})
    assert not complaint(wrong, 422, "invalid-cursor")


def test_the_service_can_neither_change_nor_delete_readings(database: Database) -> None:
    with psycopg.connect(database.service, autocommit=True) as connection:
        write(connection, Reading(None, "operator:root", "operator", What.EXPORT, "cli", None))
        for statement in (
            "UPDATE hirelog.readings SET reader = 'nobody'",
            "DELETE FROM hirelog.readings",
            "TRUNCATE hirelog.readings",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_what_cannot_be_written_waits_and_is_written_in_order(
    system: System, database: Database
) -> None:
    """An officer is told that nothing was read; what others read is kept for later."""
    people = [UUID(int=number) for number in range(1, 4)]

    def reading(number: int) -> Reading:
        return Reading(people[number], "recruiter:ana", "recruiter", What.STATE, "api", None)

    readings = Readings(system.pool)
    with psycopg.connect(database.superuser, autocommit=True) as owner:
        owner.execute("ALTER TABLE hirelog.readings RENAME TO away")
        readings.start()
        readings.note(reading(0))
        officer = readings.note_now(reading(1))
        with pytest.raises(psycopg.errors.UndefinedTable):
            officer.result(5)
        readings.note(reading(2))
        assert readings.waiting == 2
        owner.execute("ALTER TABLE hirelog.away RENAME TO readings")
        readings.stop()
        rows = owner.execute("SELECT candidate_id FROM hirelog.readings ORDER BY reading")
        assert [row[0] for row in rows] == [people[0], people[2]]
    assert readings.waiting == 0
