"""An intake beside other writers: what they were faster with is decided anew, and nothing else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError

from api.wiring import System, assembled
from domain.candidate.intents import Advance, Apply, ApplyAs, Note, Reject, ReturnToPool, Source
from domain.erasure import EVERY_PURPOSE, Erase
from domain.errors import CandidateErased, ConcurrentChange
from domain.intake import Intake
from domain.job import ChangeStages, CloseJob, OpenJob, ReopenJob
from tests.databases import Database
from tests.scenario import by

STAGES = ("Review", "Onsite")


@pytest.fixture
def elsewhere(system: System, database: Database) -> Iterator[System]:
    """Another writer."""
    with assembled(system.settings, database.service) as other:
        yield other


def topics(system: System, stream: UUID) -> list[str]:
    return [recorded.event.TOPIC for recorded in system.recruiting.history(stream)]


def order(database: Database) -> list[tuple[int, UUID]]:
    with psycopg.connect(database.service) as connection:
        return connection.execute(
            "SELECT notification_id, originator_id FROM hirelog.events ORDER BY notification_id"
        ).fetchall()


def test_what_is_taken_is_appended_in_that_order_and_knows_where(
    system: System, database: Database
) -> None:
    one, two, intake = uuid4(), uuid4(), Intake(system.recruiting)
    taken = [
        intake.command(one, Source(source="Fair"), by()),
        intake.command(two, Source(source="Fair", name="Zoë"), by()),
        intake.command(one, Note(text="Well read"), by()),
    ]
    assert not order(database)
    intake.flush()
    assert order(database) == [(1, one), (2, two), (3, one)]
    assert [each.position for each in taken] == [1, 2, 3]


def test_others_that_were_faster_with_one_candidate_disturb_no_other(
    system: System, elsewhere: System
) -> None:
    job, application = uuid4(), uuid4()
    ada, ben, cleo = uuid4(), uuid4(), uuid4()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())
    intake = Intake(system.recruiting)
    apply = ApplyAs(job_id=job, source="Site", application_id=application)
    intake.command(ada, apply, by())
    for each in (ben, cleo):
        intake.command(each, Source(source="Fair"), by())
    intake.flush()

    moved = intake.command(ada, Advance(application_id=application, to_stage="Onsite"), by())
    noted = intake.command(ada, Note(text="On time"), by())
    of_ben = intake.command(ben, Note(text="Early"), by())
    elsewhere.recruiting.record(ada, Reject(application_id=application), by())
    intake.flush()

    assert moved.refusal
    assert (moved.refusal.code, moved.events) == ("already-rejected", ())
    assert noted.refusal is None
    assert of_ben.refusal is None
    assert topics(system, ada) == ["candidate.applied", "candidate.rejected", "candidate.noted"]
    assert topics(system, ben) == ["candidate.sourced", "candidate.noted"]
    assert (intake.tally.added, dict(intake.tally.refused)) == (5, {"already-rejected": 1})
    assert intake.command(ada, Note(text="Later"), by()).events[0].originator_version == 4


def test_a_command_is_refused_when_others_are_always_faster_and_what_commutes_is_not(
    system: System, elsewhere: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben = uuid4(), uuid4()
    for each in (ada, ben):
        system.recruiting.record(each, Source(source="Fair"), by())
    intake = Intake(system.recruiting)
    append_each, faster = system.recruiting.events.append_each, 12

    def too_late(decided: Any) -> Any:
        nonlocal faster
        if faster:
            faster -= 1
            for each in (ada, ben):
                elsewhere.recruiting.record(each, Note(text="Quick"), by())
        return append_each(decided)

    monkeypatch.setattr(system.recruiting.events, "append_each", too_late)
    noted = intake.command(ada, Note(text="Slow"), by())
    pooled = intake.command(ben, ReturnToPool(pool="Later"), by())
    intake.flush()
    assert noted.position
    assert pooled.refusal
    assert pooled.refusal.code == "concurrent-change"


def test_a_job_that_others_changed_is_seen_as_it_is(system: System, elsewhere: System) -> None:
    job = uuid4()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())
    intake, first, second, third = Intake(system.recruiting), uuid4(), uuid4(), uuid4()
    apply = Apply(job_id=job, source="Site")
    intake.fact(first, apply, by())
    intake.flush()
    elsewhere.recruiting.record_job(job, CloseJob(), by())
    kept = intake.fact(second, apply, by())
    refused = intake.command(third, apply, by())
    intake.flush()
    assert [each.metadata.broken_rules for each in kept.events] == [("job-is-closed",)]
    assert refused.refusal
    assert refused.refusal.code == "job-is-closed"
    assert topics(system, third) == []
    assert intake.tally.broken_rules == {("applied", "job-is-closed"): 1}


def test_a_fact_is_kept_whose_job_is_a_candidate(system: System) -> None:
    intake, one, another = Intake(system.recruiting), uuid4(), uuid4()
    intake.fact(one, Source(source="Fair"), by())
    intake.flush()
    kept = intake.fact(another, Apply(job_id=one, source="Site"), by())
    intake.flush()
    assert [each.metadata.broken_rules for each in kept.events] == [("unknown-job",)]
    assert topics(system, another) == ["candidate.applied"]


def test_a_fact_about_a_job_that_others_always_change_is_refused_by_name(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(system.recruiting, "append", too_late)
    with pytest.raises(ConcurrentChange, match="changed by others again and again"):
        Intake(system.recruiting).job_fact(uuid4(), OpenJob(title="Analyst", stages=STAGES), by())


def test_what_another_writer_will_do_to_a_job_is_decided_on_before_it_is_on_record(
    system: System, elsewhere: System
) -> None:
    job, early, late, closed = uuid4(), uuid4(), uuid4(), by()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())
    waited: list[UUID] = []

    def close(job_id: UUID) -> None:
        if early_is_kept:
            waited.append(job_id)
            Intake(elsewhere.recruiting).job_fact(job, CloseJob(), closed)

    early_is_kept = False
    intake, apply = Intake(system.recruiting, before_job=close), Apply(job_id=job, source="Site")
    intake.fact(early, apply, by())
    intake.foresee(job, CloseJob(), closed)
    assert topics(system, early) == ["candidate.applied"]
    early_is_kept = True
    kept = intake.fact(late, apply, by())
    assert [each.metadata.broken_rules for each in kept.events] == [("job-is-closed",)]
    assert not waited
    intake.flush()
    assert waited == [job]
    assert topics(system, late) == ["candidate.applied"]
    assert topics(system, job)[-1] == "job.closed"
    assert intake.tally.added == 2


def test_what_turns_out_otherwise_than_foreseen_is_decided_anew(
    system: System, elsewhere: System
) -> None:
    job, person = uuid4(), uuid4()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())

    intake = Intake(system.recruiting)
    intake.foresee(job, CloseJob(), by())
    kept = intake.fact(person, Apply(job_id=job, source="Site"), by())
    assert kept.events[0].metadata.broken_rules == ("job-is-closed",)
    for intent in (ChangeStages(stages=("Call", "Onsite")), CloseJob(), ReopenJob()):
        elsewhere.recruiting.record_job(job, intent, by())
    intake.flush()
    assert not kept.events[0].metadata.broken_rules
    assert (intake.tally.added, intake.tally.broken_rules.total()) == (1, 0)


def test_what_is_on_record_of_a_job_is_not_foreseen_again(system: System) -> None:
    job, closed, intake = uuid4(), by(), Intake(system.recruiting)
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=STAGES), by())
    intake.job_fact(job, CloseJob(), closed)
    intake.job_fact(job, ReopenJob(), by())
    intake.foresee(job, CloseJob(), closed)
    kept = intake.fact(uuid4(), Apply(job_id=job, source="Site"), by())
    assert kept.events[0].metadata.broken_rules == ()
    again = by()
    intake.foresee(job, CloseJob(), again)
    intake.foresee(job, ReopenJob(), by())
    intake.foresee(job, CloseJob(), again)
    kept = intake.fact(uuid4(), Apply(job_id=job, source="Site"), by())
    assert kept.events[0].metadata.broken_rules == ()


def test_rules_that_repeated_facts_broke_are_counted_of_all_who_are_remembered(
    system: System,
) -> None:
    people, unknown = [uuid4() for _ in range(6)], Apply(job_id=uuid4(), source="Site")
    about = {person: by() for person in people}
    first = Intake(system.recruiting)
    for person in people:
        first.fact(person, unknown, about[person])
    first.flush()
    again = Intake(system.recruiting)
    for some in (people[:3], people[3:]):
        again.expect(some)
    for person in people:
        again.fact(person, unknown, about[person])
    again.flush()
    assert (again.tally.added, again.tally.repeated) == (0, 6)
    assert again.tally.broken_rules == {("applied", "unknown-job"): 6}


def test_an_erased_candidate_is_refused_alone(system: System, database: Database) -> None:
    erased, other = uuid4(), uuid4()
    intake = Intake(system.recruiting)
    for each in (erased, other):
        intake.command(each, Source(source="Fair", name="Zoë"), by())
    intake.flush()
    erase = Erase(erasure_id=uuid4(), purposes=EVERY_PURPOSE)
    system.recruiting.record(erased, erase, by())
    with assembled(system.settings, database.service) as later:
        intake = Intake(later.recruiting)
        with pytest.raises(CandidateErased):
            intake.command(erased, Note(text="A name"), by())
        taken = intake.command(other, Note(text="A name"), by())
        intake.flush()
    assert taken.position == 4
    assert intake.tally.added == 1
