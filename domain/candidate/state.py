"""What is known of a candidate after each event: the fold of a candidate's stream."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.candidate import events as e
from domain.candidate.events import DETAILS
from domain.recorded import Recorded
from domain.values import REDACTED, ApplicationStatus, Channel, ConsentPurpose, Origin, Purpose


@dataclass(slots=True)
class OfferMade:
    """One version of an offer: outstanding, accepted, declined or superseded."""

    version: int
    status: str = "outstanding"
    expires_at: datetime | None = None


@dataclass(slots=True)
class JobApplication:
    """One candidacy for one job."""

    id: UUID
    job_id: UUID | None
    job_title: str | None
    status: ApplicationStatus
    stage: str | None
    origin: Origin | None = None
    source: str | None = None
    applied_at: datetime | None = None
    ended_at: datetime | None = None
    offers: list[OfferMade] = field(default_factory=list)
    has_accepted: bool = False

    @property
    def offer(self) -> OfferMade | None:
        """The latest version of the offer."""
        return self.offers[-1] if self.offers else None


@dataclass(slots=True)
class Consent:
    """What the candidate last said on one purpose."""

    granted: bool
    since: datetime
    expires_at: datetime | None = None


@dataclass(slots=True)
class Hold:
    """A legal hold, which stands until it is released or, where it has one, until its end."""

    id: UUID
    legal_reference: str
    expires_at: datetime | None
    released: bool = False

    def stands(self, at: datetime) -> bool:
        """Whether it forbids at that time to destroy anything."""
        return not self.released and (self.expires_at is None or at < self.expires_at)


@dataclass(slots=True)
class Candidate:
    """A person as the events tell it; `version` is the number of the last event folded."""

    id: UUID
    version: int = 0
    origin: Origin | None = None
    source: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    applications: dict[UUID, JobApplication] = field(default_factory=dict)
    sourced_for: set[tuple[str, UUID | None]] = field(default_factory=set)
    messages: dict[str, Channel] = field(default_factory=dict)
    consents: dict[ConsentPurpose, Consent] = field(default_factory=dict)
    unsubscribed: dict[Channel | None, datetime] = field(default_factory=dict)
    pools: set[str] = field(default_factory=set)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    erased: frozenset[Purpose] = frozenset()
    erased_at: int = 0  # the version of the last erasure
    commands: dict[UUID, int] = field(default_factory=dict)
    last_occurred_at: datetime | None = None

    @property
    def status(self) -> str:
        """`applicant` while an application is active, else `hired`, `erased` or `prospect`."""
        statuses = {application.status for application in self.applications.values()}
        if ApplicationStatus.ACTIVE in statuses:
            return "applicant"
        if ApplicationStatus.HIRED in statuses:
            return "hired"
        return "erased" if self.is_erased else "prospect"

    @property
    def is_erased(self) -> bool:
        """Whether nothing is left that says who it is or what was thought of them."""
        return bool(self.erased) and {Purpose.CONTACT, Purpose.EVALUATION} <= self.erased

    def active_for(self, job_id: UUID | None) -> JobApplication | None:
        """The active application for a job, at most one; None for a job that is not known."""
        if job_id is None:
            return None
        for application in self.applications.values():
            if application.job_id == job_id and application.status is ApplicationStatus.ACTIVE:
                return application
        return None


# What changes nothing that a decision needs.
NO_MATTER = frozenset({e.Opened, e.Clicked, e.Replied, e.Noted})


def fold(candidate: Candidate | None, history: Iterable[Recorded]) -> Candidate | None:
    """The candidate after `history`, in stream order; None where it is no candidate's."""
    for recorded in history:
        if isinstance(recorded.event, e.CandidateEvent):
            candidate = evolve(candidate, recorded)
    return candidate


