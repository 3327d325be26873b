"""Says in one sentence what an event was, without personal data and without a look elsewhere."""

from uuid import UUID

from domain import job as j
from domain import self_identification as s
from domain import upkeep as u
from domain.candidate import events as e
from domain.candidate.intents import DETAILS
from domain.recorded import Happened
from domain.values import RejectionType

REJECTED_BY = {
    RejectionType.WE_REJECTED: "by us",
    RejectionType.CANDIDATE_WITHDREW: "because the candidate withdrew",
    RejectionType.UNSPECIFIED: "without saying by whom",
}

REBUILDS: dict[type[u.RebuildEvent], str] = {
    u.RebuildBegun: "begun",
    u.RebuildPaused: "paused",
    u.RebuildResumed: "resumed",
    u.RebuildAbandoned: "abandoned",
}


def describe(event: Happened) -> str:  # one line for each event
    """One sentence, such as `Moved from Phone screen forward to Onsite for Backend Engineer`."""
    match event:
        case e.Sourced():
            return f"Sourced from {event.source} ({event.origin})" + _for_job(event.job_title)
        case e.Contacted():
            step = f", step {event.step}" if event.step else ""
            step += f" of {event.sequence}" if event.sequence else ""
            about = _for_job(event.job_title)
            return f"Contacted by {event.channel}{about} (message {event.message_id}{step})"
        case e.Opened():
            return f"Opened message {event.message_id}"
        case e.Clicked():
            return f"Followed a link in message {event.message_id}"
        case e.Replied():
            answered = f"to message {event.message_id}" if event.message_id else "unasked"
            return f"Replied by {event.channel} {answered}"
        case e.Applied():
            entered = f", entered at {event.stage}" if event.stage else ""
            return f"Applied through {event.source} ({event.origin}){entered}" + _for(event)
        case e.Advanced():
            direction = f" {event.direction}" if event.direction else ""
            origin = f" from {event.from_stage}" if event.from_stage else ""
            return f"Moved{origin}{direction} to {event.to_stage}" + _for(event)
        case e.Offered():
            return f"Offer {event.offer_version} made{_at(event.stage)}" + _for(event)
        case e.OfferAccepted():
            return f"{_offer(event.offer_version)} accepted" + _for(event)
        case e.OfferDeclined():
            return f"{_offer(event.offer_version)} declined" + _for(event)
        case e.Hired():
            return "Hired" + (f" from {event.stage}" if event.stage else "") + _for(event)
        case e.Rejected():
            return f"Rejected{_at(event.stage)} {REJECTED_BY[event.rejection_type]}" + _for(event)
        case e.Reinstated():
            return f"Application reinstated{_at(event.stage)}" + _for(event)
        case e.Withdrawn():
            return f"Candidate withdrew{_at(event.stage)}" + _for(event)
        case e.ReturnedToPool():
            last = f" from {event.stage}" if event.stage else ""
            return f"Returned to pool {event.pool}{last}" + _for_job(event.job_title)
        case e.ProfileUpdated():
            changed = [name for name in DETAILS if getattr(event, name)]
            parts = [f"changed {', '.join(changed)}"] if changed else []
            parts += [f"removed {', '.join(event.removed)}"] if event.removed else []
            return "Profile updated: " + (" and ".join(parts) or "nothing changed")
        case e.Noted():
            return "Note written" + _for_job(event.job_title)
        case e.ConsentGranted():
            until = f" until {event.expires_at:%Y-%m-%d}" if event.expires_at else ""
            return f"Consent to {event.purpose} granted{until}"
        case e.ConsentWithdrawn():
            return f"Consent to {event.purpose} withdrawn"
        case e.Unsubscribed():
            return f"Unsubscribed from {event.channel or 'all'} outreach"
        case e.Held():
            until = f" until {event.expires_at:%Y-%m-%d}" if event.expires_at else ""
            return f"Legal hold placed{until} ({event.legal_reference})"
        case e.HoldReleased():
            return "Legal hold released"
        case e.ErasureRequested():
            return f"Erasure of {', '.join(event.purposes)} requested ({event.legal_basis})"
        case e.Erased():
            return f"Erased: keys destroyed of {', '.join(event.purposes)}"
        case j.JobOpened():
            return f"Job {event.title} opened with {event.openings} opening(s)"
        case j.StagesDefined():
            return f"Stages defined: {' > '.join(event.stages)}"
        case j.StagesChanged():
            return (
                f"Stages changed from {' > '.join(event.from_stages)} "
                f"to {' > '.join(event.to_stages)}"
            )
        case j.HiringManagersChanged():
            named = ", ".join(event.to_hiring_managers) or "nobody"
            return f"Hiring managers changed to {named}"
        case j.JobClosed():
            return "Job closed"
        case j.JobReopened():
            return "Job re-opened"
        case s.SelfIdentified():
            return "Somebody answered questions on self-identification"
        case u.UpkeepEvent():
            return _upkeep(event)
    return event.wire_name()


def _upkeep(event: u.UpkeepEvent) -> str:
    match event:
        case u.ParkedRetried():
            return f"Parked events of {event.model} retried"
        case u.ParkedSkipped():
            return f"Event at position {event.position} left out of {event.model}"
        case u.RebuildEvent():
            return f"Rebuild {event.rebuild} of {event.model} {REBUILDS[type(event)]}"
        case u.SwitchedBack():
            return f"Switched back to build {event.build} of {event.model}"
        case u.BuildDropped():
            return f"Build {event.build} of {event.model} dropped"
        case u.ImpactReportPublished():
            return f"Report {event.report_id} on adverse impact published ({event.policy})"
    return event.wire_name()


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
