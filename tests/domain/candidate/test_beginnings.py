"""How a stream may begin, and that nothing is recorded before it happens."""

from datetime import timedelta
from typing import get_args

import pytest

from domain import errors
from domain.candidate import intents as i
from domain.candidate.decisions import DECISIONS
from domain.erasure import ERASURE_INTENTS
from domain.values import Channel, ConsentPurpose
from domain.verdict import CLOCK_SKEW
from tests.scenario import APPLICATION, JOB, NOW, applied, given, sourced

BEGINNINGS: list[i.Intent] = [
    i.Source(source="LinkedIn"),
    i.ApplyAs(job_id=JOB, source="Careers page", application_id=APPLICATION),
]
OTHERS: list[i.Intent] = [
    i.Contact(message_id="m1", channel=Channel.EMAIL),
    i.Open(message_id="m1"),
    i.Click(message_id="m1"),
    i.Reply(),
    i.Advance(application_id=APPLICATION, to_stage="B"),
    i.MakeOffer(application_id=APPLICATION),
    i.AcceptOffer(application_id=APPLICATION),
    i.DeclineOffer(application_id=APPLICATION),
    i.Hire(application_id=APPLICATION),
    i.Reject(application_id=APPLICATION),
    i.Reinstate(application_id=APPLICATION),
    i.Withdraw(application_id=APPLICATION),
    i.ReturnToPool(pool="P"),
    i.UpdateProfile(name="Ada"),
    i.Note(text="?"),
    i.GrantConsent(purpose=ConsentPurpose.OUTREACH),
    i.WithdrawConsent(purpose=ConsentPurpose.OUTREACH),
    i.Unsubscribe(),
]


def test_these_are_all_interactions_and_each_has_its_decision() -> None:
    every = set(get_args(get_args(i.Interaction)[0]))
    tried = {type(intent) for intent in (*BEGINNINGS, *OTHERS)}
    assert tried - {i.ApplyAs} | {i.Apply} == every
    assert set(DECISIONS) == every | {i.ApplyAs, *ERASURE_INTENTS}
    begins = {type(intent) for intent in BEGINNINGS}
    assert begins - {i.ApplyAs} | {i.Apply} == set(get_args(get_args(i.Beginning)[0]))


def test_a_stream_begins_with_sourced_or_applied() -> None:
    given().when(BEGINNINGS[0]).then(sourced())
    given().when(BEGINNINGS[1]).then(applied())


@pytest.mark.parametrize("intent", OTHERS, ids=lambda intent: intent.type)
def test_a_stream_begins_with_nothing_else(intent: i.Intent) -> None:
    given().when(intent).then_refused(
        errors.CandidateNotFound, containing="is not on record; begin with sourced or applied"
    )


@pytest.mark.parametrize("intent", BEGINNINGS + OTHERS, ids=lambda intent: intent.type)
def test_nothing_is_recorded_before_it_happens(intent: i.Intent) -> None:
    given(applied()).when(intent, occurred_at=NOW + timedelta(minutes=6)).then_refused(
        errors.OccurredInFuture, containing="record an interaction when it has happened"
    )


def test_a_clock_that_is_a_little_fast_is_forgiven() -> None:
    given().when(i.Source(source="LinkedIn"), occurred_at=NOW + CLOCK_SKEW).then(sourced())
    assert timedelta(minutes=5) == CLOCK_SKEW


def test_what_happened_long_ago_can_be_recorded_now() -> None:
    given().when(i.Source(source="LinkedIn"), occurred_at=NOW - timedelta(days=9_000)).then(
        sourced()
    )
