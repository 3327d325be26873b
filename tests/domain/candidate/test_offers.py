"""Offers: versions that supersede one another, answers, expiry."""

import pytest

from domain import errors
from domain.candidate import intents as i
from tests.scenario import (
    APPLICATION,
    NOW,
    applied,
    candidate,
    closed_job,
    day,
    given,
    hired,
    offer_accepted,
    offer_declined,
    offered,
    reinstated,
    rejected,
)

ACCEPT = i.AcceptOffer(application_id=APPLICATION)
DECLINE = i.DeclineOffer(application_id=APPLICATION)


def offer(supersedes: int | None = None) -> i.MakeOffer:
    return i.MakeOffer(application_id=APPLICATION, supersedes=supersedes)


def accept(version: int) -> i.AcceptOffer:
    return i.AcceptOffer(application_id=APPLICATION, offer_version=version)


def test_the_first_offer_is_version_1_with_its_terms() -> None:
    given(applied("B")).when(
        i.MakeOffer(application_id=APPLICATION, expires_at=day(110), terms="50 k")
    ).then(offered(1, "B", expires_at=day(110), terms="50 k"))


def test_no_offer_is_made_for_a_closed_job() -> None:
    given(applied(), jobs=[closed_job()]).when(offer()).then_refused(
        errors.JobIsClosed, containing="re-open it first"
    )


def test_an_offer_cannot_end_before_it_is_made() -> None:
    given(applied()).when(i.MakeOffer(application_id=APPLICATION, expires_at=NOW)).then_refused(
        errors.AlreadyExpired, containing="give an expires_at after it"
    )


# Versions


def test_only_an_outstanding_offer_is_replaced() -> None:
    given(applied(), offered(1), offer_declined(1)).when(offer(supersedes=1)).then_refused(
        errors.OfferNotOutstanding, containing="make the new offer without supersedes"
    )


def test_an_offer_is_replaced_only_by_naming_it() -> None:
    waiting = given(applied(), offered(1))
    waiting.when(offer()).then_refused(
        errors.OfferOutstanding, containing="to replace it, send supersedes: 1"
    )
    waiting.when(offer(supersedes=2)).then_refused(
        errors.OfferOutstanding, containing="send supersedes: 1"
    )
    waiting.when(offer(supersedes=1)).then(offered(2))


def test_only_the_latest_version_can_be_replaced() -> None:
    given(applied(), offered(1), offered(2)).when(offer(supersedes=1)).then_refused(
        errors.OfferOutstanding, containing="send supersedes: 2"
    )


def test_nothing_is_replaced_where_there_is_nothing() -> None:
    given(applied()).when(offer(supersedes=1)).then_refused(
        errors.OfferNotOutstanding, containing="has no outstanding offer 1"
    )


def test_after_a_declined_offer_comes_the_next_version() -> None:
    given(applied(), offered(1), offer_declined(1)).when(offer()).then(offered(2))


def test_after_an_accepted_offer_comes_no_other() -> None:
    accepted = given(applied(), offered(1), offer_accepted(1))
    for intent in (offer(), offer(supersedes=1)):
        accepted.when(intent).then_refused(
            errors.OfferAlreadyAccepted, containing="offer 1 of application"
        )


# Answers


def test_the_outstanding_offer_is_accepted_or_declined_whether_named_or_not() -> None:
    waiting = given(applied(), offered(1), offered(2))
    waiting.when(ACCEPT).then(offer_accepted(2))
    waiting.when(accept(2)).then(offer_accepted(2))
    waiting.when(DECLINE).then(offer_declined(2))


def test_there_is_no_answer_without_an_offer() -> None:
    for intent in (ACCEPT, DECLINE):
        given(applied()).when(intent).then_refused(
            errors.NoOffer, containing="has no offer; make one first"
        )


@pytest.mark.parametrize("version", [1, 3])
def test_there_is_no_answer_to_a_version_that_does_not_wait(version: int) -> None:
    waiting = given(applied(), offered(1), offered(2))
    for intent in (
        accept(version),
        i.DeclineOffer(application_id=APPLICATION, offer_version=version),
    ):
        waiting.when(intent).then_refused(
            errors.OfferNotOutstanding,
            containing=f"offer {version} of application {APPLICATION} does not wait for an "
            "answer; the last one is 2 (outstanding)",
        )


def test_a_declined_offer_is_not_answered_again() -> None:
    for intent in (ACCEPT, DECLINE):
        given(applied(), offered(1), offer_declined(1)).when(intent).then_refused(
            errors.OfferNotOutstanding, containing="the last one is 1 (declined)"
        )


def test_an_accepted_offer_is_not_answered_again() -> None:
    for intent in (ACCEPT, DECLINE):
        given(applied(), offered(1), offer_accepted(1)).when(intent).then_refused(
            errors.OfferAlreadyAccepted, containing="was accepted already"
        )


def test_an_offer_is_accepted_up_to_the_moment_when_it_expires() -> None:
    waiting = given(applied(), offered(expires_at=day(50)))
    waiting.when(ACCEPT, occurred_at=day(50)).then(offer_accepted())
    waiting.when(ACCEPT, occurred_at=day(50.01)).then_refused(
        errors.OfferExpired, containing="make a new one"
    )


def test_an_offer_that_expired_can_be_declined_or_replaced() -> None:
    expired = given(applied(), offered(expires_at=day(50)))
    expired.when(DECLINE).then(offer_declined())
    expired.when(offer(supersedes=1)).then(offered(2))


def test_the_expiry_of_a_version_that_was_replaced_does_not_matter() -> None:
    given(applied(), offered(1, expires_at=day(50)), offered(2)).when(ACCEPT).then(
        offer_accepted(2)
    )


def test_an_accepted_offer_outlives_a_rejection_that_is_undone() -> None:
    given(applied(), offered(), offer_accepted(), rejected(), reinstated()).when(
        i.Hire(application_id=APPLICATION)
    ).then(hired())


def test_the_record_keeps_how_each_version_ended() -> None:
    application = candidate(
        applied(), offered(1), offered(2), offer_declined(2), offered(3), offer_accepted(3)
    ).applications[APPLICATION]
    assert [(made.version, made.status) for made in application.offers] == [
        (1, "superseded"),
        (2, "declined"),
        (3, "accepted"),
    ]
