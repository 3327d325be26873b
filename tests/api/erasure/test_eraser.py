"""An erasure is complete when every holder has let go: read models, processes, the ledger."""

import time
from datetime import timedelta
from threading import Event, Thread
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import MapperDeserialisationError

from api.erasure import holders
from api.erasure.eraser import Asked
from api.erasure.ledger import Destroyed
from api.erasure.restoring import erase_again
from api.wiring import System, assembled
from domain import errors
from domain.candidate.intents import Note
from domain.erasure import PlaceHold, ReleaseHold
from domain.values import REDACTED, Purpose, now
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime import builds, rebuild
from projections.runtime.drive import Driver
from projections.runtime.selection import AsOf
from tests.api.erasure.people import (
    BASIS,
    GARBLE,
    NAME,
    SHORTEN,
    applicant,
    erase,
    pending,
    sealed,
    states,
)
from tests.databases import Database, all_rows, rows_of, wait_until_projected
from tests.scenario import by
from tests.waiting import until


def test_everything_lets_go_but_the_files(projected: System, database: Database) -> None:
    person, other = applicant(projected), applicant(projected)
    wait_until_projected(database.service)
    assert len(sealed(database.service)) == 4
    erasure = erase(projected, person)
    until(lambda: pending(projected, erasure) == {"database-files"})
    assert len(sealed(database.service)) == 2
    assert projected.eraser.one(erasure).state == "erasing"
    found = states(projected, erasure)
    assert {name.partition(":")[0] for name in found} == {
        *("keys", "deletion-ledger", "database-files", "build", "process"),
    }
    assert projected.recruiting.candidate(other).details["name"] == NAME
    assert len(projected.eraser._ledger.read().destroyed) == 3  # noqa: SLF001  # what start-up compares


def test_a_read_model_that_is_behind_has_not_let_go(system: System) -> None:
    erasure = erase(system, applicant(system))
    until(lambda: not any(name.startswith("process") for name in pending(system, erasure)))
    assert len([name for name in pending(system, erasure) if name.startswith("build")]) == 3


def test_other_processes_forget_what_they_remember(system: System, database: Database) -> None:
    person = applicant(system)
    with assembled(system.settings, database.service) as other:
        with other.recruiting.present(person) as known:
            assert known.details["name"] == NAME
        memory = other.recruiting._candidates  # noqa: SLF001  # it has no other way out
        assert memory.get(person)
        erasure = erase(system, person)
        until(lambda: memory.get(person) is None)
        until(lambda: not [n for n in pending(system, erasure) if n.startswith("process")])
        assert other.recruiting.candidate(person).details["name"] == REDACTED
    assert list(states(system, erasure).values()).count("pending") == 4


def test_a_process_that_died_is_not_waited_for(system: System, database: Database) -> None:
    dead = uuid4()
    with psycopg.connect(database.service, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO hirelog.processes (process_id, host, pid, seen_at)"
            " VALUES (%s, 'there', 7, now() - interval '50 s')",
            (dead,),
        )
        erasure = erase(system, applicant(system))
        assert f"process:{dead}" in pending(system, erasure)
        connection.execute("UPDATE hirelog.processes SET seen_at = now() - interval '70 s'")
    until(lambda: states(system, erasure)[f"process:{dead}"] == "gone")


def test_a_hold_keeps_the_request_waiting_until_it_is_released(system: System) -> None:
    person, hold, erasure_id = applicant(system), uuid4(), uuid4()
    place = PlaceHold(hold_id=hold, legal_reference="Case 7")
    system.recruiting.record(person, place, by("compliance:kim"))
    asked = Asked(person, BASIS)
    with pytest.raises(errors.LegalHold, match="Case 7"):
        system.eraser.request(erasure_id, asked, by("compliance:kim"))
    waiting = system.eraser.one(erasure_id)
    assert (waiting.state, "Case 7" in (waiting.because or "")) == ("held", True)
    with pytest.raises(errors.LegalHold):
        system.eraser.request(erasure_id, asked, by("compliance:kim"))
    assert system.recruiting.candidate(person).details["name"] == NAME
    system.recruiting.record(person, ReleaseHold(hold_id=hold), by("compliance:kim"))
    assert [each.state for each in system.eraser.run_all()] == ["erasing"]
    assert system.recruiting.candidate(person).details["name"] == REDACTED
    names = [each.event.wire_name() for each in system.recruiting.history(person)]
    assert names[2:] == ["held", "erasure-requested", "hold-released", "erased"]


