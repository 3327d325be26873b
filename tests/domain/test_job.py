"""A job: opened with its stages, changed, closed and re-opened."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from domain import errors
from domain import job as j
from domain.candidate.intents import Intent
from domain.job import (
    ChangeHiringManagers,
    ChangeStages,
    CloseJob,
    Job,
    JobChange,
    OpenJob,
    ReopenJob,
)
from domain.job_events import (
    HiringManagersChanged,
    JobClosed,
    JobOpened,
    JobReopened,
    StagesChanged,
    StagesDefined,
)
from domain.recorded import Happened
from tests.scenario import JOB, NOW, TITLE, Told, day, given, log, sourced

MANY = tuple(f"stage {number}" for number in range(51))
OPENED = (JobOpened(title=TITLE), StagesDefined(stages=("A", "B")))


def job(*history: Told) -> Job | None:
    return j.fold(None, log(*history, stream=JOB))


def test_a_job_is_opened_with_its_stages() -> None:
    given().when(
        OpenJob(title=TITLE, department="R&D", location="Oslo", openings=2, stages=("A", "B"))
    ).then(
        JobOpened(title=TITLE, department="R&D", location="Oslo", openings=2),
        StagesDefined(stages=("A", "B")),
    )


def test_a_job_that_names_no_stages_gets_the_usual_ones() -> None:
    given().when(OpenJob(title=TITLE)).then(
        JobOpened(title=TITLE, openings=1),
        StagesDefined(
            stages=("Application review", "Phone screen", "Interview", "Final interview", "Offer")
        ),
    )


def test_stages_are_changed_also_while_the_job_is_closed() -> None:
    change = StagesChanged(from_stages=("A", "B"), to_stages=("B", "C"))
    given(*OPENED).when(ChangeStages(stages=("B", "C"))).then(change)
    given(*OPENED, JobClosed()).when(ChangeStages(stages=("B", "C"))).then(change)
    given(*OPENED, change).when(ChangeStages(stages=("A", "B"))).then(
        StagesChanged(from_stages=("B", "C"), to_stages=("A", "B"))
    )


def test_another_order_of_stages_is_a_change() -> None:
    given(*OPENED).when(ChangeStages(stages=("B", "A"))).then(
        StagesChanged(from_stages=("A", "B"), to_stages=("B", "A"))
    )


def test_a_job_is_closed_and_opened_again_and_closed_again() -> None:
    given(*OPENED).when(CloseJob()).then(JobClosed())
    given(*OPENED, JobClosed()).when(ReopenJob()).then(JobReopened())
    given(*OPENED, JobClosed(), JobReopened()).when(CloseJob()).then(JobClosed())


@pytest.mark.parametrize(
    ("history", "intent", "refusal", "advice"),
    [
        (OPENED, OpenJob(title=TITLE), errors.AlreadyOnRecord, "open another one"),
        (OPENED, ChangeStages(stages=("A", "B")), errors.StagesUnchanged, "exactly these stages"),
        ((*OPENED, JobClosed()), CloseJob(), errors.JobAlreadyClosed, "is closed already"),
        (OPENED, ReopenJob(), errors.JobAlreadyOpen, "is open already"),
        ((), ChangeStages(stages=("A",)), errors.JobNotFound, "never opened; open it first"),
        ((), CloseJob(), errors.JobNotFound, "never opened; open it first"),
        ((), ReopenJob(), errors.JobNotFound, "never opened; open it first"),
    ],
)
def test_refusals(
    history: tuple[Happened, ...], intent: Intent, refusal: type[errors.Refusal], advice: str
) -> None:
    given(*history).when(intent).then_refused(refusal, containing=advice)


def test_no_job_is_opened_in_the_future() -> None:
    given().when(OpenJob(title=TITLE), occurred_at=NOW + timedelta(hours=1)).then_refused(
        errors.OccurredInFuture, containing="when it has happened"
    )


def test_facts_of_jobs_are_kept_and_marked() -> None:
    given().when_fact(ChangeStages(stages=("A",))).then(
        StagesChanged(from_stages=(), to_stages=("A",)), broken=("job-not-found",)
    )
    given(*OPENED, JobClosed()).when_fact(CloseJob()).then(
        JobClosed(), broken=("job-already-closed",)
    )
    given(*OPENED).when_fact(OpenJob(title="Writer", stages=("X",))).then(
        JobOpened(title="Writer"), StagesDefined(stages=("X",)), broken=("already-on-record",)
    )


@pytest.mark.parametrize("stages", [(), ("A", "A"), ("A", " A "), ("",), MANY])
def test_stages_that_make_no_pipeline_are_none(stages: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        ChangeStages(stages=stages)
    with pytest.raises(ValidationError):
        OpenJob(title=TITLE, stages=stages)


@pytest.mark.parametrize("openings", [0, -1, 10_001])
def test_a_job_has_a_sensible_number_of_openings(openings: int) -> None:
    with pytest.raises(ValidationError):
        OpenJob(title=TITLE, openings=openings)
    assert [OpenJob(title=TITLE, openings=some).openings for some in (1, 10_000)] == [1, 10_000]


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("stages-changed", ChangeStages(stages=MANY[:50])),
        ("hiring-managers-changed", ChangeHiringManagers(hiring_managers=("kim",))),
        ("closed", CloseJob()),
        ("reopened", ReopenJob()),
    ],
)
def test_a_change_is_known_by_its_name(name: str, intent: Intent) -> None:
    wire = intent.model_dump_json(exclude_none=True)
    assert intent.type == name
    assert TypeAdapter[Intent](JobChange).validate_json(wire) == intent


def test_the_record_tells_the_job() -> None:
    assert job() is None
    assert job(sourced()) is None
    opened = JobOpened(title=TITLE, department="R&D", location="Oslo", openings=2)
    assert job(opened, OPENED[1]) == Job(
        id=JOB,
        version=2,
        title=TITLE,
        department="R&D",
        location="Oslo",
        openings=2,
        stages=("A", "B"),
        is_open=True,
        opened_at=day(0),
        updated_at=day(1),
    )


def test_closing_a_job_that_was_never_opened_breaks_one_rule() -> None:
    given().when_fact(CloseJob()).then(JobClosed(), broken=("job-not-found",))


def test_the_record_tells_since_when_a_job_is_closed_until_it_is_re_opened() -> None:
    closed = job(*OPENED, JobClosed())
    assert closed
    assert (closed.is_open, closed.opened_at, closed.closed_at) == (False, day(0), day(2))
    again = job(*OPENED, JobClosed(), JobReopened())
    assert again
    assert (again.is_open, again.closed_at, again.version) == (True, None, 4)


def test_hiring_managers_are_named_and_others_after_them() -> None:
    intent = OpenJob(title=TITLE, stages=("A", "B"), hiring_managers=("kim",))
    opened = JobOpened(title=TITLE, hiring_managers=("kim",))
    given().when(intent).then(opened, OPENED[1])
    change = HiringManagersChanged(from_hiring_managers=("kim",), to_hiring_managers=("lee", "mo"))
    others = ChangeHiringManagers(hiring_managers=("lee", "mo"))
    given(opened, OPENED[1]).when(others).then(change)
    given(opened, OPENED[1], change).when(others).then_refused(
        errors.HiringManagersUnchanged, containing="exactly these hiring managers"
    )
    changed = job(opened, OPENED[1], change)
    assert changed
    assert changed.hiring_managers == ("lee", "mo")
    with pytest.raises(ValidationError, match="a hiring manager twice"):
        ChangeHiringManagers(hiring_managers=("lee", "lee"))


def test_the_record_tells_the_present_stages() -> None:
    changed = job(*OPENED, StagesChanged(from_stages=("A", "B"), to_stages=("C",)))
    assert changed
    assert changed.stages == ("C",)
