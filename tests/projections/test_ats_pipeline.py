"""The pipeline: events to jobs, applications and sealed names."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from msgspec import structs
from msgspec.structs import asdict

from domain.candidate import events as e
from domain.erasure import EVERY_PURPOSE
from domain.job_events import (
    HiringManagersChanged,
    JobClosed,
    JobOpened,
    JobReopened,
    StagesChanged,
    StagesDefined,
)
from domain.recorded import Happened
from domain.values import Origin, RejectionType
from projections.ats_pipeline import ATS_PIPELINE
from projections.ats_pipeline.rows import (
    APPLICATIONS,
    JOBS,
    PEOPLE,
    STAGE_VISITS,
    Application,
    Job,
    Person,
)
from projections.runtime.contract import Forgotten
from tests.projections.pipeline import application, by, stays
from tests.scenario import (
    ACTOR,
    APPLICATION,
    CANDIDATE,
    JOB,
    STRAY,
    TITLE,
    Told,
    advanced,
    applied,
    day,
    forward,
    hired,
    in_pool,
    log,
    offer_accepted,
    offer_declined,
    offered,
    project,
    reinstated,
    rejected,
    rows,
    sourced,
)

ERASED = e.Erased(erasure_id=UUID(int=1), purposes=EVERY_PURPOSE)
SECOND = UUID("a0000000-0000-4000-8000-000000000002")


# Applications


def test_an_application_tells_all_of_its_beginning() -> None:
    told = log(applied("A", source="Agency X", origin=Origin.AGENCY), position=7)
    assert rows(ATS_PIPELINE, APPLICATIONS, told) == [
        Application(
            application_id=APPLICATION,
            candidate_id=CANDIDATE,
            job_id=JOB,
            job_title=TITLE,
            status="active",
            stage="A",
            stage_visit=1,
            stage_entered_at=day(0),
            stage_entered_by=ACTOR,
            origin="agency",
            source="Agency X",
            applied_at=day(0),
            ended_at=None,
            end_reason=None,
            rejection_type=None,
            offers=0,
            offer_status=None,
            broken_rules=0,
            last_event_at=day(0),
            updated_at=day(0),
            first_position=7,
            last_position=7,
        )
    ]


def test_a_move_shows_where_it_stands_since_when_and_by_whom() -> None:
    moved = application(applied("A"), by("bob", forward("A", "B")))
    assert (moved.stage, moved.stage_visit) == ("B", 2)
    assert (moved.stage_entered_at, moved.stage_entered_by) == (day(1), "bob")
    assert (moved.first_position, moved.last_position) == (1, 2)
    assert (moved.applied_at, moved.last_event_at) == (day(0), day(1))


def test_a_rejection_shows_whose_it_was_and_why_until_it_is_undone() -> None:
    rejection = rejected("A", rejection_type=RejectionType.CANDIDATE_WITHDREW)
    history = (applied("A"), (rejection, {"reason": "Found another job"}))
    ended = application(*history)
    assert (ended.rejection_type, ended.end_reason) == ("candidate-withdrew", "Found another job")
    again = application(*history, reinstated("A"))
    assert (again.rejection_type, again.end_reason) == (None, None)


@pytest.mark.parametrize(
    ("answers", "offers", "status"),
    [
        ([], 0, None),
        ([offered(1)], 1, "outstanding"),
        ([offered(1), offered(2)], 2, "outstanding"),
        ([offered(1), offer_declined(1)], 1, "declined"),
        ([offered(1), offer_declined(1), offered(2)], 2, "outstanding"),
        ([offered(1), offered(2), offer_accepted(2)], 2, "accepted"),
    ],
)
def test_offers_are_counted(answers: Sequence[Happened], offers: int, status: str | None) -> None:
    shown = application(applied("A"), *answers)
    assert (shown.offers, shown.offer_status) == (offers, status)


def test_events_that_broke_rules_are_counted() -> None:
    broken = {"broken_rules": ("already-rejected", "unknown-stage")}
    shown = application(
        applied("A"), rejected("A"), (forward("A", "Z"), broken), (offered(), broken)
    )
    assert shown.broken_rules == 2


def test_an_application_that_begins_in_the_middle_has_a_row_too() -> None:
    stray = application(advanced(None, "B", **STRAY))
    assert (stray.stage, stray.job_id, stray.applied_at, stray.status) == (
        "B",
        None,
        None,
        "active",
    )
    assert stays(offered(1, None, **STRAY), rejected(None, **STRAY)) == []
    ended = application(offered(1, None, **STRAY), rejected(None, **STRAY))
    assert (ended.status, ended.ended_at, ended.stage_visit) == ("rejected", day(1), 0)


def test_each_application_of_a_candidate_has_its_row_and_visits() -> None:
    history = log(applied("A"), applied("A", application_id=SECOND), rejected("A"))
    found = project(ATS_PIPELINE, history)
    statuses = {key: asdict(row)["status"] for key, row in found[APPLICATIONS].items()}
    assert statuses == {(CANDIDATE, APPLICATION): "rejected", (CANDIDATE, SECOND): "active"}
    assert set(found[STAGE_VISITS]) == {(APPLICATION, 1), (SECOND, 1)}


def test_an_erasure_of_the_person_ends_what_was_active() -> None:
    history = (applied("A", name="contact:c2"), offered(1, "A"), ERASED)
    ended = application(*history)
    assert (ended.status, ended.ended_at, ended.updated_at) == ("erased", day(2), day(2))
    assert (ended.stage, ended.offers, ended.last_position) == ("A", 1, 3)
    assert stays(*history) == [("A", day(0), day(2), "erased")]
    told = log(*history)
    assert rows(ATS_PIPELINE, PEOPLE, told) == [Person(CANDIDATE, None)]
    decided = application(applied("A"), rejected("A"), ERASED)
    assert (decided.status, decided.ended_at, decided.updated_at) == ("rejected", day(1), day(1))
    partly = structs.replace(ERASED, purposes=EVERY_PURPOSE[:1])
    assert application(applied("A"), partly).status == "active"
    assert set(project(ATS_PIPELINE, log(ERASED))) == {PEOPLE}


def test_a_fact_of_an_erased_person_is_kept_and_nothing_goes_on_with_it() -> None:
    late = {"broken_rules": ("candidate-erased",)}
    begun = (ERASED, (applied("A"), late))
    assert application(*begun).status == "erased"
    assert stays(*begun) == [("A", day(1), day(1), "erased")]
    again = (applied("A"), ERASED, (reinstated("B"), late))
    assert (application(*again).status, application(*again).ended_at) == ("erased", day(2))
    assert stays(*again) == [("A", day(0), day(1), "erased"), ("B", day(2), day(2), "erased")]
    assert application(ERASED, (hired("A"), late)).status == "hired"
    partly = {"broken_rules": ("purpose-erased",)}
    assert application((applied("A", name="contact:"), partly)).status == "active"


def test_each_of_several_erasures_in_a_batch_ends_what_came_before_it() -> None:
    other = UUID(int=2)
    later = log(applied("A", application_id=SECOND), ERASED)
    batch = [
        *log(applied("A"), ERASED),
        *(structs.replace(each, originator_id=other) for each in later),
    ]
    found = project(ATS_PIPELINE, batch)[APPLICATIONS]
    assert {key: asdict(row)["status"] for key, row in found.items()} == {
        (CANDIDATE, APPLICATION): "erased",
        (other, SECOND): "erased",
    }


def test_an_erasure_of_later_takes_only_the_name() -> None:
    """Where rows are as of a moment before it."""
    history = (applied("A", name="contact:c2"), Forgotten(**structs.asdict(ERASED)))
    assert application(*history) == application(applied("A"))
    assert rows(ATS_PIPELINE, PEOPLE, log(*history)) == [Person(CANDIDATE, None)]


def test_a_pool_without_an_application_is_none_of_the_pipeline() -> None:
    assert project(ATS_PIPELINE, log(sourced(), in_pool())) == {}


# Jobs

OPENED = (
    JobOpened(title=TITLE, department="R&D", location="Oslo", openings=2),
    StagesDefined(stages=("A", "B")),
)


def job(*history: Told) -> Job:
    (row,) = rows(ATS_PIPELINE, JOBS, log(*history, stream=JOB, position=4))
    assert isinstance(row, Job)
    return row


def test_a_job_is_shown_with_its_stages() -> None:
    assert job(*OPENED) == Job(
        JOB,
        TITLE,
        *("R&D", "Oslo", 2, ["A", "B"], "open", day(0), None, []),
        updated_at=day(1),
        first_position=4,
    )


def test_a_job_shows_its_present_stages() -> None:
    changed = StagesChanged(from_stages=("A", "B"), to_stages=("B", "C"))
    assert job(*OPENED, changed).stages == ["B", "C"]


def test_a_job_shows_its_present_hiring_managers() -> None:
    opened = JobOpened(title=TITLE, hiring_managers=("kim",))
    assert job(opened).hiring_managers == ["kim"]
    changed = HiringManagersChanged(from_hiring_managers=("kim",), to_hiring_managers=("lee",))
    assert job(opened, changed).hiring_managers == ["lee"]


def test_a_job_is_shown_as_closed_until_it_is_re_opened() -> None:
    closed = job(*OPENED, JobClosed())
    assert (closed.status, closed.closed_at) == ("closed", day(2))
    again = job(*OPENED, JobClosed(), JobReopened())
    assert (again.status, again.closed_at, again.opened_at) == ("open", None, day(0))


def test_what_changes_a_row_is_seen_by_when_it_was_recorded_however_long_ago_it_was() -> None:
    late = {"occurred_at": day(-9), "recorded_at": day(30)}
    by_a_slow_clock = {"recorded_at": day(29)}
    moved = application(
        applied("A"), (forward("A", "B"), late), (forward("B", "C"), by_a_slow_clock)
    )
    assert (moved.updated_at, moved.last_event_at) == (day(30), day(2))
    assert job(*OPENED, (JobClosed(), late)).updated_at == day(30)
    assert job(*OPENED, (JobClosed(), late), (JobReopened(), by_a_slow_clock)).updated_at == day(30)


# Names


def name(*history: Told) -> str | None:
    (row,) = rows(ATS_PIPELINE, PEOPLE, log(*history))
    assert isinstance(row, Person)
    return row.name


def test_the_latest_name_is_kept_as_sealed_as_it_comes() -> None:
    assert name(sourced(name="contact:c2VhbGVk")) == "contact:c2VhbGVk"
    assert name(sourced(name="1"), applied(name="2")) == "2"
    assert name(sourced(name="1"), e.ProfileUpdated(name="3"), applied()) == "3"


def test_a_name_that_was_taken_away_is_gone() -> None:
    assert name(applied(name="1"), e.ProfileUpdated(removed=("name",))) is None
    assert name(applied(name="1"), e.ProfileUpdated(removed=("email",))) == "1"
