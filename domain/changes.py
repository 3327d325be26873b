"""What an event changed: which thing, from what, to what."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain import errors
from domain import job_events as j
from domain.candidate import events as e
from domain.recorded import Recorded
from domain.upkeep import ImpactReportPublished, UpkeepEvent
from domain.values import ApplicationStatus

Value = str | Sequence[str] | None


@dataclass(frozen=True)
class Change:
    """`before` is None where there was nothing, or where what was there is not on record.

    All three are None for an event that changes no status, such as a reply.
    """

    of: str | None = None  # `application`, `stage`, `offer`, `consent`, …
    before: Value = None
    after: Value = None


# Facts are kept also where they break a rule; the rule tells what was there instead of the usual.
_INSTEAD = {
    errors.AlreadyRejected.code: "rejected",
    errors.AlreadyWithdrawn.code: "withdrawn",
    errors.AlreadyPooled.code: "pooled",
    errors.AlreadyHired.code: "hired",
    errors.UnknownApplication.code: None,
    errors.OfferAlreadyAccepted.code: "accepted",
    errors.OfferNotOutstanding.code: None,
    errors.NoOffer.code: None,
    errors.AlreadyUnsubscribed.code: "unsubscribed",
    errors.JobAlreadyClosed.code: "closed",
    errors.JobAlreadyOpen.code: "open",
    errors.JobNotFound.code: None,
}


def change(recorded: Recorded) -> Change:
    """What the event changed, told by itself alone.

    Raises TypeError for an event that is not decided on here.
    """

    def was(usual: str) -> str | None:
        for rule in recorded.metadata.broken_rules:
            if rule in _INSTEAD:
                return _INSTEAD[rule]
        return usual

    match recorded.event:
        case e.Applied():
            return Change("application", None, ApplicationStatus.ACTIVE)
        case e.Advanced() as event:
            return Change("stage", event.from_stage, event.to_stage)
        case e.Hired():
            return Change("application", was("active"), ApplicationStatus.HIRED)
        case e.Rejected():
            return Change("application", was("active"), ApplicationStatus.REJECTED)
        case e.Withdrawn():
            return Change("application", was("active"), ApplicationStatus.WITHDRAWN)
        case e.Reinstated() as event:
            return Change("application", event.from_status, ApplicationStatus.ACTIVE)
        case e.ReturnedToPool() as event:
            if event.application_id and event.from_status in {None, ApplicationStatus.ACTIVE}:
                return Change("application", event.from_status, ApplicationStatus.POOLED)
            return Change("pool", None, event.pool)
        case e.Offered():
            return Change("offer", None, "outstanding")
        case e.OfferAccepted():
            return Change("offer", was("outstanding"), "accepted")
        case e.OfferDeclined():
            return Change("offer", was("outstanding"), "declined")
        case e.ConsentGranted() as event:
            return Change("consent", event.said_before, "granted")
        case e.ConsentWithdrawn() as event:
            return Change("consent", event.said_before, "withdrawn")
        case e.Unsubscribed():
            return Change("subscription", was("subscribed"), "unsubscribed")
        case e.Held():
            return Change("hold", None, "placed")
        case e.HoldReleased():
            return Change("hold", "placed", "released")
        case e.ErasureRequested():
            return Change("erasure", None, "requested")
        case e.Erased():
            return Change("erasure", "requested", "erased")
        case j.JobOpened():
            return Change("job", None, "open")
        case j.JobClosed():
            return Change("job", was("open"), "closed")
        case j.JobReopened():
            return Change("job", was("closed"), "open")
        case j.StagesDefined() as event:
            return Change("stages", None, event.stages)
        case j.HiringManagersChanged() as event:
            return Change("hiring-managers", event.from_hiring_managers, event.to_hiring_managers)
        case j.StagesChanged() as event:
            return Change("stages", event.from_stages, event.to_stages)
        case ImpactReportPublished():
            return Change("impact-report", None, "published")
        case e.Sourced() | e.ProfileUpdated() | e.Noted() | UpkeepEvent():
            return Change()
        case e.Contacted() | e.Opened() | e.Clicked() | e.Replied():
            return Change()
        case event:
            raise TypeError(f"what does {event.TOPIC} change? Decide it here")
