"""Decisions on applications and their offers, from applied to hired, rejected or pooled."""

from uuid import uuid5

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.candidate import rules
from domain.candidate.rules import Consequences, Known
from domain.values import ApplicationStatus, ConsentPurpose


def apply(known: Known, intent: i.Apply) -> Consequences:
    candidate, job = known.candidate, known.job
    if job is None:
        yield rules.unknown_job(intent.job_id)
    elif not job.is_open:
        yield rules.job_is_closed(job)
    if active := candidate.active_for(intent.job_id):
        yield errors.AlreadyApplied(
            f"candidate {candidate.id} has the active application {active.id} for this job; "
            "advance that one, or end it first"
        )
    if isinstance(intent, i.ApplyAs):
        application_id = intent.application_id
    else:
        application_id = uuid5(candidate.id, f"application {candidate.version + 1}")
    if application_id in candidate.applications:
        yield errors.AlreadyOnRecord(
            f"application {application_id} is on record already; give each one an id of its own"
        )
    stage = intent.stage or (job.stages[0] if job and job.stages else None)
    yield from rules.no_such_stage(job, stage)
    yield e.Applied(
        application_id=application_id,
        job_id=intent.job_id,
        job_title=job.title if job else None,
        stage=stage,
        origin=intent.origin,
        source=intent.source,
        **intent.details(),
    )


def advance(known: Known, intent: i.Advance) -> Consequences:
    candidate, job = known.candidate, known.job
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    yield from rules.no_such_stage(job, intent.to_stage)
    stage = application.stage if application else None
    if intent.from_stage and intent.from_stage != stage:
        yield errors.StageMismatch(
            f"application {intent.application_id} is in {stage!r}, not in {intent.from_stage!r}; "
            "read it again and decide anew"
        )
    if application and stage == intent.to_stage:
        yield errors.AlreadyInStage(
            f"application {intent.application_id} is in {stage!r} already; name another stage"
        )
    yield e.Advanced(
        **rules.of(intent.application_id, application),
        from_stage=stage,
        to_stage=intent.to_stage,
        direction=rules.direction(job, stage, intent.to_stage),
    )


def hire(known: Known, intent: i.Hire) -> Consequences:
    candidate, job = known.candidate, known.job
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    if application and not application.has_accepted:
        yield errors.NoAcceptedOffer(
            f"application {application.id} has no accepted offer; record offer-accepted first"
        )
    if job and not job.is_open:
        yield rules.job_is_closed(job)
    yield e.Hired(**rules.of(intent.application_id, application), stage=rules.stage_of(application))


def reject(known: Known, intent: i.Reject) -> Consequences:
    candidate = known.candidate
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    yield e.Rejected(
        **rules.of(intent.application_id, application),
        stage=rules.stage_of(application),
        rejection_type=intent.rejection_type,
        comment=intent.comment,
    )


def withdraw(known: Known, intent: i.Withdraw) -> Consequences:
    candidate = known.candidate
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    yield e.Withdrawn(
        **rules.of(intent.application_id, application), stage=rules.stage_of(application)
    )


def reinstate(known: Known, intent: i.Reinstate) -> Consequences:
    candidate, job = known.candidate, known.job
    application = candidate.applications.get(intent.application_id)
    if application is None:
        yield rules.unknown_application(candidate, intent.application_id)
    elif application.status is ApplicationStatus.ACTIVE:
        yield errors.AlreadyActive(f"application {application.id} is active already; go on with it")
    elif application.status is ApplicationStatus.HIRED:
        yield errors.AlreadyHired(
            f"application {application.id} ended in a hire; record a new application instead"
        )
    elif active := candidate.active_for(application.job_id):
        yield errors.AlreadyApplied(
            f"candidate {candidate.id} has the active application {active.id} for the same job; "
            "end it first"
        )
    if job and not job.is_open:
        yield rules.job_is_closed(job)
    stage = intent.stage or rules.stage_of(application)
    if intent.stage:
        yield from rules.no_such_stage(job, intent.stage)
    yield e.Reinstated(
        **rules.of(intent.application_id, application),
        stage=stage,
        from_status=rules.status_of(application),
    )


def return_to_pool(known: Known, intent: i.ReturnToPool) -> Consequences:
    candidate = known.candidate
    application = None
    ends_one = False
    if intent.application_id:
        application = candidate.applications.get(intent.application_id)
        if application is None:
            yield rules.unknown_application(candidate, intent.application_id)
        else:
            ends_one = application.status is ApplicationStatus.ACTIVE
    yield from rules.without_consent(candidate, ConsentPurpose.RETENTION, known.at)
    if intent.pool in candidate.pools and not ends_one:
        yield errors.AlreadyInPool(
            f"candidate {candidate.id} is in pool {intent.pool!r} already; name another pool"
        )
    yield e.ReturnedToPool(
        pool=intent.pool,
        application_id=intent.application_id,
        job_id=application.job_id if application else None,
        job_title=application.job_title if application else None,
        stage=rules.stage_of(application),
        from_status=rules.status_of(application),
    )


def make_offer(known: Known, intent: i.MakeOffer) -> Consequences:
    candidate, job = known.candidate, known.job
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    if job and not job.is_open:
        yield rules.job_is_closed(job)
    last = application.offer if application else None
    if last and last.status == "accepted":
        yield errors.OfferAlreadyAccepted(
            f"offer {last.version} of application {intent.application_id} was accepted already; "
            "record the hire"
        )
    elif last and last.status == "outstanding" and intent.supersedes != last.version:
        yield errors.OfferOutstanding(
            f"offer {last.version} of application {intent.application_id} waits for an answer; "
            f"to replace it, send supersedes: {last.version}"
        )
    elif intent.supersedes and not (last and last.status == "outstanding"):
        yield errors.OfferNotOutstanding(
            f"application {intent.application_id} has no outstanding offer {intent.supersedes}; "
            "make the new offer without supersedes"
        )
    if intent.expires_at and intent.expires_at <= known.at:
        yield errors.AlreadyExpired(
            f"an offer of {known.at.isoformat()} cannot end at {intent.expires_at.isoformat()}; "
            "give an expires_at after it"
        )
    yield e.Offered(
        **rules.of(intent.application_id, application),
        stage=rules.stage_of(application),
        offer_version=last.version + 1 if last else 1,
        expires_at=intent.expires_at,
        terms=intent.terms,
    )


def accept_offer(known: Known, intent: i.AcceptOffer) -> Consequences:
    candidate = known.candidate
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    yield from rules.not_outstanding(application, intent.offer_version)
    offer = application.offer if application else None
    if offer and offer.expires_at and offer.expires_at < known.at:
        yield errors.OfferExpired(
            f"offer {offer.version} of application {intent.application_id} expired at "
            f"{offer.expires_at.isoformat()}; make a new one"
        )
    yield e.OfferAccepted(
        **rules.of(intent.application_id, application),
        stage=rules.stage_of(application),
        offer_version=intent.offer_version or (offer.version if offer else None),
    )


def decline_offer(known: Known, intent: i.DeclineOffer) -> Consequences:
    candidate = known.candidate
    application = candidate.applications.get(intent.application_id)
    yield from rules.not_active(candidate, intent.application_id)
    yield from rules.not_outstanding(application, intent.offer_version)
    offer = application.offer if application else None
    yield e.OfferDeclined(
        **rules.of(intent.application_id, application),
        stage=rules.stage_of(application),
        offer_version=intent.offer_version or (offer.version if offer else None),
    )
