"""What is remembered of streams: bounded by their events, and never the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import OperationalError

from api.wiring import System, assembled
from domain import errors
from domain import memory as memories
from domain.candidate.intents import Advance, Apply, Note, Open, Reject, Source
from domain.job import ChangeStages, CloseJob, OpenJob, ReopenJob
from domain.memory import Memory
from tests.databases import Database
from tests.scenario import by

STAGES = ("Review", "Onsite", "Offer")


@dataclass
class State:
    """A state of so many events."""

    version: int


@pytest.fixture
def elsewhere(system: System, database: Database) -> Iterator[System]:
    """Another process's system on the same database, with a memory of its own."""
    with assembled(system.settings, database.service) as other:
        yield other


def applicant(system: System) -> tuple[UUID, UUID, UUID]:
    """A job, and a candidate with an application for it."""
    job, candidate = uuid4(), uuid4()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())
    applied = system.recruiting.record(candidate, Apply(job_id=job, source="Site"), by())
    application = applied.events[0].event.application_id  # type: ignore[attr-defined]  # an Applied
    return job, candidate, application


def test_the_longest_unused_is_forgotten_when_there_are_too_many_events() -> None:
    memory = Memory[State](most_events=10)
    one, two, three = uuid4(), uuid4(), uuid4()
    memory.keep(one, State(4))
    memory.keep(two, State(4))
    assert memory.get(one)
    memory.keep(three, State(5))
    assert (memory.get(one), memory.get(two), memory.get(three)) == (State(4), None, State(5))
    memory.keep(one, State(6))
    assert memory.get(three) is None
    memory.forget(one)
    assert memory.get(one) is None
    memory.keep(two, State(10))
    assert memory.get(two) == State(10)


def test_a_command_on_what_is_remembered_reads_nothing(system: System) -> None:
    _, candidate, application = applicant(system)
    recorder = system.recruiting.recorder
    with patch.object(recorder, "select_history", wraps=recorder.select_history) as read:
        system.recruiting.record(
            candidate, Advance(application_id=application, to_stage="Onsite"), by()
        )
        noted = system.recruiting.record(candidate, Note(text="Well read"), by())
    assert noted.version == 3
    assert not read.called


def test_what_others_recorded_meanwhile_counts(system: System, elsewhere: System) -> None:
    _, candidate, application = applicant(system)
    elsewhere.recruiting.record(candidate, Reject(application_id=application), by())
    with pytest.raises(errors.AlreadyRejected):
        system.recruiting.record(
            candidate, Advance(application_id=application, to_stage="Onsite"), by()
        )
    assert [each.originator_version for each in system.recruiting.history(candidate)] == [1, 2]


def test_nothing_is_refused_for_what_is_no_longer_so(system: System, elsewhere: System) -> None:
    job, candidate, application = applicant(system)
    for_onsite = Advance(application_id=application, to_stage="On site")
    with pytest.raises(errors.UnknownStage):
        system.recruiting.record(candidate, for_onsite, by())
    elsewhere.recruiting.record_job(job, ChangeStages(stages=("Review", "On site")), by())
    assert system.recruiting.record(candidate, for_onsite, by()).version == 2
    elsewhere.recruiting.record_job(job, CloseJob(), by())
    elsewhere.recruiting.record_job(job, ReopenJob(), by())
    assert system.recruiting.record(uuid4(), Apply(job_id=job, source="Site"), by()).version == 1


def test_no_decision_rests_on_a_job_as_it_was(system: System, elsewhere: System) -> None:
    job, _, _ = applicant(system)
    elsewhere.recruiting.record_job(job, CloseJob(), by())
    with pytest.raises(errors.JobIsClosed):
        system.recruiting.record(uuid4(), Apply(job_id=job, source="Site"), by(), begin=True)


def test_a_candidate_that_another_began_is_found(system: System, elsewhere: System) -> None:
    candidate, metadata = uuid4(), by()
    begun = elsewhere.recruiting.record(candidate, Source(source="Fair"), metadata, begin=True)
    again = system.recruiting.record(candidate, Source(source="Fair"), metadata, begin=True)
    assert again.repeated
    assert (again.version, again.position) == (begun.version, begun.position)
    with pytest.raises(errors.AlreadyOnRecord):
        system.recruiting.record(candidate, Source(source="Web"), by(), begin=True)


def test_a_job_is_no_candidate(system: System) -> None:
    job, _, _ = applicant(system)
    for intent in (Source(source="Fair"), Note(text="hm")):
        with pytest.raises(errors.CandidateNotFound):
            system.recruiting.record(job, intent, by())
    with pytest.raises(errors.CandidateNotFound):
        system.recruiting.record(job, Source(source="Fair"), by(), begin=True)


def test_nobody_waits_for_ever_for_others_on_the_same_candidate(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, candidate, _ = applicant(system)
    monkeypatch.setattr(memories, "PATIENCE_SECONDS", 0.05)
    held = system.recruiting._candidates.held(candidate)  # noqa: SLF001  # as a thread that hangs
    with held, pytest.raises(OperationalError, match="too long"):
        system.recruiting.record(candidate, Note(text="Well read"), by())
    assert system.recruiting.record(candidate, Note(text="Well read"), by()).version == 2


def test_what_commutes_is_never_refused_for_being_slow(system: System, elsewhere: System) -> None:
    _, candidate, application = applicant(system)
    append = system.recruiting.append
    late = 0

    def too_late(*args: object) -> object:
        nonlocal late
        if late < 20:
            late += 1
            elsewhere.recruiting.record(candidate, Note(text=f"{late}"), by())
        return append(*args)  # type: ignore[arg-type]  # passed on as they came

    with patch.object(system.recruiting, "append", too_late):
        assert system.recruiting.record(candidate, Note(text="mine"), by()).version == 22
        late = 0
        with pytest.raises(errors.ConcurrentChange):
            system.recruiting.record(
                candidate, Advance(application_id=application, to_stage="Onsite"), by()
            )


def test_the_expected_version_is_that_on_record(system: System, elsewhere: System) -> None:
    job, candidate, application = applicant(system)
    advance = Advance(application_id=application, to_stage="Onsite")
    elsewhere.recruiting.record(candidate, Note(text="hm"), by())
    with pytest.raises(errors.VersionMismatch, match="is at version 2, not at 1"):
        system.recruiting.record(candidate, advance, by(), expected=1)
    metadata = by()
    assert system.recruiting.record(candidate, advance, metadata, expected=2).version == 3
    assert system.recruiting.record(candidate, advance, metadata, expected=2).repeated
    with pytest.raises(errors.VersionMismatch):
        system.recruiting.record(candidate, Open(message_id="m"), by(), expected=2)
    with pytest.raises(errors.VersionMismatch):
        system.recruiting.record_job(job, CloseJob(), by(), expected=7)
    assert system.recruiting.record_job(job, CloseJob(), by(), expected=2).version == 3
