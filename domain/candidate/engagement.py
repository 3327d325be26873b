"""Decisions on the relationship: sourcing, outreach, consent, the pool's terms and the profile."""

from uuid import UUID

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.candidate import rules
from domain.candidate.rules import Consequences, Known
from domain.values import ConsentPurpose


def source(known: Known, intent: i.Source) -> Consequences:
    candidate, job = known.candidate, known.job
    if intent.job_id and job is None:
        yield rules.unknown_job(intent.job_id)
    if job and not job.is_open:
        yield rules.job_is_closed(job)
    if (intent.source, intent.job_id) in candidate.sourced_for:
        yield errors.AlreadySourced(
            f"candidate {candidate.id} was sourced from {intent.source!r} for this already; "
            "record what is new as noted or profile-updated"
        )
    yield e.Sourced(
        origin=intent.origin,
        source=intent.source,
        job_id=intent.job_id,
        job_title=job.title if job else None,
        **intent.details(),
    )


def contact(known: Known, intent: i.Contact) -> Consequences:
    candidate = known.candidate
    application = None
    if intent.application_id:
        application = candidate.applications.get(intent.application_id)
        if application is None:
            yield rules.unknown_application(candidate, intent.application_id)
    if not rules.still_concerns(application, known.at):
        if candidate.unsubscribed.keys() & {None, intent.channel}:
            yield errors.DoNotContact(
                f"candidate {candidate.id} unsubscribed from outreach by {intent.channel}; "
                "record a consent-granted for outreach before contacting again"
            )
        yield from rules.without_consent(candidate, ConsentPurpose.OUTREACH, known.at)
    if intent.message_id in candidate.messages:
        yield errors.AlreadyContacted(
            f"message {intent.message_id!r} to candidate {candidate.id} is on record already; "
            "give each message an id of its own"
        )
    yield e.Contacted(**intent.what(), **rules.job_of(application))


def open_message(known: Known, intent: i.Open) -> Consequences:
    candidate = known.candidate
    yield from rules.never_sent(candidate, intent.message_id)
    yield e.Opened(message_id=intent.message_id)


def click(known: Known, intent: i.Click) -> Consequences:
    candidate = known.candidate
    yield from rules.never_sent(candidate, intent.message_id)
    yield e.Clicked(message_id=intent.message_id)


def reply(known: Known, intent: i.Reply) -> Consequences:
    candidate = known.candidate
    if intent.message_id:
        yield from rules.never_sent(candidate, intent.message_id)
    yield e.Replied(**intent.what())


def unsubscribe(known: Known, intent: i.Unsubscribe) -> Consequences:
    candidate = known.candidate
    if candidate.unsubscribed.keys() & {None, intent.channel}:
        yield errors.AlreadyUnsubscribed(
            f"candidate {candidate.id} is unsubscribed already; nothing more needs recording"
        )
    yield e.Unsubscribed(channel=intent.channel)


def grant_consent(known: Known, intent: i.GrantConsent) -> Consequences:
    if intent.expires_at and intent.expires_at <= known.at:
        yield errors.AlreadyExpired(
            f"a consent of {known.at.isoformat()} cannot end at {intent.expires_at.isoformat()}; "
            "give an expires_at after it"
        )
    yield e.ConsentGranted(
        purpose=intent.purpose,
        expires_at=intent.expires_at,
        said_before=rules.said_before(known.candidate, intent.purpose),
    )


def withdraw_consent(known: Known, intent: i.WithdrawConsent) -> Consequences:
    candidate = known.candidate
    consent = candidate.consents.get(intent.purpose)
    if consent and not consent.granted:
        yield errors.ConsentIsWithdrawn(
            f"candidate {candidate.id} withdrew consent to {intent.purpose} already; "
            "nothing more needs recording"
        )
    yield e.ConsentWithdrawn(
        purpose=intent.purpose, said_before=rules.said_before(candidate, intent.purpose)
    )


def update_profile(known: Known, intent: i.UpdateProfile) -> Consequences:
    candidate = known.candidate
    changed = {k: v for k, v in intent.details().items() if candidate.details.get(k) != v}
    removed = tuple(name for name in intent.removed if name in candidate.details)
    if not changed and not removed:
        yield errors.NothingToUpdate(
            f"candidate {candidate.id} has exactly these details; send what changes"
        )
    yield e.ProfileUpdated(**changed, removed=removed)


def note(known: Known, intent: i.Note) -> Consequences:
    candidate = known.candidate
    application = candidate.applications.get(intent.application_id or UUID(int=0))
    if intent.application_id and application is None:
        yield rules.unknown_application(candidate, intent.application_id)
    yield e.Noted(**intent.what(), **rules.job_of(application))
