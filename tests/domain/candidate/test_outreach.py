"""Outreach: messages and what comes back, consent with its expiry, unsubscribing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.recorded import Happened
from domain.values import Channel, ConsentPurpose
from tests.scenario import (
    APPLICATION,
    JOB,
    NOW,
    applied,
    candidate,
    contacted,
    day,
    given,
    in_pool,
    rejected,
    sourced,
)

OUTREACH, RETENTION = ConsentPurpose.OUTREACH, ConsentPurpose.RETENTION
UNKNOWN = UUID(int=404)
MAIL = i.Contact(message_id="m1", channel=Channel.EMAIL)


def granted(purpose: ConsentPurpose = OUTREACH, until: float | None = None) -> e.ConsentGranted:
    return e.ConsentGranted(purpose=purpose, expires_at=None if until is None else day(until))


# Messages


def test_a_contact_is_recorded_with_all_that_was_said() -> None:
    said: dict[str, Any] = {"sequence": "Spring", "step": 2, "subject": "Hello", "text": "Hi?"}
    given(sourced()).when(i.Contact(message_id="m1", channel=Channel.SMS, **said)).then(
        contacted(channel=Channel.SMS, **said)
    )


def test_a_contact_can_concern_an_application() -> None:
    given(applied()).when(
        i.Contact(message_id="m1", channel=Channel.EMAIL, application_id=APPLICATION)
    ).then(contacted(application_id=APPLICATION, job_id=JOB, job_title="Engineer"))


def test_a_contact_about_an_unknown_application_is_refused() -> None:
    given(applied()).when(
        i.Contact(message_id="m1", channel=Channel.EMAIL, application_id=UNKNOWN)
    ).then_refused(errors.UnknownApplication, containing="use an id that an applied has returned")


def test_one_message_is_sent_once() -> None:
    given(sourced(), contacted("m1")).when(
        i.Contact(message_id="m1", channel=Channel.PHONE)
    ).then_refused(errors.AlreadyContacted, containing="give each message an id of its own")


def test_what_comes_back_names_its_message() -> None:
    sent = given(sourced(), contacted("m1"))
    sent.when(i.Open(message_id="m1")).then(e.Opened(message_id="m1"))
    sent.when(i.Click(message_id="m1")).then(e.Clicked(message_id="m1"))
    sent.when(i.Reply(message_id="m1", text="Yes")).then(
        e.Replied(message_id="m1", channel=Channel.EMAIL, text="Yes")
    )


def test_a_message_may_be_opened_again_and_again() -> None:
    given(sourced(), contacted("m1"), e.Opened(message_id="m1")).when(i.Open(message_id="m1")).then(
        e.Opened(message_id="m1")
    )


def test_a_person_may_write_unasked() -> None:
    given(sourced()).when(i.Reply(channel=Channel.PHONE)).then(e.Replied(channel=Channel.PHONE))


@pytest.mark.parametrize(
    "intent", [i.Open(message_id="m2"), i.Click(message_id="m2"), i.Reply(message_id="m2")]
)
def test_nothing_comes_back_on_a_message_that_was_never_sent(intent: i.Intent) -> None:
    given(sourced(), contacted("m1")).when(intent).then_refused(
        errors.UnknownMessage, containing="record the contacted first"
    )


# Unsubscribing


def test_a_person_unsubscribes_from_one_channel_or_from_all() -> None:
    given(sourced()).when(i.Unsubscribe(channel=Channel.SMS)).then(
        e.Unsubscribed(channel=Channel.SMS)
    )
    given(sourced()).when(i.Unsubscribe()).then(e.Unsubscribed())


@pytest.mark.parametrize("channel", [None, Channel.EMAIL])
def test_outreach_by_an_unsubscribed_channel_is_refused(channel: Channel | None) -> None:
    given(sourced(), e.Unsubscribed(channel=channel)).when(MAIL).then_refused(
        errors.DoNotContact, containing="record a consent-granted for outreach before contacting"
    )


def test_outreach_by_another_channel_is_not() -> None:
    given(sourced(), e.Unsubscribed(channel=Channel.SMS)).when(MAIL).then(contacted())


def test_unsubscribing_does_not_stop_messages_about_an_application() -> None:
    given(applied(), e.Unsubscribed(), e.ConsentWithdrawn(purpose=OUTREACH)).when(
        i.Contact(message_id="m1", channel=Channel.EMAIL, application_id=APPLICATION)
    ).then(contacted(application_id=APPLICATION, job_id=JOB, job_title="Engineer"))


def test_a_new_consent_to_outreach_ends_the_unsubscription_of_every_channel() -> None:
    history = (sourced(), e.Unsubscribed(channel=Channel.EMAIL), e.Unsubscribed(), granted())
    given(*history).when(MAIL).then(contacted())
    given(*history).when(i.Unsubscribe()).then(e.Unsubscribed())


def test_a_consent_to_retention_does_not() -> None:
    given(sourced(), e.Unsubscribed(), granted(RETENTION)).when(MAIL).then_refused(
        errors.DoNotContact, containing="unsubscribed from outreach by email"
    )


@pytest.mark.parametrize(
    ("before", "now"),
    [(None, None), (None, Channel.EMAIL), (Channel.EMAIL, Channel.EMAIL)],
)
def test_nobody_unsubscribes_twice(before: Channel | None, now: Channel | None) -> None:
    given(sourced(), e.Unsubscribed(channel=before)).when(i.Unsubscribe(channel=now)).then_refused(
        errors.AlreadyUnsubscribed, containing="is unsubscribed already"
    )


@pytest.mark.parametrize("now", [None, Channel.SMS])
def test_who_left_one_channel_may_leave_others_too(now: Channel | None) -> None:
    given(sourced(), e.Unsubscribed(channel=Channel.EMAIL)).when(i.Unsubscribe(channel=now)).then(
        e.Unsubscribed(channel=now)
    )


# Consent


EARLIER = {"occurred_at": day(-400)}


def test_an_older_consent_that_is_learnt_late_ends_no_newer_unsubscription() -> None:
    given(sourced(), e.Unsubscribed(), (granted(), EARLIER)).when(MAIL).then_refused(
        errors.DoNotContact, containing="unsubscribed"
    )


def test_an_older_unsubscription_that_is_learnt_late_ends_no_newer_consent() -> None:
    given(sourced(), granted(), (e.Unsubscribed(), EARLIER)).when(MAIL).then(contacted())


def test_an_older_word_on_consent_that_is_learnt_late_changes_nothing() -> None:
    refused = e.ConsentWithdrawn(purpose=OUTREACH)
    given(sourced(), refused, (granted(), EARLIER)).when(MAIL).then_refused(
        errors.ConsentIsWithdrawn, containing="was withdrawn"
    )
    given(sourced(), granted(), (refused, EARLIER)).when(MAIL).then(contacted())


def test_a_consent_that_had_run_out_when_it_was_given_ends_no_unsubscription() -> None:
    assert candidate(sourced(), e.Unsubscribed(), granted(until=-1)).unsubscribed


def test_a_consent_cannot_end_before_it_begins() -> None:
    expired = i.GrantConsent(purpose=OUTREACH, expires_at=day(99))
    given(sourced()).when(expired).then_refused(
        errors.AlreadyExpired, containing="give an expires_at after it"
    )
    given(sourced()).when(expired, occurred_at=day(98)).then(granted(until=99))


def test_consent_is_granted_and_withdrawn() -> None:
    given(sourced()).when(i.GrantConsent(purpose=OUTREACH, expires_at=day(200))).then(
        granted(until=200)
    )
    given(sourced(), granted()).when(i.WithdrawConsent(purpose=OUTREACH)).then(
        e.ConsentWithdrawn(purpose=OUTREACH, said_before="granted")
    )
    given(sourced(), e.ConsentWithdrawn(purpose=OUTREACH)).when(
        i.GrantConsent(purpose=OUTREACH)
    ).then(e.ConsentGranted(purpose=OUTREACH, said_before="withdrawn"))


def test_consent_that_was_never_asked_for_can_be_refused_in_advance() -> None:
    given(sourced()).when(i.WithdrawConsent(purpose=RETENTION)).then(
        e.ConsentWithdrawn(purpose=RETENTION)
    )


def test_consent_is_not_withdrawn_twice() -> None:
    given(sourced(), e.ConsentWithdrawn(purpose=OUTREACH)).when(
        i.WithdrawConsent(purpose=OUTREACH)
    ).then_refused(errors.ConsentIsWithdrawn, containing="withdrew consent to outreach already")


@pytest.mark.parametrize(
    "history",
    [
        [],
        [granted()],
        [granted(until=100)],
        [e.ConsentWithdrawn(purpose=RETENTION)],
        [e.ConsentWithdrawn(purpose=OUTREACH), granted()],
        [granted(until=50), granted(until=150)],
    ],
    ids=["unasked", "granted", "until now", "other purpose", "granted again", "prolonged"],
)
def test_outreach_is_allowed_while_consent_stands(history: Sequence[Happened]) -> None:
    given(sourced(), *history).when(MAIL).then(contacted())


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([e.ConsentWithdrawn(purpose=OUTREACH)], "was withdrawn"),
        ([granted(), e.ConsentWithdrawn(purpose=OUTREACH)], "was withdrawn"),
        ([granted(until=99)], "expired"),
        ([granted(), granted(until=99)], "expired"),
    ],
)
def test_outreach_is_refused_without_consent(history: Sequence[Happened], why: str) -> None:
    given(sourced(), *history).when(MAIL).then_refused(
        errors.ConsentIsWithdrawn,
        containing=f"consent to outreach {why}; record a consent-granted before this",
    )


def test_consent_is_looked_at_as_of_the_moment_of_the_contact() -> None:
    until = given(sourced(), granted(until=99))
    until.when(MAIL, occurred_at=day(98)).then(contacted())
    until.when(MAIL, occurred_at=NOW).then_refused(errors.ConsentIsWithdrawn, containing="expired")


def test_nobody_enters_a_pool_without_consent_to_be_kept() -> None:
    into_pool = i.ReturnToPool(pool="Silver medalists")
    given(sourced(), granted(RETENTION, until=99)).when(into_pool).then_refused(
        errors.ConsentIsWithdrawn, containing="consent to retention expired"
    )
    given(sourced(), e.ConsentWithdrawn(purpose=RETENTION)).when(into_pool).then_refused(
        errors.ConsentIsWithdrawn, containing="consent to retention was withdrawn"
    )
    given(sourced(), e.ConsentWithdrawn(purpose=OUTREACH)).when(into_pool).then(in_pool())


def test_a_message_long_after_the_end_of_an_application_is_outreach() -> None:
    history = applied(), (rejected(), {"occurred_at": day(0)}), e.Unsubscribed()
    message = i.Contact(message_id="m1", channel=Channel.EMAIL, application_id=APPLICATION)
    about = contacted(application_id=APPLICATION, job_id=JOB, job_title="Engineer")
    given(*history).when(message, occurred_at=day(30), recorded_at=day(31)).then(about)
    given(*history).when(message, occurred_at=day(31), recorded_at=day(31)).then_refused(
        errors.DoNotContact, containing="record a consent-granted for outreach"
    )
