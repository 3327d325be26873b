"""Facts are kept whatever rules they break, unchanged, and marked with each of those rules."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.values import Channel, ConsentPurpose
from tests.scenario import (
    APPLICATION,
    JOB,
    NOW,
    STRAY,
    advanced,
    applied,
    candidate,
    closed_job,
    contacted,
    forward,
    given,
    hired,
    offer_accepted,
    offer_declined,
    offered,
    pooled,
    reinstated,
    rejected,
    sourced,
    withdrawn,
)

UNKNOWN = UUID(int=404)
OFFER = i.MakeOffer(application_id=APPLICATION)
ACCEPT = i.AcceptOffer(application_id=APPLICATION)
HIRE = i.Hire(application_id=APPLICATION)


def test_a_fact_that_breaks_no_rule_bears_no_mark() -> None:
    given(applied("A")).when_fact(i.Advance(application_id=APPLICATION, to_stage="B")).then(
        forward("A", "B"), broken=()
    )


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (rejected(), "already-rejected"),
        (withdrawn(), "already-withdrawn"),
        (pooled(), "already-pooled"),
        (hired(), "already-hired"),
    ],
)
def test_an_offer_after_the_end_is_kept(end: e.CandidateEvent, code: str) -> None:
    given(applied("A"), end).when_fact(OFFER).then(offered(1), broken=(code,))


def test_a_second_offer_is_kept_as_the_next_version() -> None:
    given(applied("A"), offered(1)).when_fact(OFFER).then(offered(2), broken=("offer-outstanding",))


def test_a_move_to_the_stage_where_it_is_already_is_kept() -> None:
    given(applied("A"), jobs=[]).when_fact(
        i.Advance(application_id=APPLICATION, to_stage="A")
    ).then(advanced("A", "A"), broken=("already-in-stage",))


def test_a_move_to_the_same_stage_goes_in_no_direction() -> None:
    given(applied("A")).when_fact(i.Advance(application_id=APPLICATION, to_stage="A")).then(
        advanced("A", "A"), broken=("already-in-stage",)
    )


def test_a_fact_is_marked_with_every_rule_that_it_breaks() -> None:
    given(applied("A"), rejected("A")).when_fact(
        i.Advance(application_id=APPLICATION, to_stage="Z", from_stage="B")
    ).then(advanced("A", "Z"), broken=("already-rejected", "unknown-stage", "stage-mismatch"))


@pytest.mark.parametrize(
    ("intent", "event"),
    [
        (i.Advance(application_id=APPLICATION, to_stage="B"), advanced(None, "B", **STRAY)),
        (OFFER, offered(1, None, **STRAY)),
        (ACCEPT, offer_accepted(None, stage=None, **STRAY)),
        (i.DeclineOffer(application_id=APPLICATION), offer_declined(None, stage=None, **STRAY)),
        (HIRE, hired(None, **STRAY)),
        (i.Reject(application_id=APPLICATION), rejected(None, **STRAY)),
        (i.Withdraw(application_id=APPLICATION), withdrawn(None, **STRAY)),
        (i.Reinstate(application_id=APPLICATION, stage="B"), reinstated("B", **STRAY)),
        (
            i.ReturnToPool(pool="P", application_id=APPLICATION),
            pooled("P", stage=None, **STRAY),
        ),
        (
            i.Contact(message_id="m1", channel=Channel.EMAIL, application_id=APPLICATION),
            contacted(application_id=APPLICATION),
        ),
        (
            i.Note(text="?", application_id=APPLICATION),
            e.Noted(text="?", application_id=APPLICATION),
        ),
    ],
    ids=lambda value: value.type if isinstance(value, i.Intent) else "",
)
def test_what_happened_to_an_unknown_application_is_kept(
    intent: i.Intent, event: e.CandidateEvent
) -> None:
    given(sourced()).when_fact(intent).then(event, broken=("unknown-application",))


@pytest.mark.parametrize(
    ("intent", "event", "codes"),
    [
        (i.Note(text="?"), e.Noted(text="?"), ()),
        (i.Unsubscribe(), e.Unsubscribed(), ()),
        (i.ReturnToPool(pool="P"), e.ReturnedToPool(pool="P"), ()),
        (i.Open(message_id="m1"), e.Opened(message_id="m1"), ("unknown-message",)),
        (HIRE, hired(None, **STRAY), ("unknown-application",)),
    ],
    ids=["noted", "unsubscribed", "pooled", "opened", "hired"],
)
def test_a_stream_that_begins_with_something_else_is_kept(
    intent: i.Intent, event: e.CandidateEvent, codes: tuple[str, ...]
) -> None:
    given().when_fact(intent).then(event, broken=("candidate-not-found", *codes))


def test_an_application_for_an_unknown_or_closed_job_is_kept() -> None:
    given().when_fact(
        i.ApplyAs(job_id=UNKNOWN, source="x", stage="S", application_id=APPLICATION)
    ).then(applied("S", source="x", job_id=UNKNOWN, job_title=None), broken=("unknown-job",))
    given().when_fact(i.ApplyAs(job_id=UNKNOWN, source="x", application_id=APPLICATION)).then(
        applied(None, source="x", job_id=UNKNOWN, job_title=None), broken=("unknown-job",)
    )
    given(jobs=[closed_job()]).when_fact(
        i.ApplyAs(job_id=JOB, source="x", application_id=APPLICATION)
    ).then(applied("A", source="x"), broken=("job-is-closed",))


def test_a_second_active_application_for_a_job_is_kept() -> None:
    second = UUID(int=22)
    given(applied()).when_fact(i.ApplyAs(job_id=JOB, source="x", application_id=second)).then(
        applied("A", source="x", application_id=second), broken=("already-applied",)
    )


def test_an_answer_to_an_offer_that_is_answered_or_was_never_made_is_kept() -> None:
    given(applied(), offered(), offer_accepted()).when_fact(
        i.DeclineOffer(application_id=APPLICATION)
    ).then(offer_declined(1), broken=("offer-already-accepted",))
    given(applied()).when_fact(ACCEPT).then(offer_accepted(None), broken=("no-offer",))


def test_an_answer_on_record_without_its_offer_can_be_followed_by_the_hire() -> None:
    given(applied(), offer_accepted(None)).when(HIRE).then(hired())
    given(applied(), offer_accepted(None), offer_declined(None)).when(HIRE).then_refused(
        errors.NoAcceptedOffer, containing="record offer-accepted first"
    )


def test_a_hire_without_an_accepted_offer_is_kept_and_ends_the_application() -> None:
    given(applied()).when_fact(HIRE).then(hired(), broken=("no-accepted-offer",))
    assert candidate(applied(), hired()).status == "hired"


def test_outreach_against_the_person_s_will_is_kept_and_says_so() -> None:
    given(
        sourced(),
        e.Unsubscribed(),
        e.ConsentWithdrawn(purpose=ConsentPurpose.OUTREACH),
        contacted("m1"),
    ).when_fact(i.Contact(message_id="m1", channel=Channel.EMAIL)).then(
        contacted("m1"), broken=("do-not-contact", "consent-is-withdrawn", "already-contacted")
    )


def test_one_unknown_job_is_not_another() -> None:
    stray = {"application_id": UUID(int=22), "job_id": None, "job_title": None}
    given(sourced(), advanced(None, "B", **STRAY), rejected(None, **stray)).when(
        i.Reinstate(application_id=UUID(int=22))
    ).then(reinstated(None, from_status="rejected", **stray))


def test_a_clock_a_little_fast_is_forgiven_in_facts_as_in_commands() -> None:
    for minutes, broken in ((5, ()), (6, ("occurred-in-future",))):
        given().when_fact(
            i.Source(source="LinkedIn"), occurred_at=NOW + timedelta(minutes=minutes)
        ).then(sourced(), broken=broken)


def test_a_fact_from_the_future_is_kept_with_its_time() -> None:
    given(sourced()).when_fact(i.Note(text="?"), occurred_at=NOW + timedelta(days=1)).then(
        e.Noted(text="?"), broken=("occurred-in-future",)
    )


def test_a_fact_after_the_end_does_not_bring_the_application_back() -> None:
    known = candidate(applied("A"), rejected("A"), forward("A", "B"), offered(1, "B"))
    assert known.status == "prospect"
    assert known.applications[APPLICATION].status == "rejected"


def test_an_end_after_the_end_does_not_change_how_it_ended() -> None:
    known = candidate(applied(), rejected(), hired(), withdrawn())
    assert known.applications[APPLICATION].status == "rejected"
