"""What callers may ask for: one interaction each, as it comes over the wire."""

from functools import cache
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.candidate.events import DETAILS
from domain.given import Detail, Email, GivenMoment, Label, Text
from domain.values import Channel, ConsentPurpose, Origin, RejectionType


class Intent(BaseModel):
    """Base of all interactions that can be asked for; unknown fields are refused.

    `occurred_at` is when it happened in the world, now where it is left out; `reason` says why, in
    words that name nobody, for it is not encrypted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    BEGINS: ClassVar[bool] = False  # whether a candidate's stream may begin with it
    COMMUTES: ClassVar[bool] = False  # whether it means the same after whatever others record

    type: str
    occurred_at: GivenMoment | None = None
    reason: Label | None = None

    def what(self) -> dict[str, Any]:
        """The fields that belong to this interaction, without its type, time and reason."""
        fields = self.__dict__
        return {name: fields[name] for name in _own_fields(type(self))}

    def fingerprint(self) -> str:
        """The same text for the same interaction, also when later versions know more fields.

        New fields go behind those that there are: their order counts.
        """
        # As model_dump_json(), without the handling of twelve options that are not given.
        told = self.__pydantic_serializer__.to_json(self, exclude_defaults=True)
        return f"{self.type} {told.decode()}"


@cache
def _own_fields(intent: type[Intent]) -> tuple[str, ...]:
    return tuple(name for name in intent.model_fields if name not in Intent.model_fields)


class DetailsGiven(Intent):
    """An interaction that may tell who the person is."""

    name: Detail | None = None
    email: Email | None = None
    phone: Detail | None = None
    location: Detail | None = None
    headline: Detail | None = None
    url: Detail | None = None

    def details(self) -> dict[str, Any]:
        """The details that were given, without those that were not."""
        fields = self.__dict__
        return {key: value for key in DETAILS if (value := fields[key]) is not None}


class Source(DetailsGiven):
    """Put a person on record whom someone found, for a job or for later."""

    BEGINS: ClassVar[bool] = True

    type: Literal["sourced"] = "sourced"
    source: Label
    origin: Origin = Origin.SOURCED
    job_id: UUID | None = None


class Contact(Intent):
    """Record a message or a call to the candidate.

    With the id of an application that is active, or ended in the last 30 days, it concerns that
    one; else it is outreach and needs that the candidate has neither unsubscribed nor withdrawn
    consent to outreach.
    """

    type: Literal["contacted"] = "contacted"
    message_id: Label
    channel: Channel
    sequence: Label | None = None
    step: Annotated[int, Field(ge=1, le=1000)] | None = None
    application_id: UUID | None = None
    subject: Detail | None = None
    text: Text | None = None


class Open(Intent):
    """Record that the candidate opened a message."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["opened"] = "opened"
    message_id: Label


class Click(Intent):
    """Record that the candidate followed a link in a message."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["clicked"] = "clicked"
    message_id: Label


class Reply(Intent):
    """Record that the candidate wrote to us, in answer to a message or unasked."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["replied"] = "replied"
    message_id: Label | None = None
    channel: Channel = Channel.EMAIL
    text: Text | None = None


class Apply(DetailsGiven):
    """Record an application for a job; it enters at the job's first stage, or at `stage`."""

    BEGINS: ClassVar[bool] = True

    type: Literal["applied"] = "applied"
    job_id: UUID
    source: Label
    origin: Origin = Origin.APPLIED
    stage: Label | None = None


class ApplyAs(Apply):
    """An application that has its id from elsewhere; no interaction of the API's."""

    application_id: UUID


class ForApplication(Intent):
    """An interaction that concerns one application of the candidate."""

    application_id: UUID


class Advance(ForApplication):
    """Move an application to another stage of its job, forward or back."""

    type: Literal["advanced"] = "advanced"
    to_stage: Label
    from_stage: Label | None = None


class MakeOffer(ForApplication):
    """Make an offer. To replace one that is outstanding, name its version in `supersedes`."""

    type: Literal["offered"] = "offered"
    supersedes: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    expires_at: GivenMoment | None = None
    terms: Text | None = None


class AcceptOffer(ForApplication):
    """Record that the candidate accepted the outstanding offer."""

    type: Literal["offer-accepted"] = "offer-accepted"
    offer_version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class DeclineOffer(ForApplication):
    """Record that the candidate declined the outstanding offer."""

    type: Literal["offer-declined"] = "offer-declined"
    offer_version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class Hire(ForApplication):
    """End an application in a hire, after an accepted offer."""

    type: Literal["hired"] = "hired"


class Reject(ForApplication):
    """End an application without a hire."""

    type: Literal["rejected"] = "rejected"
    rejection_type: RejectionType = RejectionType.WE_REJECTED
    comment: Text | None = None


class Reinstate(ForApplication):
    """Let an ended application go on, where it stood or at `stage`."""

    type: Literal["reinstated"] = "reinstated"
    stage: Label | None = None


class Withdraw(ForApplication):
    """Record that the candidate withdrew an application."""

    type: Literal["withdrawn"] = "withdrawn"


class ReturnToPool(Intent):
    """Put the candidate into a talent pool; an active application named here ends by it."""

    type: Literal["returned-to-pool"] = "returned-to-pool"
    pool: Label
    application_id: UUID | None = None


class UpdateProfile(DetailsGiven):
    """Change details of the person; names in `removed` are taken away."""

    type: Literal["profile-updated"] = "profile-updated"
    removed: tuple[Literal["name", "email", "phone", "location", "headline", "url"], ...] = ()


class Note(Intent):
    """Write down an observation, on the candidate or on one application."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["noted"] = "noted"
    text: Text
    application_id: UUID | None = None


class GrantConsent(Intent):
    """Record a consent; one to outreach also ends an earlier unsubscription."""

    type: Literal["consent-granted"] = "consent-granted"
    purpose: ConsentPurpose
    expires_at: GivenMoment | None = None


class WithdrawConsent(Intent):
    """Record that the candidate took a consent back."""

    type: Literal["consent-withdrawn"] = "consent-withdrawn"
    purpose: ConsentPurpose


class Unsubscribe(Intent):
    """Record that the candidate wants no more outreach, by one channel or by any."""

    type: Literal["unsubscribed"] = "unsubscribed"
    channel: Channel | None = None


Beginning = Annotated[Source | Apply, Field(discriminator="type")]
Interaction = Annotated[
    Source
    | Contact
    | Open
    | Click
    | Reply
    | Apply
    | Advance
    | MakeOffer
    | AcceptOffer
    | DeclineOffer
    | Hire
    | Reject
    | Reinstate
    | Withdraw
    | ReturnToPool
    | UpdateProfile
    | Note
    | GrantConsent
    | WithdrawConsent
    | Unsubscribe,
    Field(discriminator="type"),
]
