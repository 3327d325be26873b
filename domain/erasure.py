"""Legal holds and erasure: what may be asked for on a candidate, and what follows from it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from domain import errors
from domain.candidate import events as e
from domain.candidate.intents import Intent
from domain.candidate.rules import Consequences, Known
from domain.given import GivenMoment, Label
from domain.values import Purpose

EVERY_PURPOSE = tuple(Purpose)

# Intents


class PlaceHold(Intent):
    """Forbid that anything of the candidate is destroyed, until a release or until an end."""

    type: Literal["held"] = "held"
    hold_id: UUID
    legal_reference: Label
    expires_at: GivenMoment | None = None


class ReleaseHold(Intent):
    """End a legal hold."""

    type: Literal["hold-released"] = "hold-released"
    hold_id: UUID


class RequestErasure(Intent):
    """Put on record that an erasure was asked for, on what basis and for which purposes."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["erasure-requested"] = "erasure-requested"
    erasure_id: UUID
    legal_basis: Label
    basis_version: Label
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]


class Erase(Intent):
    """Destroy the keys of these purposes."""

    COMMUTES: ClassVar[bool] = True

    type: Literal["erased"] = "erased"
    erasure_id: UUID
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]


ERASURE_INTENTS = (PlaceHold, ReleaseHold, RequestErasure, Erase)

# Decisions


def place_hold(known: Known, intent: PlaceHold) -> Consequences:
    if intent.hold_id in known.candidate.holds:
        yield errors.AlreadyOnRecord(
            f"hold {intent.hold_id} is on record already; give each one an id of its own"
        )
    if intent.expires_at and intent.expires_at <= known.at:
        yield errors.AlreadyExpired(
            f"a hold of {known.at.isoformat()} cannot end at {intent.expires_at.isoformat()}; "
            "give an expires_at after it"
        )
    if known.candidate.is_erased:
        yield _erased(known)
    yield e.Held(
        hold_id=intent.hold_id,
        legal_reference=intent.legal_reference,
        expires_at=intent.expires_at,
    )


def release_hold(known: Known, intent: ReleaseHold) -> Consequences:
    hold = known.candidate.holds.get(intent.hold_id)
    if hold is None:
        yield errors.HoldNotFound(
            f"candidate {known.candidate.id} has no hold {intent.hold_id}; see GET /v1/holds"
        )
    elif hold.released:
        yield errors.AlreadyReleased(f"hold {hold.id} was released already")
    yield e.HoldReleased(hold_id=intent.hold_id)


def request_erasure(known: Known, intent: RequestErasure) -> Consequences:
    yield from _nothing_left(known, intent.purposes)
    yield e.ErasureRequested(
        erasure_id=intent.erasure_id,
        legal_basis=intent.legal_basis,
        basis_version=intent.basis_version,
        purposes=intent.purposes,
    )


def erase(known: Known, intent: Erase) -> Consequences:
    for hold in known.candidate.holds.values():
        if hold.stands(known.at):
            until = hold.expires_at.isoformat() if hold.expires_at else "it is released"
            yield errors.LegalHold(
                f"hold {hold.id} ({hold.legal_reference}) stands until {until}; the erasure "
                f"{intent.erasure_id} waits on record and is carried out afterwards"
            )
    yield from _nothing_left(known, intent.purposes)
    gone = known.candidate.erased | set(intent.purposes)
    purposes = tuple(each for each in EVERY_PURPOSE if each in gone)
    yield e.Erased(erasure_id=intent.erasure_id, purposes=purposes)


def _nothing_left(known: Known, purposes: tuple[Purpose, ...]) -> Consequences:
    if known.candidate.erased >= set(purposes):
        yield _erased(known)


def _erased(known: Known) -> errors.CandidateErased:
    return errors.CandidateErased(
        f"candidate {known.candidate.id} was erased; there is nothing left of it to keep or destroy"
    )
