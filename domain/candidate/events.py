"""What can happen to or with a candidate: the events of a candidate's stream."""

from typing import TYPE_CHECKING, ClassVar, Literal
from uuid import UUID

from domain.recorded import Happened
from domain.values import (
    ApplicationStatus,
    Channel,
    ConsentPurpose,
    ContactDetail,
    EvaluationText,
    Moment,
    Origin,
    Purpose,
    RejectionType,
)

Said = Literal["granted", "withdrawn"]


class CandidateEvent(Happened):
    """Base of the events of a candidate's stream."""


class DetailsLearned(CandidateEvent):
    """Base of the events that may tell who a person is and how to reach them."""

    name: ContactDetail = None
    email: ContactDetail = None
    phone: ContactDetail = None
    location: ContactDetail = None
    headline: ContactDetail = None
    url: ContactDetail = None


DETAILS = DetailsLearned.__struct_fields__


class Sourced(DetailsLearned):
    """Someone found the person and put them on record, for a job or for later."""

    TOPIC: ClassVar[str] = "candidate.sourced"

    origin: Origin
    source: str
    job_id: UUID | None = None
    job_title: str | None = None


class Contacted(CandidateEvent):
    """We wrote to or called the person; a message of an application is not outreach."""

    TOPIC: ClassVar[str] = "candidate.contacted"

    message_id: str
    channel: Channel
    sequence: str | None = None
    step: int | None = None
    application_id: UUID | None = None
    job_id: UUID | None = None
    job_title: str | None = None
    subject: ContactDetail = None
    text: ContactDetail = None


class Opened(CandidateEvent):
    """The person opened a message."""

    TOPIC: ClassVar[str] = "candidate.opened"

    message_id: str


class Clicked(CandidateEvent):
    """The person followed a link in a message."""

    TOPIC: ClassVar[str] = "candidate.clicked"

    message_id: str


class Replied(CandidateEvent):
    """The person answered a message, or wrote to us unasked (without message_id)."""

    TOPIC: ClassVar[str] = "candidate.replied"

    message_id: str | None = None
    channel: Channel
    text: ContactDetail = None


class ApplicationEvent(CandidateEvent):
    """Base of the events of one application; the title saves its readers a join."""

    if TYPE_CHECKING:  # a struct has fields of one base only, and Applied has those of another
        application_id: UUID
        job_id: UUID | None
        job_title: str | None


class _WithApplication(ApplicationEvent):
    application_id: UUID
    job_id: UUID | None
    job_title: str | None


class Applied(DetailsLearned, ApplicationEvent):
    """The person became an applicant and entered the job's pipeline at `stage`."""

    TOPIC: ClassVar[str] = "candidate.applied"

    application_id: UUID
    job_id: UUID | None
    job_title: str | None
    stage: str | None
    origin: Origin
    source: str


class Advanced(_WithApplication):
    """The application moved to another stage, forward or back."""

    TOPIC: ClassVar[str] = "candidate.advanced"

    from_stage: str | None
    to_stage: str
    direction: Literal["forward", "back"] | None = None


class Offered(_WithApplication):
    """We made an offer; each further one of the same application is a new version."""

    TOPIC: ClassVar[str] = "candidate.offered"

    stage: str | None
    offer_version: int
    expires_at: Moment | None = None
    terms: EvaluationText = None


class OfferAccepted(_WithApplication):
    """The person accepted an offer."""

    TOPIC: ClassVar[str] = "candidate.offer-accepted"

    stage: str | None
    offer_version: int | None


class OfferDeclined(_WithApplication):
    """The person declined an offer; the application stays active."""

    TOPIC: ClassVar[str] = "candidate.offer-declined"

    stage: str | None
    offer_version: int | None


class Hired(_WithApplication):
    """The application ended in a hire."""

    TOPIC: ClassVar[str] = "candidate.hired"

    stage: str | None


class Rejected(_WithApplication):
    """The application ended without a hire; the metadata's reason says why."""

    TOPIC: ClassVar[str] = "candidate.rejected"

    stage: str | None
    rejection_type: RejectionType
    comment: EvaluationText = None


class Reinstated(_WithApplication):
    """An ended application goes on, at `stage`; `from_status` is how it had ended."""

    TOPIC: ClassVar[str] = "candidate.reinstated"

    stage: str | None
    from_status: ApplicationStatus | None = None


class Withdrawn(_WithApplication):
    """The person withdrew the application."""

    TOPIC: ClassVar[str] = "candidate.withdrawn"

    stage: str | None


class ReturnedToPool(CandidateEvent):
    """The person went (back) into a talent pool; an active application named here ends.

    `from_status` is what the application was until then, active or ended already.
    """

    TOPIC: ClassVar[str] = "candidate.returned-to-pool"

    pool: str
    application_id: UUID | None = None
    job_id: UUID | None = None
    job_title: str | None = None
    stage: str | None = None
    from_status: ApplicationStatus | None = None


class ProfileUpdated(DetailsLearned):
    """Details changed: those that have a value were set, those in `removed` were taken away."""

    TOPIC: ClassVar[str] = "candidate.profile-updated"

    removed: tuple[str, ...] = ()


class Noted(CandidateEvent):
    """Someone wrote down an observation."""

    TOPIC: ClassVar[str] = "candidate.noted"

    application_id: UUID | None = None
    job_id: UUID | None = None
    job_title: str | None = None
    text: EvaluationText


class ConsentGranted(CandidateEvent):
    """The person allowed something, until `expires_at` where there is one.

    `said_before` is what the person had last said on it, None for nothing.
    """

    TOPIC: ClassVar[str] = "candidate.consent-granted"

    purpose: ConsentPurpose
    expires_at: Moment | None = None
    said_before: Said | None = None


class ConsentWithdrawn(CandidateEvent):
    """The person took a consent back; `said_before` as for one that is granted."""

    TOPIC: ClassVar[str] = "candidate.consent-withdrawn"

    purpose: ConsentPurpose
    said_before: Said | None = None


class Unsubscribed(CandidateEvent):
    """The person wants no more outreach, by one channel or (without channel) by any."""

    TOPIC: ClassVar[str] = "candidate.unsubscribed"

    channel: Channel | None = None


class Held(CandidateEvent):
    """A legal hold was placed: nothing of the person may be destroyed while it stands."""

    TOPIC: ClassVar[str] = "candidate.held"

    hold_id: UUID
    legal_reference: str
    expires_at: Moment | None = None


class HoldReleased(CandidateEvent):
    """A legal hold was released."""

    TOPIC: ClassVar[str] = "candidate.hold-released"

    hold_id: UUID


class ErasureRequested(CandidateEvent):
    """Someone asked for the erasure of what is kept for these purposes, on a legal basis.

    `basis_version` is the version of the list of legal bases that it was taken from.
    """

    TOPIC: ClassVar[str] = "candidate.erasure-requested"

    erasure_id: UUID
    legal_basis: str
    basis_version: str
    purposes: tuple[Purpose, ...]


class Erased(CandidateEvent):
    """The keys of these purposes are destroyed; what they sealed is gone for good.

    `purposes` are all that are gone now, those of earlier erasures among them. The store destroys
    the keys in the transaction that appends this event.
    """

    TOPIC: ClassVar[str] = "candidate.erased"

    erasure_id: UUID
    purposes: tuple[Purpose, ...]

    @property
    def leaves_nobody(self) -> bool:
        """Whether nothing is left that says who it was or what was thought of them."""
        return {Purpose.CONTACT, Purpose.EVALUATION} <= set(self.purposes)