def test_who_cannot_be_read_keeps_no_other_erasure_waiting(
    system: System, database: Database
) -> None:
    asked = []
    for person in applicant(system), applicant(system):
        hold, erasure_id = uuid4(), uuid4()
        place = PlaceHold(hold_id=hold, legal_reference="Case 7")
        system.recruiting.record(person, place, by("compliance:kim"))
        with pytest.raises(errors.LegalHold):
            system.eraser.request(erasure_id, Asked(person, BASIS), by("compliance:kim"))
        system.recruiting.record(person, ReleaseHold(hold_id=hold), by("compliance:kim"))
        asked.append((erasure_id, person))
    (first, unreadable), (second, _) = asked
    with psycopg.connect(database.superuser) as connection:
        connection.execute(GARBLE, (unreadable,))
    system.keyring.forget_all()
    system.recruiting.forget_all()
    system.eraser.run_waiting()
    assert system.eraser.one(second).state == "erasing"
    (waits,) = (each for each in system.eraser.run_all() if each.erasure_id == first)
    assert (waits.state, "cannot be read" in (waits.because or "")) == ("held", True)


def test_a_person_whose_key_is_of_no_use_is_erased(system: System, database: Database) -> None:
    person = applicant(system)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(SHORTEN, (person,))
    system.keyring.forget_all()
    system.recruiting.forget_all()
    with pytest.raises(MapperDeserialisationError):
        system.recruiting.candidate(person)
    assert system.eraser.one(erase(system, person)).state == "erasing"
    assert system.recruiting.candidate(person).details["name"] == REDACTED


def test_keys_that_came_back_go_though_nobody_can_read_whose(
    system: System, database: Database
) -> None:
    person = applicant(system)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(GARBLE, (person,))
    system.recruiting.forget_all()
    back = [Destroyed(person, Purpose.CONTACT)]
    erase_again(system.eraser, system.recruiting, system.keyring.owner_of, back)
    system.keyring.forget_all()
    assert system.keyring.destroyed([person], Purpose.CONTACT) == {person}


def test_an_erasure_is_carried_out_when_the_hold_has_expired(system: System) -> None:
    person, erasure_id = applicant(system), uuid4()
    end = now() + timedelta(seconds=1)
    place = PlaceHold(hold_id=uuid4(), legal_reference="Case 7", expires_at=end)
    system.recruiting.record(person, place, by("compliance:kim"))
    with pytest.raises(errors.LegalHold):
        system.eraser.request(erasure_id, Asked(person, BASIS), by("compliance:kim"))
    system.eraser.run_waiting()
    assert system.eraser.one(erasure_id).state == "held"
    until(lambda: now() > end)
    system.eraser.run_waiting()
    assert system.eraser.one(erasure_id).state == "erasing"
    assert system.recruiting.candidate(person).details["name"] == REDACTED


