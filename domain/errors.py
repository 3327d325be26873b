"""Named refusals: each rule of the domain has a class, a stable code and a sentence that helps."""

import re
from typing import ClassVar


class Refusal(Exception):  # noqa: N818  # a refusal is an answer, not a fault
    """Why something may not happen. `code` is the rule's stable kebab-case name."""

    code: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class NotOnRecord(Refusal):
    """The candidate or job that was addressed does not exist."""


class DoesNotFit(Refusal):
    """The request names something that does not exist or does not belong together."""


# Candidates and jobs that are addressed


class CandidateNotFound(NotOnRecord):
    """No event was ever recorded for this candidate."""


class JobNotFound(NotOnRecord):
    """No such job was opened."""


class ErasureNotFound(NotOnRecord):
    """No such erasure was requested."""


class HoldNotFound(NotOnRecord):
    """No such legal hold was placed on the candidate."""


class ImpactReportNotFound(NotOnRecord):
    """No such report on adverse impact was published."""


class ApplicationNotFound(NotOnRecord):
    """The pipeline knows no such application."""


class VersionNotFound(NotOnRecord):
    """The candidate's stream has not reached this version."""


class AlreadyOnRecord(Refusal):
    """A stream with this identifier has begun already."""


class ConcurrentChange(Refusal):
    """Others changed the same stream again and again while this was decided."""


class VersionMismatch(Refusal):
    """The stream is not at the version that the caller decided on."""


# What a request refers to


class UnknownJob(DoesNotFit):
    """The interaction names a job that was never opened."""


class UnknownApplication(DoesNotFit):
    """The candidate has no such application."""


class UnknownStage(DoesNotFit):
    """The job has no such stage."""


class UnknownMessage(DoesNotFit):
    """No such message was sent to this candidate."""


class KeyUsedBefore(DoesNotFit):
    """Another command was recorded under this Idempotency-Key."""


class OccurredInFuture(DoesNotFit):
    """Nothing can be recorded before it happens."""


class AlreadyExpired(DoesNotFit):
    """A consent or offer cannot end before it begins."""


class StageMismatch(Refusal):
    """The application is not in the stage that the caller believes it to be in."""


# Applications


class AlreadyApplied(Refusal):
    """The candidate has an active application for this job."""


class JobIsClosed(Refusal):
    """The job takes no applications, offers or hires while it is closed."""


class AlreadyInStage(Refusal):
    """The application is in that stage."""


class AlreadyActive(Refusal):
    """Only an application that has ended can be reinstated."""


class AlreadyRejected(Refusal):
    """The application was rejected."""


class AlreadyWithdrawn(Refusal):
    """The candidate withdrew the application."""


class AlreadyPooled(Refusal):
    """The application ended when the candidate returned to the pool."""


class AlreadyHired(Refusal):
    """The application ended in a hire."""


# Offers


class NoOffer(Refusal):
    """The application has no offer."""


class OfferOutstanding(Refusal):
    """The candidate has an offer that waits for an answer."""


class OfferNotOutstanding(Refusal):
    """The offer was answered or replaced."""


class OfferAlreadyAccepted(Refusal):
    """The candidate accepted an offer."""


class OfferExpired(Refusal):
    """The offer's time had run out."""


class NoAcceptedOffer(Refusal):
    """A hire needs an offer that the candidate accepted."""


# Outreach, consent, pool and profile


class CandidateErased(Refusal):
    """The candidate was erased; nothing of the kind can be recorded any more."""


class PurposeErased(Refusal):
    """What was kept of the candidate for this purpose was erased; nothing of it can be recorded."""


class DoNotContact(Refusal):
    """The candidate unsubscribed."""


class ConsentIsWithdrawn(Refusal):
    """The candidate withdrew the consent that this needs."""


class AlreadyContacted(Refusal):
    """The message is on record."""


class AlreadySourced(Refusal):
    """The candidate was sourced for this from this source."""


class AlreadyUnsubscribed(Refusal):
    """The candidate is unsubscribed."""


class AlreadyInPool(Refusal):
    """The candidate is in this pool."""


class NothingToUpdate(Refusal):
    """The profile holds these values."""


# Erasure and legal holds


class LegalHold(Refusal):
    """A legal hold stands: nothing of the candidate may be destroyed."""


class UnknownLegalBasis(DoesNotFit):
    """The list of legal bases for an erasure has no such one."""


class AlreadyReleased(Refusal):
    """The legal hold was released."""


# Jobs


class JobAlreadyClosed(Refusal):
    """The job is closed."""


class JobAlreadyOpen(Refusal):
    """The job is open."""


class HiringManagersUnchanged(Refusal):
    """The job has exactly these hiring managers."""


class StagesUnchanged(Refusal):
    """The job has exactly these stages."""
