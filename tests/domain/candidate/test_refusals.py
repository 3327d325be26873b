"""Refusals have codes that callers rely on."""

from domain import errors
from domain.errors import DoesNotFit, NotOnRecord, Refusal

# Callers branch on these codes and imports keep them in events for ever: never rename one.
CODES = {
    "already-active",
    "already-applied",
    "already-contacted",
    "already-expired",
    "already-hired",
    "already-in-pool",
    "already-in-stage",
    "already-on-record",
    "already-pooled",
    "already-rejected",
    "already-sourced",
    "already-unsubscribed",
    "already-withdrawn",
    "candidate-not-found",
    "concurrent-change",
    "consent-is-withdrawn",
    "do-not-contact",
    "job-already-closed",
    "job-already-open",
    "job-is-closed",
    "job-not-found",
    "no-accepted-offer",
    "no-offer",
    "nothing-to-update",
    "occurred-in-future",
    "offer-already-accepted",
    "offer-expired",
    "offer-not-outstanding",
    "offer-outstanding",
    "stage-mismatch",
    "stages-unchanged",
    "unknown-application",
    "unknown-job",
    "unknown-message",
    "unknown-stage",
    "version-not-found",
}


def refusals() -> list[type[Refusal]]:
    named = [each for each in vars(errors).values() if isinstance(each, type)]
    groups = {Refusal, NotOnRecord, DoesNotFit}
    return [each for each in named if issubclass(each, Refusal) and each not in groups]


def test_no_code_is_lost_or_renamed() -> None:
    assert {refusal.code for refusal in refusals()} >= CODES


def test_each_refusal_has_a_code_of_its_own_and_says_what_it_stands_for() -> None:
    codes = [refusal.code for refusal in refusals()]
    assert len(set(codes)) == len(codes)
    assert all(refusal.__doc__ for refusal in refusals())
