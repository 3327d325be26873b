"""Where an application stands: advanced from stage to stage, and reinstated after its end."""

from uuid import UUID

import pytest

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from tests.scenario import (
    APPLICATION,
    advanced,
    applied,
    back,
    closed_job,
    forward,
    given,
    hired,
    pooled,
    reinstated,
    rejected,
    withdrawn,
)

SECOND = UUID(int=22)  # another application


# Advanced


def to(stage: str, from_stage: str | None = None) -> i.Advance:
    return i.Advance(application_id=APPLICATION, to_stage=stage, from_stage=from_stage)


def test_an_application_moves_forward_back_and_over_stages() -> None:
    given(applied("A")).when(to("B")).then(forward("A", "B"))
    given(applied("A")).when(to("C")).then(forward("A", "C"))
    given(applied("A"), forward("A", "C")).when(to("B")).then(back("C", "B"))


def test_a_move_out_of_a_stage_that_was_removed_has_no_direction() -> None:
    given(applied("Old")).when(to("B")).then(advanced("Old", "B"))


def test_a_job_that_was_closed_still_lets_its_applications_move() -> None:
    given(applied("A"), jobs=[closed_job()]).when(to("B")).then(forward("A", "B"))


def test_a_move_goes_to_another_stage_that_the_job_has() -> None:
    given(applied("A")).when(to("A")).then_refused(
        errors.AlreadyInStage, containing=f"application {APPLICATION} is in 'A' already"
    )
    given(applied("A")).when(to("Z")).then_refused(
        errors.UnknownStage, containing="its stages are A, B, C"
    )


def test_a_move_may_say_from_where_and_is_refused_when_that_is_no_longer_so() -> None:
    given(applied("A")).when(to("B", from_stage="A")).then(forward("A", "B"))
    given(applied("A"), forward("A", "B")).when(to("C", from_stage="A")).then_refused(
        errors.StageMismatch, containing="is in 'B', not in 'A'; read it again and decide anew"
    )


# Reinstated


@pytest.mark.parametrize(
    ("end", "status"),
    [(rejected("B"), "rejected"), (withdrawn("B"), "withdrawn"), (pooled(stage="B"), "pooled")],
)
def test_an_application_that_ended_goes_on_where_it_stood_or_at_another_stage(
    end: e.CandidateEvent, status: str
) -> None:
    ended = given(applied("A"), forward("A", "B"), end)
    ended.when(i.Reinstate(application_id=APPLICATION)).then(reinstated("B", from_status=status))
    ended.when(i.Reinstate(application_id=APPLICATION, stage="A")).then(
        reinstated("A", from_status=status)
    )
    ended.when(i.Reinstate(application_id=APPLICATION, stage="Z")).then_refused(
        errors.UnknownStage, containing="its stages are A, B, C"
    )


def test_an_application_that_goes_on_can_do_all_that_it_could() -> None:
    again = given(applied(), rejected(), reinstated())
    again.when(to("B")).then(forward("A", "B"))
    again.when(i.Reject(application_id=APPLICATION)).then(rejected("A"))


def test_only_an_application_that_ended_without_a_hire_is_reinstated() -> None:
    reinstate = i.Reinstate(application_id=APPLICATION)
    given(applied()).when(reinstate).then_refused(
        errors.AlreadyActive, containing=f"{APPLICATION} is active already"
    )
    given(applied(), hired()).when(reinstate).then_refused(
        errors.AlreadyHired, containing="record a new application instead"
    )


def test_no_application_is_reinstated_beside_a_later_one_for_the_same_job() -> None:
    given(applied(), rejected(), applied(application_id=SECOND)).when(
        i.Reinstate(application_id=APPLICATION)
    ).then_refused(errors.AlreadyApplied, containing=f"has the active application {SECOND}")


def test_no_application_is_reinstated_for_a_closed_job() -> None:
    given(applied(), rejected(), jobs=[closed_job()]).when(
        i.Reinstate(application_id=APPLICATION)
    ).then_refused(errors.JobIsClosed, containing="re-open it first")
