"""The pipeline: visits to stages, each with its exact times."""

import pytest

from domain.candidate import events as e
from domain.recorded import Happened
from domain.values import RejectionType
from projections.ats_pipeline import ATS_PIPELINE
from projections.ats_pipeline.rows import STAGE_VISITS, StageVisit
from tests.projections.pipeline import application, by, stays
from tests.scenario import (
    APPLICATION,
    CANDIDATE,
    JOB,
    advanced,
    applied,
    back,
    contacted,
    day,
    forward,
    hired,
    log,
    offer_accepted,
    offered,
    pooled,
    reinstated,
    rejected,
    rows,
    withdrawn,
)


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


def test_reinstating_keeps_the_exit_of_the_visit_that_the_rejection_closed() -> None:
    told = log(applied("A"), rejected("A"), reinstated("A"))
    first, second = rows(ATS_PIPELINE, STAGE_VISITS, told)
    assert isinstance(first, StageVisit)
    assert isinstance(second, StageVisit)
    assert (first.exited_at, first.exited_to) == (day(1), "rejected")
    assert (second.entered_at, second.exited_at) == (day(2), None)


def test_who_moved_an_application_in_and_out_is_kept() -> None:
    visits = rows(
        ATS_PIPELINE,
        STAGE_VISITS,
        log(by("ada", applied("A")), by("bob", forward("A", "B")), by("eve", rejected("B"))),
    )
    assert visits == [
        StageVisit(APPLICATION, 1, CANDIDATE, JOB, "A", day(0), "ada", day(1), "bob", "B"),
        StageVisit(APPLICATION, 2, CANDIDATE, JOB, "B", day(1), "bob", day(2), "eve", "rejected"),
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
