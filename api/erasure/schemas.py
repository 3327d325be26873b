"""Erasures and legal holds as they go over the wire."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.erasure import listing
from api.erasure.disclosures import Disclosure
from domain.candidate.state import Hold
from domain.erasure import EVERY_PURPOSE
from domain.given import GivenMoment, Label
from domain.recorded import Recorded
from domain.values import Moment, Purpose, now


class ErasureRequest(BaseModel):
    """Whose erasure is asked for, on what basis and for which purposes."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: UUID
    legal_basis: Label = Field(examples=["gdpr-art-17-1-b"])
    reason: Label | None = Field(
        default=None, examples=["Letter of 4 May"], description="In words that name nobody."
    )
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)] = EVERY_PURPOSE


class Holder(BaseModel):
    """Something that may hold data of the person, and whether it has let go of it."""

    holder: str = Field(examples=["build:3"])
    state: str = Field(examples=["acknowledged"], description="pending, acknowledged or gone.")
    because: str | None = Field(examples=["crm_engagement"])
    changed_at: Moment


class Recipient(BaseModel):
    """Someone who was handed data in clear before, and is owed a notice."""

    kind: str = Field(examples=["export"])
    recipient: str = Field(examples=["Auditors Ltd"])
    actor: str = Field(examples=["operator:ops"])
    disclosed_at: Moment


class Erasure(BaseModel):
    """A request for erasure and how far it is."""

    id: UUID
    candidate_id: UUID
    purposes: list[str]
    legal_basis: str
    basis_version: str
    reason: str | None
    actor: str
    requested_at: Moment
    state: str = Field(
        examples=["erasing"],
        description=(
            "`requested`; `held` while a legal hold stands; `refused`; `erasing` from when the "
            "keys are gone; `complete` when every holder has let go."
        ),
    )
    because: str | None = Field(description="Why it waits or was refused.")
    position: int | None = Field(description="Where the erasure stands in the log.")
    erased_at: Moment | None
    completed_at: Moment | None

    @classmethod
    def of(cls, erasure: listing.Erasure) -> "Erasure":
        """The erasure as it goes over the wire."""
        return cls.model_validate({**vars(erasure), "id": erasure.erasure_id})


class ErasureState(Erasure):
    """An erasure with the state of each holder of data, and whom to notify."""

    holders: list[Holder]
    recipients: list[Recipient]

    @classmethod
    def whole(
        cls,
        erasure: listing.Erasure,
        holders: Sequence[listing.Holder],
        recipients: Sequence[Disclosure],
    ) -> "ErasureState":
        """All of it."""
        told = {
            **vars(erasure),
            "id": erasure.erasure_id,
            "holders": [vars(each) for each in holders],
            "recipients": [vars(each) for each in recipients],
        }
        return cls.model_validate(told)


class HoldRequest(BaseModel):
    """Whose data must not be destroyed, why, and until when."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: UUID
    legal_reference: Label = Field(
        examples=["Docket 3:26-cv-101"],
        description="In words that name nobody: it is not encrypted, and outlives an erasure.",
    )
    reason: Label | None = Field(default=None, examples=["Litigation"])
    expires_at: GivenMoment | None = None


class HoldRelease(BaseModel):
    """Whose hold ends, and why."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: UUID
    reason: Label | None = Field(default=None, examples=["Settled"])


class LegalHoldState(BaseModel):
    """A legal hold and whether it stands."""

    id: UUID
    candidate_id: UUID
    legal_reference: str
    reason: str | None
    placed_by: str
    placed_at: Moment
    expires_at: Moment | None
    stands: bool

    @classmethod
    def of(cls, placed: Recorded, hold: Hold) -> "LegalHoldState":
        """The hold that the event placed, as it is now."""
        return cls(
            id=hold.id,
            candidate_id=placed.originator_id,
            legal_reference=hold.legal_reference,
            reason=placed.metadata.reason,
            placed_by=placed.metadata.actor,
            placed_at=placed.metadata.occurred_at,
            expires_at=hold.expires_at,
            stands=hold.stands(now()),
        )