def test_a_process_that_serves_goes_on_with_what_was_interrupted_a_while_ago(
    system: System, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, erasure_id = applicant(system), uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(system.eraser, "_destroy", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            system.eraser.request(erasure_id, Asked(person, BASIS), by("compliance:kim"))
    system.eraser.run_waiting()
    assert system.eraser.one(erasure_id).state == "requested"  # whoever asked may be at it
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "UPDATE hirelog.erasures SET requested_at = requested_at - interval '2 minutes'"
        )
    monkeypatch.setattr(system.eraser, "_next_look", 0.0)  # a minute later
    until(lambda: system.eraser.one(erasure_id).state == "erasing")


def test_a_request_is_refused_by_name(system: System) -> None:
    person, erasure_id = applicant(system), uuid4()
    kim = by("compliance:kim")
    with pytest.raises(errors.UnknownLegalBasis, match="gdpr-art-17-1-a"):
        system.eraser.request(erasure_id, Asked(person, "because"), kim)
    with pytest.raises(errors.CandidateNotFound):
        system.eraser.request(erasure_id, Asked(uuid4(), BASIS), kim)
    with pytest.raises(errors.ErasureNotFound):
        system.eraser.run(erasure_id)
    system.eraser.request(erasure_id, Asked(person, BASIS, (Purpose.CONTACT,)), kim)
    with pytest.raises(errors.KeyUsedBefore):
        system.eraser.request(erasure_id, Asked(person, BASIS), kim)
    version = system.recruiting.candidate(person).version
    system.eraser.request(erasure_id, Asked(person, BASIS, (Purpose.CONTACT,)), kim)
    assert system.recruiting.candidate(person).version == version
    with pytest.raises(errors.CandidateErased):
        system.eraser.request(uuid4(), Asked(person, BASIS, (Purpose.CONTACT,)), kim)


def test_only_contact_is_erased_where_only_that_was_asked_for(
    projected: System, database: Database
) -> None:
    person = applicant(projected)
    erase(projected, person, Purpose.CONTACT)
    applied, noted, *_ = projected.recruiting.history(person)
    assert getattr(applied.event, "name", None) == REDACTED
    assert getattr(noted.event, "text", None) == "Calm under pressure"
    projected.recruiting.record(person, Note(text="Still a candidate"), by("ana"))
    wait_until_projected(database.service)
    assert not sealed(database.service)


def test_kept_retired_and_new_builds_let_go_and_a_rebuild_brings_nothing_back(
    projected: System, database: Database
) -> None:
    person = applicant(projected)
    wait_until_projected(database.service)
    models = (ATS_PIPELINE, CRM_ENGAGEMENT)
    before = AsOf(now(), "recorded")
    with psycopg.connect(database.service, autocommit=True) as connection:

        def built(as_of: AsOf | None) -> None:
            begun = rebuild.begin(connection, models, as_of=as_of)
            Driver(database.service, models).run(begun.rebuild)

        built(before)  # kept
        built(None)  # the live one is retired
        erasure = erase(projected, person)
        until(lambda: pending(projected, erasure) == {"database-files"})
        live = all_rows(database.service)
        built(before)
        built(None)
        assert all_rows(database.service) == live
        assert [row[4] for row in live["ats_pipeline.applications"]] == ["erased"]
        assert [row[4] for row in live["crm_engagement.candidates"]] == ["erased"]
        for build in builds.all_builds(connection):
            model = next(each for each in READ_MODELS if each.name == build.model)
            rows = rows_of(connection, model, build.schema_name)
            assert "contact:" not in repr(rows), build
            if build.state == "kept" and model is ATS_PIPELINE:
                assert [row[4] for row in rows["ats_pipeline.applications"]] == ["active"]
        assert len(builds.all_builds(connection)) == 11


def test_a_rebuild_under_way_is_waited_for(projected: System, database: Database) -> None:
    person = applicant(projected)
    wait_until_projected(database.service)
    with psycopg.connect(database.service, autocommit=True) as connection:
        begun = rebuild.begin(connection, (CRM_ENGAGEMENT,), as_of=AsOf(now(), "recorded"))
        (building,) = builds.of_rebuild(connection, begun.rebuild)
        erasure = erase(projected, person)
        waits = {"database-files", f"build:{building.build}"}
        until(lambda: pending(projected, erasure) == waits)
        Driver(database.service, (CRM_ENGAGEMENT,)).run(begun.rebuild)
        until(lambda: pending(projected, erasure) == {"database-files"})
        rows = rows_of(
            connection, CRM_ENGAGEMENT, builds.one(connection, building.build).schema_name
        )
    assert len(rows["crm_engagement.candidates"]) == 1
    assert "contact:" not in repr(rows)


def test_appends_beside_an_erasure_leave_nothing_behind(system: System, database: Database) -> None:
    person = applicant(system)
    stop, said = Event(), list[str]()

    def talk(each: System) -> None:
        while not stop.is_set():
            try:
                each.recruiting.record(person, Note(text="Something personal"), by("ana"))
            except errors.ConcurrentChange:
                continue
            except errors.Refusal as refusal:
                said.append(refusal.code)
                return

    with assembled(system.settings, database.service) as other:
        threads = [Thread(target=talk, args=(each,)) for each in (system, other, system)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        erase(system, person)
        stop.wait(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert said == ["candidate-erased"] * 3
        texts = {getattr(each.event, "text", None) for each in other.recruiting.history(person)}
    assert texts <= {None, REDACTED}
    with psycopg.connect(database.superuser) as connection:
        found = connection.execute(
            "SELECT count(wrapped_key), count(*) FROM hirelog.candidate_keys"
        )
        assert found.fetchone() == (0, 3)


def test_who_was_interrupted_goes_on(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    other, person, erasure_id = applicant(system), applicant(system), uuid4()
    asked, kim = Asked(person, BASIS), by("compliance:kim")
    for whole, step in (system.eraser, "_destroy"), (holders, "find"), (system.eraser, "_settle"):
        with monkeypatch.context() as broken:
            broken.setattr(whole, step, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                system.eraser.request(erasure_id, asked, kim)
        system.recruiting.record(other, Note(text="Meanwhile"), by("ana"))
    gone_on = system.eraser.request(erasure_id, asked, kim)
    assert gone_on.state == "erasing"
    (erased,) = system.recruiting.history(person, after=3)
    assert gone_on.position == erased.position
    assert system.recruiting.candidate(person).version == 4
