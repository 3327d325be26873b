"""Holds and erasure: what is refused and what follows, and that no value survives its key."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from api.wiring import System, assembled
from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.candidate.events import Erased, Held, HoldReleased
from domain.erasure import EVERY_PURPOSE, Erase, PlaceHold, ReleaseHold, RequestErasure
from domain.intake import Intake
from domain.recorded import Recorded
from domain.values import REDACTED, Purpose
from tests.databases import Database
from tests.scenario import (
    JOB,
    applied,
    by,
    candidate,
    day,
    forward,
    given,
    hired,
    open_job,
    pooled,
    reinstated,
    rejected,
    sourced,
)

ERASURE = UUID("e0000000-0000-4000-8000-000000000001")
HOLD = UUID("40000000-0000-4000-8000-000000000001")
ERASE = Erase(erasure_id=ERASURE, purposes=EVERY_PURPOSE)
ERASED = Erased(erasure_id=ERASURE, purposes=EVERY_PURPOSE)
CONTACT_ERASED = Erased(erasure_id=ERASURE, purposes=(Purpose.CONTACT,))
HELD = Held(hold_id=HOLD, legal_reference="Case 7")
RELEASED = HoldReleased(hold_id=HOLD)
NAME = "Zoë Quintessa"


def test_an_erasure_is_requested_and_carried_out() -> None:
    basis: dict[str, Any] = {
        "legal_basis": "gdpr-art-17-1-a",
        "basis_version": "1",
        "purposes": EVERY_PURPOSE,
    }
    asked = RequestErasure(erasure_id=ERASURE, **basis)
    given(sourced()).when(asked).then(e.ErasureRequested(erasure_id=ERASURE, **basis))
    given(sourced()).when(ERASE).then(ERASED)
    given(sourced(), ERASED).when(asked).then_refused(errors.CandidateErased, containing="nothing")
    given(sourced(), ERASED).when(ERASE).then_refused(errors.CandidateErased, containing="nothing")
    given(sourced(), CONTACT_ERASED).when(ERASE).then(ERASED)
    given().when(ERASE).then_refused(errors.CandidateNotFound, containing="begin with")


def test_a_hold_stands_against_erasure_until_its_release_or_its_end() -> None:
    refused = given(sourced(), HELD).when(ERASE)
    refused.then_refused(errors.LegalHold, containing=f"hold {HOLD} (Case 7) stands until it is")
    given(sourced(), HELD, RELEASED).when(ERASE).then(ERASED)
    until = structs.replace(HELD, expires_at=day(101))
    given(sourced(), until).when(ERASE).then_refused(
        errors.LegalHold, containing="until 2026-04-16"
    )
    ended = structs.replace(HELD, expires_at=day(99))
    given(sourced(), ended).when(ERASE).then(ERASED)
    other = Held(hold_id=uuid4(), legal_reference="Case 8")
    given(sourced(), HELD, other, RELEASED).when(ERASE).then_refused(
        errors.LegalHold, containing="Case 8"
    )


def test_holds_are_placed_and_released_once() -> None:
    place = PlaceHold(hold_id=HOLD, legal_reference="Case 7")
    given(sourced()).when(place).then(HELD)
    given(sourced(), HELD).when(place).then_refused(errors.AlreadyOnRecord, containing="own")
    given(sourced(), ERASED).when(place).then_refused(errors.CandidateErased, containing="nothing")
    past = place.model_copy(update={"expires_at": day(1)})
    given(sourced()).when(past).then_refused(errors.AlreadyExpired, containing="expires_at")
    release = ReleaseHold(hold_id=HOLD)
    given(sourced(), HELD).when(release).then(RELEASED)
    given(sourced()).when(release).then_refused(errors.HoldNotFound, containing="no hold")
    given(sourced(), HELD, RELEASED).when(release).then_refused(
        errors.AlreadyReleased, containing="already"
    )


def test_nothing_happens_to_an_erased_candidate_any_more() -> None:
    apply = i.Apply(job_id=JOB, source="Site")
    erased = given(sourced(), ERASED, jobs=[open_job()])
    erased.when(apply).then_refused(errors.CandidateErased, containing="begin a new candidate")
    erased.when(i.Open(message_id="m1")).then_refused(errors.CandidateErased, containing="erased")
    fact = applied(stage="A", source="Site")
    told = erased.when_fact(apply)
    assert [each.event.source for each in told.outcome if isinstance(each.event, e.Applied)] == [  # type: ignore[union-attr]  # not refused
        fact.source
    ]
    assert told.outcome[0].metadata.broken_rules == ("candidate-erased",)  # type: ignore[index]  # not refused


def test_what_belongs_to_other_purposes_goes_on() -> None:
    partly = given(sourced(name="Ada"), CONTACT_ERASED)
    partly.when(i.Note(text="Calm")).then(e.Noted(text="Calm"))
    partly.when(i.UpdateProfile(email="a@example.org")).then_refused(
        errors.PurposeErased, containing="for contact was erased"
    )
    state = candidate(sourced(name="Ada"), CONTACT_ERASED)
    assert (state.details, state.is_erased) == ({"name": REDACTED}, False)
    assert candidate(sourced(), CONTACT_ERASED, ERASED).is_erased


def test_nothing_goes_on_with_a_fact_of_later() -> None:
    for facts in (applied(),), (applied(), rejected(), reinstated()), (forward("A", "B"), pooled()):
        state = candidate(sourced(), ERASED, *facts)
        assert (state.status, state.pools) == ("erased", set())
    assert candidate(ERASED, hired()).status == "hired"


# What becomes of the keys


def keys_of(database: Database) -> dict[str, bytes | None]:
    with psycopg.connect(database.superuser) as connection:
        rows = connection.execute("SELECT purpose, wrapped_key FROM hirelog.candidate_keys")
        return dict(rows.fetchall())


def said(system: System, stream: UUID) -> Sequence[str | None]:
    return [getattr(each.event, "name", None) for each in system.recruiting.history(stream)]


def test_the_keys_are_destroyed_with_the_event_also_those_that_there_were_not(
    system: System, database: Database
) -> None:
    person = uuid4()
    begin = i.Source(source="Fair", name=NAME, email="zoe@example.org")
    system.recruiting.record(person, begin, by(), begin=True)
    assert [purpose for purpose, wrapped in keys_of(database).items() if wrapped] == ["contact"]
    system.recruiting.record(person, ERASE, by())
    assert keys_of(database) == dict.fromkeys(("contact", "evaluation", "self-identification"))
    now = system.recruiting.candidate(person)
    assert now.details == {"name": REDACTED, "email": REDACTED}
    assert said(system, person) == [REDACTED, None]
    with pytest.raises(errors.CandidateErased):
        system.recruiting.record(person, i.Note(text="Again"), by())


def test_a_fact_of_an_erased_person_is_kept_without_what_was_personal(
    system: System, database: Database
) -> None:
    person = uuid4()
    system.recruiting.record(person, i.Source(source="Fair", name=NAME), by(), begin=True)
    system.recruiting.record(person, ERASE, by())
    intake = Intake(system.recruiting)
    intake.fact(person, i.UpdateProfile(name="Zoë again"), by())
    intake.fact(person, i.Note(text="A remark"), by())
    intake.flush()
    assert said(system, person) == [REDACTED, None, REDACTED, None]
    assert not any(keys_of(database).values())
    with psycopg.connect(database.superuser) as connection:
        stored = connection.execute("SELECT state FROM hirelog.events").fetchall()
    assert b"again" not in b"".join(row[0] for row in stored)


def test_a_process_that_remembers_keys_seals_nothing_after_another_has_erased(
    system: System, database: Database
) -> None:
    person = uuid4()
    system.recruiting.record(person, i.Source(source="Fair", name=NAME), by(), begin=True)
    with assembled(system.settings, database.service) as other:
        assert other.recruiting.candidate(person).details == {"name": NAME}
        other.recruiting.record(person, i.Note(text="Before"), by())
        system.recruiting.record(person, ERASE, by())
        with pytest.raises(errors.CandidateErased):
            other.recruiting.record(person, i.Note(text="After"), by())
    assert not any(keys_of(database).values())


def test_an_imported_history_of_an_erased_person_leaves_no_key(
    system: System, database: Database
) -> None:
    person = uuid4()
    history = [
        Recorded(person, 1, sourced(name=NAME), by()),
        Recorded(person, 2, e.Noted(text="Calm"), by()),
        Recorded(person, 3, ERASED, by()),
        Recorded(person, 4, e.Noted(text="Late"), by()),
    ]
    intake = Intake(system.recruiting)
    for event in history:
        intake.recorded(event)
    intake.flush()
    assert not any(keys_of(database).values())
    assert said(system, person) == [REDACTED, None, None, None]