def evolve(candidate: Candidate | None, recorded: Recorded) -> Candidate:
    """The candidate after one more event; the given object is changed and returned.

    It never refuses: what is on record happened, also where it broke a rule.
    """
    candidate = candidate or Candidate(id=recorded.originator_id)
    when = recorded.metadata.occurred_at
    candidate.version = recorded.originator_version
    candidate.commands.setdefault(recorded.metadata.command_id, recorded.originator_version)
    candidate.last_occurred_at = max(candidate.last_occurred_at or when, when)
    if type(recorded.event) in NO_MATTER:
        return candidate
    match recorded.event:
        case e.ApplicationEvent() as event:
            _evolve_application(candidate, event, when)
        case e.Sourced() as event:
            candidate.sourced_for.add((event.source, event.job_id))
            _begin(candidate, event.origin, event.source)
            _learn(candidate, event)
        case e.Contacted() as event:
            candidate.messages[event.message_id] = event.channel
        case e.ReturnedToPool() as event:
            if not candidate.is_erased:
                candidate.pools.add(event.pool)
            if event.application_id in candidate.applications:
                _end(candidate.applications[event.application_id], ApplicationStatus.POOLED, when)
        case e.ProfileUpdated() as event:
            _learn(candidate, event)
            for name in event.removed:
                candidate.details.pop(name, None)
        case e.ConsentGranted() as event:
            consent = Consent(granted=True, since=when, expires_at=event.expires_at)
            _say(candidate, event.purpose, consent)
        case e.ConsentWithdrawn() as event:
            _say(candidate, event.purpose, Consent(granted=False, since=when))
        case e.Unsubscribed() as event:
            said = candidate.consents.get(ConsentPurpose.OUTREACH)
            if not (said and said.granted and said.since > when):
                since = candidate.unsubscribed.get(event.channel, when)
                candidate.unsubscribed[event.channel] = max(since, when)
        case e.Held() as event:
            hold = Hold(event.hold_id, event.legal_reference, event.expires_at)
            candidate.holds[event.hold_id] = hold
        case e.HoldReleased() as event:
            if event.hold_id in candidate.holds:
                candidate.holds[event.hold_id].released = True
        case e.Erased() as event:
            candidate.erased |= set(event.purposes)
            candidate.erased_at = candidate.version
            if Purpose.CONTACT in event.purposes:
                candidate.details = dict.fromkeys(candidate.details, REDACTED)
            if event.leaves_nobody:
                candidate.pools.clear()
                for application in candidate.applications.values():
                    _end(application, ApplicationStatus.ERASED, when)
    return candidate


def _say(candidate: Candidate, purpose: ConsentPurpose, consent: Consent) -> None:
    # What the person said last counts, whichever we learned last.
    before = candidate.consents.get(purpose)
    if before is None or before.since <= consent.since:
        candidate.consents[purpose] = consent
    had_run_out = consent.expires_at is not None and consent.expires_at <= consent.since
    if purpose is ConsentPurpose.OUTREACH and consent.granted and not had_run_out:
        for channel, since in list(candidate.unsubscribed.items()):
            if since <= consent.since:
                del candidate.unsubscribed[channel]


def _begin(candidate: Candidate, origin: Origin, source: str) -> None:
    candidate.origin = candidate.origin or origin
    candidate.source = candidate.source or source


def _learn(candidate: Candidate, details: e.DetailsLearned) -> None:
    for name in DETAILS:
        if (value := getattr(details, name)) is not None:
            candidate.details[name] = value


def _evolve_application(candidate: Candidate, event: e.ApplicationEvent, when: datetime) -> None:
    application = candidate.applications.get(event.application_id)
    if application is None:
        application = JobApplication(
            id=event.application_id,
            job_id=event.job_id,
            job_title=event.job_title,
            status=ApplicationStatus.ACTIVE,
            stage=None,
        )
        candidate.applications[event.application_id] = application
    match event:
        case e.Applied():
            application.origin, application.source = event.origin, event.source
            application.applied_at, application.stage = when, event.stage
            _begin(candidate, event.origin, event.source)
            _learn(candidate, event)
        case e.Advanced():
            application.stage = event.to_stage
        case e.Offered():
            if application.offer and application.offer.status == "outstanding":
                application.offer.status = "superseded"
            application.offers.append(
                OfferMade(version=event.offer_version, expires_at=event.expires_at)
            )
        case e.OfferAccepted():
            _answer(application, event.offer_version, "accepted")
        case e.OfferDeclined():
            _answer(application, event.offer_version, "declined")
        case e.Hired():
            if application.status is ApplicationStatus.ACTIVE:
                candidate.pools.clear()
            _end(application, ApplicationStatus.HIRED, when)
        case e.Rejected():
            _end(application, ApplicationStatus.REJECTED, when)
        case e.Withdrawn():
            _end(application, ApplicationStatus.WITHDRAWN, when)
        case e.Reinstated():
            application.status, application.ended_at = ApplicationStatus.ACTIVE, None
            application.stage = event.stage
    if candidate.is_erased:  # a fact of later is kept, and nothing goes on with it
        _end(application, ApplicationStatus.ERASED, when)


def _answer(application: JobApplication, version: int | None, status: str) -> None:
    application.has_accepted = status == "accepted"
    for offer in application.offers:
        if offer.version == version:
            offer.status = status


def _end(application: JobApplication, status: ApplicationStatus, when: datetime) -> None:
    if application.status is ApplicationStatus.ACTIVE:
        application.status, application.ended_at = status, when
