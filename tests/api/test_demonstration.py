"""The demonstration company keeps to every rule, repeats itself exactly, and is believable."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from api.demonstration import Step, company, load
from api.demonstration.life import Life
from domain import job as jobs
from domain.candidate import decisions, state
from domain.candidate.intents import ApplyAs, Intent, Interaction
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.intake import Intake
from domain.job import Job
from domain.recorded import Metadata
from domain.taken import Taken
from domain.values import ApplicationStatus
from domain.verdict import refuse_or_record

UNTIL = datetime(2026, 11, 20, 15, 30, 12, 345, tzinfo=UTC)


class Book(Intake):
    """An intake in memory: takes the real decisions, and lets nothing pass that is refused."""

    def __init__(self) -> None:
        self.expected: set[UUID] = set()
        self.candidates: dict[UUID, Candidate] = {}
        self.jobs: dict[UUID, Job] = {}
        self.taken = 0
        self.taken_at_flush = 0

    def expect(self, candidate_ids: Iterable[UUID]) -> None:
        self.expected.update(candidate_ids)

    def command(self, candidate_id: UUID, intent: Intent, metadata: Metadata) -> Taken:
        assert candidate_id in self.expected
        candidate = self.candidates.get(candidate_id) or Candidate(id=candidate_id)
        job_id = decisions.concerned_job(candidate, intent)
        known = Known(candidate, self.jobs.get(job_id) if job_id else None, metadata.occurred_at)
        consequences = decisions.consequences(known, intent)
        for event in refuse_or_record(candidate_id, candidate.version, consequences, metadata):
            self.candidates[candidate_id] = state.evolve(candidate, event)
        self.taken += 1
        return Taken(candidate_id)

    def job_fact(self, job_id: UUID, intent: Intent, metadata: Metadata) -> None:
        job = self.jobs.get(job_id)
        consequences = jobs.consequences(job, intent)
        for event in refuse_or_record(job_id, job.version if job else 0, consequences, metadata):
            self.jobs[job_id] = job = jobs.evolve(job, event)
        self.taken += 1

    def flush(self) -> None:
        self.taken_at_flush = self.taken


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return list(company(300, until=UNTIL))


@pytest.mark.parametrize("seed", range(1, 4))
def test_no_step_breaks_a_rule(seed: int) -> None:
    book, told = Book(), list(company(300, seed=seed, until=UNTIL))
    counts: list[int] = []
    load(book, told, counts.append)
    assert book.taken_at_flush == counts[-1] == len(told)
    assert counts == sorted(counts)


@pytest.mark.parametrize("candidates", [0, 1, 12])
def test_a_small_company_is_one_too(candidates: int) -> None:
    book = Book()
    load(book, company(candidates, until=UNTIL), lambda _: None)
    assert len(book.candidates) <= candidates
    assert book.jobs


def test_the_same_arguments_give_the_same_steps(steps: list[Step]) -> None:
    assert list(company(300, seed=1, until=UNTIL)) == steps


@pytest.mark.parametrize(
    ("candidates", "seed", "until"),
    [(300, 2, UNTIL), (301, 1, UNTIL), (300, 1, UNTIL + timedelta(seconds=1))],
)
def test_companies_that_differ_share_no_identifier(
    steps: list[Step], candidates: int, seed: int, until: datetime
) -> None:
    other = list(company(candidates, seed=seed, until=until))
    assert not {step.stream for step in steps} & {step.stream for step in other}
    assert not _command_ids(steps) & _command_ids(other)


def test_no_command_id_is_given_twice(steps: list[Step]) -> None:
    assert len(_command_ids(steps)) == len(steps)


def test_times_are_in_order_within_two_years_and_never_in_the_future(steps: list[Step]) -> None:
    happened = [step.metadata.occurred_at for step in steps]
    assert happened == sorted(happened)
    assert UNTIL.replace(year=UNTIL.year - 2) <= happened[0]
    assert all(step.metadata.occurred_at <= step.metadata.recorded_at <= UNTIL for step in steps)


def test_a_few_things_are_written_down_late(steps: list[Step]) -> None:
    late = [step.metadata.recorded_at - step.metadata.occurred_at for step in steps]
    days_late = sum(delay >= timedelta(days=1) for delay in late) / len(late)
    assert 0.005 < days_late < 0.05
    assert any(timedelta(0) < delay < timedelta(hours=1) for delay in late)


def test_the_company_works_in_working_hours(steps: list[Step]) -> None:
    for step in steps:
        if step.metadata.actor.startswith(("recruiter:", "hiring-manager:", "sourcer:")):
            moment = step.metadata.occurred_at
            assert moment.weekday() < 5
            assert 8 <= moment.hour <= 18  # a call just before six is noted after it


def test_every_interaction_occurs_as_a_client_would_send_it(steps: list[Step]) -> None:
    adapter: TypeAdapter[Intent] = TypeAdapter(Interaction)
    intents = [step.intent for step in steps if not step.of_job]
    for intent in intents:
        own_id = {"application_id"} if isinstance(intent, ApplyAs) else None
        sent = adapter.validate_python(intent.model_dump(exclude=own_id))
        assert sent.what().items() <= intent.what().items()
    assert {intent.type for intent in intents} == {
        each.model_fields["type"].default for each in get_args(get_args(Interaction)[0])
    }


def test_jobs_open_change_close_and_open_again(steps: list[Step]) -> None:
    happened = Counter(type(step.intent) for step in steps if step.of_job)
    assert 12 <= happened[jobs.OpenJob] <= 24
    assert 1 <= happened[jobs.ChangeStages] <= 2
    assert 1 <= happened[jobs.ReopenJob] < happened[jobs.CloseJob] < happened[jobs.OpenJob]


def test_who_did_it_for_whom_and_why_is_told(steps: list[Step]) -> None:
    kinds = {step.metadata.actor.partition(":")[0] for step in steps}
    assert kinds >= {"recruiter", "sourcer", "hiring-manager", "candidate", "system", "integration"}
    assert any(step.metadata.on_behalf_of for step in steps)
    assert all(step.metadata.reason for step in steps if step.intent.type == "rejected")
    assert {step.metadata.provenance for step in steps} == {"demo"}


def test_the_newest_open_jobs_have_a_board_to_look_at() -> None:
    book, told = Book(), list(company(1_000, until=UNTIL))
    load(book, told, lambda _: None)
    assert 8 <= len(told) / 1_000 <= 10
    board: dict[UUID, Counter[str | None]] = defaultdict(Counter)
    for candidate in book.candidates.values():
        for application in candidate.applications.values():
            if application.status is ApplicationStatus.ACTIVE and application.job_id:
                assert book.jobs[application.job_id].is_open
                board[application.job_id][application.stage] += 1
    fullest = sorted(board.values(), key=Counter.total)[-3:]
    assert all(stages.total() >= 8 and len(stages) >= 2 for stages in fullest)
    assert sum(stages.total() for stages in fullest) >= 36


def test_only_stories_under_way_are_held() -> None:
    candidates, most = 1_500, 0
    for number, _ in enumerate(company(candidates, until=UNTIL)):
        if number % 2_500 == 0:
            most = max(most, sum(isinstance(each, Life) for each in gc.get_objects()))
    assert 0 < most < candidates / 6


def _command_ids(steps: list[Step]) -> set[UUID]:
    return {step.metadata.command_id for step in steps}
