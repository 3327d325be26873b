"""Which applications count, and as what: in the whole process and at each stage."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.values import ApplicationStatus, RejectionType
from projections.adverse_impact.pipeline import Application, Outcome, Period, Pipeline, count
from tests.scenario import JOB, NOW

STAGES = ("Phone", "Onsite", "Offer")
OTHER_JOB = UUID("b0000000-0000-4000-8000-000000000002")


def application(status: ApplicationStatus, **more: Any) -> Application:
    given: dict[str, Any] = {
        "application_id": uuid4(),
        "candidate_id": uuid4(),
        "job_id": JOB,
        "job_title": "Cook",
        "status": status,
        "rejection_type": None,
        "offers": 0,
        "applied_at": datetime(2026, 5, 4, tzinfo=UTC),
    }
    return Application(**given | more)


def counted(
    *told: tuple[Application, tuple[str, ...]], outcome: Outcome = Outcome.HIRED
) -> tuple[dict[str | None, list[int]], tuple[int, int]]:
    """Of each stage, None for the whole process: how many passed, of how many."""
    pipeline = Pipeline(
        position=1,
        applications=[each for each, _ in told],
        visited={each.application_id: stages for each, stages in told},
        stages={JOB: STAGES},
    )
    found = count(pipeline, {}, ["sex"], outcome, Period.QUARTER)
    by_stage: dict[str | None, list[int]] = {}
    for row in found.rows:
        assert row.answers == ("",)  # unknown: nobody was asked
        passed = by_stage.setdefault(row.stage, [0, 0])
        passed[0] += row.selected or 0
        passed[1] += row.applicants or 0
    return by_stage, (found.still_open, found.withdrawn)


def test_who_was_turned_down_passed_the_stages_before() -> None:
    rejected = application(ApplicationStatus.REJECTED)
    assert counted((rejected, ("Phone", "Onsite"))) == (
        {None: [0, 1], "Phone": [1, 1], "Onsite": [0, 1]},
        (0, 0),
    )


def test_a_move_back_is_not_passing() -> None:
    rejected = application(ApplicationStatus.REJECTED)
    by_stage, _ = counted((rejected, ("Onsite", "Phone")))
    assert by_stage == {None: [0, 1], "Onsite": [0, 1], "Phone": [0, 1]}


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (application(ApplicationStatus.ACTIVE), (1, 0)),
        (application(ApplicationStatus.ERASED), (1, 0)),
        (application(ApplicationStatus.WITHDRAWN), (0, 1)),
        (
            application(
                ApplicationStatus.REJECTED, rejection_type=RejectionType.CANDIDATE_WITHDREW
            ),
            (0, 1),
        ),
    ],
)
def test_who_was_not_decided_on_counts_at_the_stages_passed_alone(
    left: Application, told: tuple[int, int]
) -> None:
    assert counted((left, ("Phone", "Onsite"))) == ({"Phone": [1, 1]}, told)


def test_whoever_was_hired_passed_every_stage_and_an_offer_is_what_the_report_says() -> None:
    hired = application(ApplicationStatus.HIRED)
    assert counted((hired, ("Phone",)))[0] == {None: [1, 1], "Phone": [1, 1]}
    refused = application(ApplicationStatus.REJECTED, offers=1)
    assert counted((refused, ("Offer",)))[0] == {None: [0, 1], "Offer": [0, 1]}
    by_stage, _ = counted((refused, ("Offer",)), outcome=Outcome.OFFERED)
    assert by_stage == {None: [1, 1], "Offer": [1, 1]}


def test_jobs_of_the_same_title_stand_apart_and_periods_are_named() -> None:
    same = [
        application(ApplicationStatus.HIRED, job_id=job, candidate_id=uuid4())
        for job in (JOB, OTHER_JOB)
    ]
    found = count(Pipeline(1, same, {}, {}), {}, [], Outcome.HIRED, Period.QUARTER)
    assert {row.job for row in found.rows} == {f"Cook ({JOB})", f"Cook ({OTHER_JOB})"}
    assert {row.period for row in found.rows} == {"2026-Q2"}
    assert {row.person for row in found.rows} == {each.candidate_id for each in same}
    assert Period.MONTH.of(NOW) == f"{NOW:%Y-%m}"
