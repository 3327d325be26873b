"""What is known of a candidate after events, beyond what decisions show."""

from uuid import UUID

import pytest

from domain.candidate import events as e
from domain.candidate import state
from domain.job_events import JobOpened
from domain.recorded import Happened
from domain.values import ApplicationStatus, Origin
from tests.scenario import (
    APPLICATION,
    JOB,
    TITLE,
    applied,
    candidate,
    day,
    forward,
    hired,
    in_pool,
    log,
    pooled,
    reinstated,
    rejected,
    sourced,
    withdrawn,
)

SECOND = UUID(int=22)


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ([sourced()], "prospect"),
        ([sourced(), in_pool()], "prospect"),
        ([applied()], "applicant"),
        ([applied(), rejected()], "prospect"),
        ([applied(), withdrawn()], "prospect"),
        ([applied(), pooled()], "prospect"),
        ([applied(), rejected(), reinstated()], "applicant"),
        ([applied(), hired()], "hired"),
        ([applied(), hired(), applied(application_id=SECOND)], "applicant"),
        ([applied(), hired(), applied(application_id=SECOND), rejected()], "applicant"),
    ],
)
def test_a_person_is_a_prospect_an_applicant_or_hired(history: list[Happened], status: str) -> None:
    assert candidate(*history).status == status


def test_the_first_origin_stays_and_details_are_learnt_from_each_event() -> None:
    known = candidate(
        sourced(source="Meetup", origin=Origin.REFERRED, name="Ada", phone="1"),
        applied(source="Careers page", email="ada@example.org"),
        e.ProfileUpdated(name="Ada Lovelace", removed=("phone",)),
    )
    assert (known.origin, known.source) == (Origin.REFERRED, "Meetup")
    assert known.details == {"name": "Ada Lovelace", "email": "ada@example.org"}


def test_who_applies_first_comes_from_there() -> None:
    known = candidate(applied(source="Agency X", origin=Origin.AGENCY), sourced())
    assert (known.origin, known.source) == (Origin.AGENCY, "Agency X")
    application = known.applications[APPLICATION]
    assert (application.origin, application.source) == (Origin.AGENCY, "Agency X")
    assert (application.job_id, application.job_title) == (JOB, TITLE)


def test_a_stream_of_jobs_is_no_candidate() -> None:
    assert state.fold(None, log(JobOpened(title=TITLE), stream=JOB)) is None


def test_an_application_knows_when_it_began_and_ended() -> None:
    ended = candidate(applied("A"), forward("A", "B"), rejected("B")).applications[APPLICATION]
    assert (ended.applied_at, ended.ended_at) == (day(0), day(2))
    assert (ended.status, ended.stage) == (ApplicationStatus.REJECTED, "B")
    again = candidate(applied("A"), rejected("A"), reinstated("B")).applications[APPLICATION]
    assert (again.status, again.stage, again.ended_at) == (ApplicationStatus.ACTIVE, "B", None)


def test_the_latest_moment_counts_also_when_older_news_comes_later() -> None:
    late = (e.Noted(text="?"), {"occurred_at": day(-30)})
    assert candidate(sourced(), applied(), late).last_occurred_at == day(1)


def test_a_command_is_known_by_its_id_with_the_first_event_it_led_to() -> None:
    once, twice = UUID(int=1), UUID(int=2)
    known = candidate(
        (sourced(), {"command_id": once}),
        (in_pool(), {"command_id": twice}),
        (e.Noted(text="?"), {"command_id": twice}),
    )
    assert known.commands == {once: 1, twice: 2}
    assert known.version == 3
