"""Rules that several decisions on a candidate share, each yielding the refusals that hold."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain import errors
from domain.candidate import events as e
from domain.candidate.state import Candidate, JobApplication
from domain.errors import Refusal
from domain.job import Job
from domain.values import ApplicationStatus, ConsentPurpose

# For how long after an application's end a message is still about it, such as the answer to it.
AFTERWARDS = timedelta(days=30)

Consequences = Iterator[Refusal | e.CandidateEvent]


class Known(NamedTuple):
    """What a decision rests on: the candidate, the job concerned, and when it happens."""

    candidate: Candidate
    job: Job | None
    at: datetime


def not_active(candidate: Candidate, application_id: UUID) -> Iterator[Refusal]:
    application = candidate.applications.get(application_id)
    if application is None:
        yield unknown_application(candidate, application_id)
        return
    subject = f"application {application.id}"
    match application.status:
        case ApplicationStatus.REJECTED:
            yield errors.AlreadyRejected(f"{subject} was rejected; reinstate it first")
        case ApplicationStatus.WITHDRAWN:
            yield errors.AlreadyWithdrawn(f"{subject} was withdrawn; reinstate it first")
        case ApplicationStatus.POOLED:
            yield errors.AlreadyPooled(
                f"{subject} ended when the candidate returned to the pool; reinstate it first"
            )
        case ApplicationStatus.HIRED:
            yield errors.AlreadyHired(f"{subject} ended in a hire; nothing more happens to it")


def not_outstanding(
    application: JobApplication | None, offer_version: int | None
) -> Iterator[Refusal]:
    offer = application.offer if application else None
    if application and offer is None:
        yield errors.NoOffer(f"application {application.id} has no offer; make one first")
    elif application and offer:
        if offer.status == "accepted":
            yield errors.OfferAlreadyAccepted(
                f"offer {offer.version} of application {application.id} was accepted already; "
                "record the hire"
            )
        elif offer.status != "outstanding" or (offer_version or offer.version) != offer.version:
            yield errors.OfferNotOutstanding(
                f"offer {offer_version or offer.version} of application {application.id} does not "
                "wait for an answer; the last one is "
                f"{offer.version} ({offer.status})"
            )


def without_consent(
    candidate: Candidate, purpose: ConsentPurpose, at: datetime
) -> Iterator[Refusal]:
    consent = candidate.consents.get(purpose)
    if consent is None:
        return
    if not consent.granted or (consent.expires_at and consent.expires_at < at):
        ended = "expired" if consent.granted else "was withdrawn"
        yield errors.ConsentIsWithdrawn(
            f"candidate {candidate.id}'s consent to {purpose} {ended}; "
            "record a consent-granted before this"
        )


def still_concerns(application: JobApplication | None, at: datetime) -> bool:
    """Whether a message at that time is about the application: until AFTERWARDS has passed."""
    return application is not None and (
        application.ended_at is None or at <= application.ended_at + AFTERWARDS
    )


def never_sent(candidate: Candidate, message_id: str) -> Iterator[Refusal]:
    if message_id not in candidate.messages:
        yield errors.UnknownMessage(
            f"no message {message_id!r} was sent to candidate {candidate.id}; "
            "record the contacted first"
        )


def no_such_stage(job: Job | None, stage: str | None) -> Iterator[Refusal]:
    if job and stage not in job.stages:
        yield errors.UnknownStage(
            f"job {job.title!r} has no stage {stage!r}; its stages are {', '.join(job.stages)}"
        )


def unknown_job(job_id: UUID) -> Refusal:
    return errors.UnknownJob(f"job {job_id} was never opened; open it first")


def job_is_closed(job: Job) -> Refusal:
    return errors.JobIsClosed(f"job {job.title!r} is closed; re-open it first")


def unknown_application(candidate: Candidate, application_id: UUID) -> Refusal:
    return errors.UnknownApplication(
        f"candidate {candidate.id} has no application {application_id}; "
        "use an id that an applied has returned"
    )


def job_of(application: JobApplication | None) -> dict[str, Any]:
    return {
        "job_id": application.job_id if application else None,
        "job_title": application.job_title if application else None,
    }


def of(application_id: UUID, application: JobApplication | None) -> dict[str, Any]:
    return {"application_id": application_id, **job_of(application)}


def stage_of(application: JobApplication | None) -> str | None:
    return application.stage if application else None


def status_of(application: JobApplication | None) -> ApplicationStatus | None:
    return application.status if application else None


def said_before(candidate: Candidate, purpose: ConsentPurpose) -> e.Said | None:
    consent = candidate.consents.get(purpose)
    if consent is None:
        return None
    return "granted" if consent.granted else "withdrawn"


def direction(job: Job | None, from_stage: str | None, to_stage: str) -> Any:
    if job is None or from_stage not in job.stages or to_stage not in job.stages:
        return None
    if from_stage == to_stage:
        return None
    return "forward" if job.stages.index(to_stage) > job.stages.index(from_stage) else "back"
