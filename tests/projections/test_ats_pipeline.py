"""The pipeline: events to jobs, applications, visits to stages, and sealed names."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest

from domain.candidate import events as e
from domain.job import JobClosed, JobOpened, JobReopened, StagesChanged, StagesDefined
from domain.recorded import Happened
from domain.values import Origin, RejectionType
from projections.ats_pipeline import ATS_PIPELINE, fold
from projections.runtime.batch import fold_batch
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
    back,
    contacted,
    day,
    forward,
    hired,
    in_pool,
    log,
    offer_accepted,
    offer_declined,
    offered,
    pooled,
    project,
    reinstated,
    rejected,
    rows,
    sourced,
    withdrawn,
)

SECOND = UUID("a0000000-0000-4000-8000-000000000002")

# Stage, entered, exited, where to.
Stay = tuple[str | None, datetime | None, datetime | None, str | None]


def stays(*history: Told) -> list[Stay]:
    visits = rows(ATS_PIPELINE, fold.STAGE_VISITS, log(*history))
    assert [visit[1] for visit in visits] == list(range(1, len(visits) + 1))
    return [
        (visit.stage, visit.entered_at, visit.exited_at, visit.exited_to)
        for visit in visits
        if isinstance(visit, fold.StageVisit)
    ]


def application(*history: Told) -> fold.Application:
    (row,) = rows(ATS_PIPELINE, fold.APPLICATIONS, log(*history))
    assert isinstance(row, fold.Application)
    return row


def by(actor: str, event: Happened) -> Told:
    return event, {"actor": actor}


# Visits to stages


def test_an_application_stays_in_its_first_stage() -> None:
    assert stays(applied("A")) == [("A", day(0), None, None)]


def test_going_forward_and_back_makes_a_visit_each() -> None:
    assert stays(applied("A"), forward("A", "C"), back("C", "B")) == [
        ("A", day(0), day(1), "C"),
        ("C", day(1), day(2), "B"),
        ("B", day(2), None, None),
    ]


def test_entering_a_stage_again_is_a_new_visit_and_the_first_keeps_its_times() -> None:
    assert stays(applied("A"), forward("A", "B"), back("B", "A"), forward("A", "B")) == [
        ("A", day(0), day(1), "B"),
        ("B", day(1), day(2), "A"),
        ("A", day(2), day(3), "B"),
        ("B", day(3), None, None),
    ]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (hired("B"), "hired"),
        (rejected("B"), "rejected"),
        (withdrawn("B"), "withdrawn"),
        (pooled(stage="B"), "pooled"),
    ],
)
def test_every_end_stops_the_clock(end: Happened, status: str) -> None:
    history = (applied("A"), forward("A", "B"), end)
    assert stays(*history)[-1] == ("B", day(1), day(2), status)
    ended = application(*history)
    assert (ended.status, ended.ended_at, ended.stage) == (status, day(2), "B")


def test_reinstating_opens_a_new_visit() -> None:
    history = (applied("A"), rejected("A"), reinstated("A"), forward("A", "B"))
    assert stays(*history)[1:] == [
        ("A", day(2), day(3), "B"),
        ("B", day(3), None, None),
    ]
    again = application(*history)
    assert (again.status, again.ended_at, again.stage_visit) == ("active", None, 3)


def test_who_moved_an_application_in_and_out_is_kept() -> None:
    visits = rows(
        ATS_PIPELINE,
        fold.STAGE_VISITS,
        log(by("ada", applied("A")), by("bob", forward("A", "B")), by("eve", rejected("B"))),
    )
    assert visits == [
        fold.StageVisit(APPLICATION, 1, CANDIDATE, JOB, "A", day(0), "ada", day(1), "bob", "B"),
        fold.StageVisit(
            APPLICATION, 2, CANDIDATE, JOB, "B", day(1), "bob", day(2), "eve", "rejected"
        ),
    ]


def test_times_are_those_in_the_world_not_those_of_recording() -> None:
    late = {"occurred_at": day(10), "recorded_at": day(90)}
    assert stays(applied("A"), (forward("A", "B"), late)) == [
        ("A", day(0), day(10), "B"),
        ("B", day(10), None, None),
    ]


def test_a_fact_after_the_end_is_a_visit_without_duration_and_prolongs_nothing() -> None:
    history = (applied("A"), rejected("A"), forward("A", "B"), offered(1, "B"))
    assert stays(*history) == [
        ("A", day(0), day(1), "rejected"),
        ("B", day(2), day(2), "rejected"),
    ]
    ended = application(*history)
    assert (ended.status, ended.ended_at) == ("rejected", day(1))
    assert ended.last_event_at == day(3)


OTHERWISE = rejected("A", rejection_type=RejectionType.UNSPECIFIED)


@pytest.mark.parametrize("later", [hired("A"), withdrawn("A"), OTHERWISE, pooled()])
def test_an_end_after_the_end_changes_neither_visits_nor_how_it_ended(later: Happened) -> None:
    once = (applied("A"), (rejected("A"), {"reason": "Too junior"}))
    assert stays(*once, (later, {"reason": "Other"})) == stays(*once)
    ended = application(*once, (later, {"reason": "Other"}))
    assert (ended.status, ended.ended_at, ended.end_reason) == ("rejected", day(1), "Too junior")
    assert ended.rejection_type == "we-rejected"


def test_a_stage_entered_twice_in_a_row_is_two_visits() -> None:
    assert stays(applied("A"), advanced("A", "A")) == [
        ("A", day(0), day(1), "A"),
        ("A", day(1), None, None),
    ]


def test_messages_notes_and_offers_open_no_visit() -> None:
    history = (
        applied("A"),
        contacted(application_id=APPLICATION),
        e.Noted(text="?", application_id=APPLICATION),
        offered(),
        offer_accepted(),
    )
    assert stays(*history) == [("A", day(0), None, None)]


# Applications


def test_an_application_tells_all_of_its_beginning() -> None:
    told = log(applied("A", source="Agency X", origin=Origin.AGENCY), position=7)
    assert rows(ATS_PIPELINE, fold.APPLICATIONS, told) == [
        fold.Application(
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
    statuses = {key: row[4] for key, row in found[fold.APPLICATIONS].items()}
    assert statuses == {(APPLICATION,): "rejected", (SECOND,): "active"}
    assert set(found[fold.STAGE_VISITS]) == {(APPLICATION, 1), (SECOND, 1)}


def test_an_application_is_never_taken_for_another_candidate_s() -> None:
    mine, other = log(applied("A")), log(rejected("A"), stream=UUID(int=9), position=2)
    folded = fold_batch(ATS_PIPELINE, [*mine, *other], {}, {})
    assert [each.recorded for each in folded.parked] == other
    assert folded.changed == project(ATS_PIPELINE, mine)


def test_a_pool_without_an_application_is_none_of_the_pipeline() -> None:
    assert project(ATS_PIPELINE, log(sourced(), in_pool())) == {}


# Jobs

OPENED = (
    JobOpened(title=TITLE, department="R&D", location="Oslo", openings=2),
    StagesDefined(stages=("A", "B")),
)


def job(*history: Told) -> fold.Job:
    (row,) = rows(ATS_PIPELINE, fold.JOBS, log(*history, stream=JOB, position=4))
    assert isinstance(row, fold.Job)
    return row


def test_a_job_is_shown_with_its_stages() -> None:
    assert job(*OPENED) == fold.Job(
        JOB, TITLE, "R&D", "Oslo", 2, ["A", "B"], "open", day(0), None, first_position=4
    )


def test_a_job_shows_its_present_stages() -> None:
    changed = StagesChanged(from_stages=("A", "B"), to_stages=("B", "C"))
    assert job(*OPENED, changed).stages == ["B", "C"]


def test_a_job_is_shown_as_closed_until_it_is_re_opened() -> None:
    closed = job(*OPENED, JobClosed())
    assert (closed.status, closed.closed_at) == ("closed", day(2))
    again = job(*OPENED, JobClosed(), JobReopened())
    assert (again.status, again.closed_at, again.opened_at) == ("open", None, day(0))


# Names


def name(*history: Told) -> str | None:
    (row,) = rows(ATS_PIPELINE, fold.PEOPLE, log(*history))
    assert isinstance(row, fold.Person)
    return row.name


def test_the_latest_name_is_kept_as_sealed_as_it_comes() -> None:
    assert name(sourced(name="contact:c2VhbGVk")) == "contact:c2VhbGVk"
    assert name(sourced(name="1"), applied(name="2")) == "2"
    assert name(sourced(name="1"), e.ProfileUpdated(name="3"), applied()) == "3"


def test_a_name_that_was_taken_away_is_gone() -> None:
    assert name(applied(name="1"), e.ProfileUpdated(removed=("name",))) is None
    assert name(applied(name="1"), e.ProfileUpdated(removed=("email",))) == "1"


def test_reinstating_keeps_the_exit_of_the_visit_that_the_rejection_closed() -> None:
    told = log(applied("A"), rejected("A"), reinstated("A"))
    first, second = rows(ATS_PIPELINE, fold.STAGE_VISITS, told)
    assert isinstance(first, fold.StageVisit)
    assert isinstance(second, fold.StageVisit)
    assert (first.exited_at, first.exited_to) == (day(1), "rejected")
    assert (second.entered_at, second.exited_at) == (day(2), None)
