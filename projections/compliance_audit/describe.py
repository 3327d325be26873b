"""Says in one sentence what an event was, without personal data and without a look elsewhere."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import job_events as j
from domain import self_identification_events as s
from domain import upkeep as u
from domain.candidate import events as e
from domain.candidate.events import DETAILS
from domain.recorded import Happened
from domain.values import RejectionType

REJECTED_BY = {
    RejectionType.WE_REJECTED: "by us",
    RejectionType.CANDIDATE_WITHDREW: "because the candidate withdrew",
    RejectionType.UNSPECIFIED: "without saying by whom",
}

Sentence = Callable[[Any], str]


def describe(event: Happened) -> str:
    """One sentence, such as `Moved from Phone screen forward to Onsite for Backend Engineer`."""
    return SENTENCES[type(event)](event)


def _sourced(event: e.Sourced) -> str:
    return f"Sourced from {event.source} ({event.origin})" + _for_job(event.job_title)


def _contacted(event: e.Contacted) -> str:
    step = f", step {event.step}" if event.step else ""
    step += f" of {event.sequence}" if event.sequence else ""
    about = _for_job(event.job_title)
    return f"Contacted by {event.channel}{about} (message {event.message_id}{step})"


def _replied(event: e.Replied) -> str:
    answered = f"to message {event.message_id}" if event.message_id else "unasked"
    return f"Replied by {event.channel} {answered}"


def _applied(event: e.Applied) -> str:
    entered = f", entered at {event.stage}" if event.stage else ""
    return f"Applied through {event.source} ({event.origin}){entered}" + _for(event)


def _advanced(event: e.Advanced) -> str:
    direction = f" {event.direction}" if event.direction else ""
    origin = f" from {event.from_stage}" if event.from_stage else ""
    return f"Moved{origin}{direction} to {event.to_stage}" + _for(event)


def _hired(event: e.Hired) -> str:
    return "Hired" + (f" from {event.stage}" if event.stage else "") + _for(event)


def _rejected(event: e.Rejected) -> str:
    return f"Rejected{_at(event.stage)} {REJECTED_BY[event.rejection_type]}" + _for(event)


def _returned_to_pool(event: e.ReturnedToPool) -> str:
    last = f" from {event.stage}" if event.stage else ""
    return f"Returned to pool {event.pool}{last}" + _for_job(event.job_title)


def _profile_updated(event: e.ProfileUpdated) -> str:
    changed = [name for name in DETAILS if getattr(event, name)]
    parts = [f"changed {', '.join(changed)}"] if changed else []
    parts += [f"removed {', '.join(event.removed)}"] if event.removed else []
    return "Profile updated: " + (" and ".join(parts) or "nothing changed")


def _consent_granted(event: e.ConsentGranted) -> str:
    return f"Consent to {event.purpose} granted{_until(event.expires_at)}"


def _held(event: e.Held) -> str:
    return f"Legal hold placed{_until(event.expires_at)} ({event.legal_reference})"


def _erasure_requested(event: e.ErasureRequested) -> str:
    return f"Erasure of {', '.join(event.purposes)} requested ({event.legal_basis})"


def _stages_changed(event: j.StagesChanged) -> str:
    before, after = " > ".join(event.from_stages), " > ".join(event.to_stages)
    return f"Stages changed from {before} to {after}"


def _rebuild(done: str) -> Sentence:
    return lambda event: f"Rebuild {event.rebuild} of {event.model} {done}"


SENTENCES: dict[type[Happened], Sentence] = {
    e.Sourced: _sourced,
    e.Contacted: _contacted,
    e.Opened: lambda event: f"Opened message {event.message_id}",
    e.Clicked: lambda event: f"Followed a link in message {event.message_id}",
    e.Replied: _replied,
    e.Applied: _applied,
    e.Advanced: _advanced,
    e.Offered: lambda event: f"Offer {event.offer_version} made{_at(event.stage)}" + _for(event),
    e.OfferAccepted: lambda event: f"{_offer(event.offer_version)} accepted" + _for(event),
    e.OfferDeclined: lambda event: f"{_offer(event.offer_version)} declined" + _for(event),
    e.Hired: _hired,
    e.Rejected: _rejected,
    e.Reinstated: lambda event: f"Application reinstated{_at(event.stage)}" + _for(event),
    e.Withdrawn: lambda event: f"Candidate withdrew{_at(event.stage)}" + _for(event),
    e.ReturnedToPool: _returned_to_pool,
    e.ProfileUpdated: _profile_updated,
    e.Noted: lambda event: "Note written" + _for_job(event.job_title),
    e.ConsentGranted: _consent_granted,
    e.ConsentWithdrawn: lambda event: f"Consent to {event.purpose} withdrawn",
    e.Unsubscribed: lambda event: f"Unsubscribed from {event.channel or 'all'} outreach",
    e.Held: _held,
    e.HoldReleased: lambda _: "Legal hold released",
    e.ErasureRequested: _erasure_requested,
    e.Erased: lambda event: f"Erased: keys destroyed of {', '.join(event.purposes)}",
    j.JobOpened: lambda event: f"Job {event.title} opened with {event.openings} opening(s)",
    j.StagesDefined: lambda event: f"Stages defined: {' > '.join(event.stages)}",
    j.StagesChanged: _stages_changed,
    j.HiringManagersChanged: lambda event: (
        f"Hiring managers changed to {', '.join(event.to_hiring_managers) or 'nobody'}"
    ),
    j.JobClosed: lambda _: "Job closed",
    j.JobReopened: lambda _: "Job re-opened",
    s.SelfIdentified: lambda _: "Somebody answered questions on self-identification",
    u.ParkedRetried: lambda event: f"Parked events of {event.model} retried",
    u.ParkedSkipped: lambda event: f"Event at position {event.position} left out of {event.model}",
    u.RebuildBegun: _rebuild("begun"),
    u.RebuildPaused: _rebuild("paused"),
    u.RebuildResumed: _rebuild("resumed"),
    u.RebuildAbandoned: _rebuild("abandoned"),
    u.SwitchedBack: lambda event: f"Switched back to build {event.build} of {event.model}",
    u.BuildDropped: lambda event: f"Build {event.build} of {event.model} dropped",
    u.ImpactReportPublished: lambda event: (
        f"Report {event.report_id} on adverse impact published ({event.policy})"
    ),
}


def _until(end: datetime | None) -> str:
    return f" until {end:%Y-%m-%d}" if end else ""


def _at(stage: str | None) -> str:
    return f" at {stage}" if stage else ""


def _offer(version: int | None) -> str:
    return f"Offer {version}" if version else "Offer"


def _for(event: e.ApplicationEvent) -> str:
    return _for_job(event.job_title or _named(event.job_id))


def _for_job(title: str | None) -> str:
    return f" for {title}" if title else ""


def _named(job_id: UUID | None) -> str | None:
    return f"job {job_id}" if job_id else None
