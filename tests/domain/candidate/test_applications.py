"""Applications from applied to an end, each one for itself."""

from collections.abc import Callable
from uuid import UUID, uuid5

import pytest

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.errors import Refusal
from domain.values import Origin, RejectionType
from tests.scenario import (
    APPLICATION,
    CANDIDATE,
    JOB,
    applied,
    closed_job,
    forward,
    given,
    hired,
    offer_accepted,
    offered,
    open_job,
    pooled,
    rejected,
    sourced,
    withdrawn,
)

UNKNOWN = UUID(int=404)
OTHER_JOB = UUID(int=2)
SECOND = UUID(int=22)  # another application

APPLY = i.Apply(job_id=JOB, source="Careers page")
ENDS: list[tuple[e.CandidateEvent, type[Refusal], str]] = [
    (rejected(), errors.AlreadyRejected, "was rejected; reinstate it first"),
    (withdrawn(), errors.AlreadyWithdrawn, "was withdrawn; reinstate it first"),
    (pooled(), errors.AlreadyPooled, "returned to the pool; reinstate it first"),
    (hired(), errors.AlreadyHired, "ended in a hire; nothing more happens to it"),
]
ENDED = pytest.mark.parametrize(("end", "refusal", "advice"), ENDS)


def derived(version: int) -> UUID:
    """The id of an application that is the stream's event `version`."""
    return uuid5(CANDIDATE, f"application {version}")


# Applied


def test_an_application_enters_at_the_first_stage_and_gets_an_id_of_its_own() -> None:
    given().when(APPLY).then(applied("A", application_id=derived(1)))
    given(sourced()).when(APPLY).then(applied("A", application_id=derived(2)))


def test_an_application_may_bring_its_id_its_stage_and_who_it_is() -> None:
    given().when(
        i.ApplyAs(
            job_id=JOB,
            source="Agency X",
            origin=Origin.AGENCY,
            stage="C",
            application_id=APPLICATION,
            name="Ada",
        )
    ).then(applied("C", source="Agency X", origin=Origin.AGENCY, name="Ada"))


def test_nobody_applies_for_a_job_that_is_unknown_or_closed() -> None:
    given(sourced()).when(i.Apply(job_id=UNKNOWN, source="x")).then_refused(
        errors.UnknownJob, containing="was never opened; open it first"
    )
    given(sourced(), jobs=[closed_job()]).when(APPLY).then_refused(
        errors.JobIsClosed, containing="re-open it first"
    )


def test_an_application_enters_no_stage_that_the_job_does_not_have() -> None:
    given().when(i.Apply(job_id=JOB, source="x", stage="Z")).then_refused(
        errors.UnknownStage, containing="has no stage 'Z'; its stages are A, B, C"
    )


def test_there_is_one_active_application_for_a_job() -> None:
    given(applied()).when(APPLY).then_refused(
        errors.AlreadyApplied, containing="advance that one, or end it first"
    )


def test_there_may_be_others_for_other_jobs() -> None:
    given(applied(), jobs=[open_job(), open_job("X", job_id=OTHER_JOB, title="Writer")]).when(
        i.Apply(job_id=OTHER_JOB, source="Careers page")
    ).then(applied("X", application_id=derived(2), job_id=OTHER_JOB, job_title="Writer"))


@ENDED
def test_who_applied_before_may_apply_again_once_that_has_ended(
    end: e.CandidateEvent, refusal: type[Refusal], advice: str
) -> None:
    given(applied(), end).when(APPLY).then(applied("A", application_id=derived(3)))


def test_an_id_is_used_for_one_application_even_when_that_has_ended() -> None:
    given(applied(), rejected()).when(
        i.ApplyAs(job_id=JOB, source="x", application_id=APPLICATION)
    ).then_refused(errors.AlreadyOnRecord, containing="give each one an id of its own")


# Ends


def test_an_application_is_rejected_with_whose_decision_it_was() -> None:
    given(applied("A"), forward("A", "B")).when(
        i.Reject(
            application_id=APPLICATION,
            rejection_type=RejectionType.UNSPECIFIED,
            comment="Not this time",
        )
    ).then(rejected("B", rejection_type=RejectionType.UNSPECIFIED, comment="Not this time"))


def test_an_application_is_withdrawn() -> None:
    given(applied("B")).when(i.Withdraw(application_id=APPLICATION)).then(withdrawn("B"))


def test_a_hire_needs_an_offer_that_was_accepted() -> None:
    hire = i.Hire(application_id=APPLICATION)
    given(applied(), offered(), offer_accepted()).when(hire).then(hired("A"))
    for history in ([applied()], [applied(), offered()]):
        given(*history).when(hire).then_refused(
            errors.NoAcceptedOffer, containing="record offer-accepted first"
        )


def test_nobody_is_hired_for_a_closed_job() -> None:
    given(applied(), offered(), offer_accepted(), jobs=[closed_job()]).when(
        i.Hire(application_id=APPLICATION)
    ).then_refused(errors.JobIsClosed, containing="re-open it first")


def for_application(application_id: UUID) -> list[i.Intent]:
    return [
        i.Advance(application_id=application_id, to_stage="B"),
        i.MakeOffer(application_id=application_id),
        i.AcceptOffer(application_id=application_id),
        i.DeclineOffer(application_id=application_id),
        i.Hire(application_id=application_id),
        i.Reject(application_id=application_id),
        i.Withdraw(application_id=application_id),
    ]


@ENDED
@pytest.mark.parametrize("intent", for_application(APPLICATION), ids=lambda intent: intent.type)
def test_nothing_more_happens_to_an_application_that_has_ended(
    intent: i.Intent, end: e.CandidateEvent, refusal: type[Refusal], advice: str
) -> None:
    given(applied(), offered(), offer_accepted(), end).when(intent).then_refused(
        refusal, containing=advice
    )


@pytest.mark.parametrize(
    "intent",
    [
        *for_application(UNKNOWN),
        i.Reinstate(application_id=UNKNOWN),
        i.ReturnToPool(pool="x", application_id=UNKNOWN),
    ],
    ids=lambda intent: intent.type,
)
def test_nothing_happens_to_an_application_that_there_is_not(intent: i.Intent) -> None:
    given(applied()).when(intent).then_refused(
        errors.UnknownApplication,
        containing=f"has no application {UNKNOWN}; use an id that an applied has returned",
    )


# Each application stands for itself


@pytest.mark.parametrize(
    "act",
    [
        lambda application_id: i.Advance(application_id=application_id, to_stage="B"),
        lambda application_id: i.Reject(application_id=application_id),
    ],
)
def test_the_end_of_one_application_leaves_another_alone(act: Callable[[UUID], i.Intent]) -> None:
    other = {"application_id": SECOND, "job_id": OTHER_JOB, "job_title": "Writer"}
    two = given(
        applied("A"),
        applied("A", **other),
        rejected("A"),
        jobs=[open_job(), open_job(job_id=OTHER_JOB)],
    )
    two.when(act(APPLICATION)).then_refused(errors.AlreadyRejected, containing="reinstate")
    moved, ended = forward("A", "B", **other), rejected("A", **other)
    two.when(act(SECOND)).then(moved if act(SECOND).type == "advanced" else ended)
