"""What the API answers with: the shapes of candidates, events and outcomes on the wire."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from api.reading import Selectable
from api.versions import tag_of
from api.views import Job, Relationship
from domain.candidate.state import Candidate
from domain.outcome import Outcome
from domain.recorded import Recorded, disclosed, personal_fields, told
from domain.values import Moment

REPLAYED_HEADER = "Idempotent-Replayed"


class Event(BaseModel):
    """One event of a history: what happened, who did it, why, and the two times."""

    version: int = Field(examples=[3], description="Its number on the candidate's stream.")
    position: int = Field(examples=[1042], description="Its place in the whole log.")
    type: str = Field(examples=["advanced"])
    occurred_at: Moment = Field(description="When it happened in the world, UTC.")
    recorded_at: Moment = Field(description="When hirelog learned of it, UTC.")
    actor: str = Field(examples=["recruiter:ana"])
    on_behalf_of: str | None = None
    reason: str | None = None
    provenance: str = Field(examples=["api"])
    broken_rules: list[str] = Field(
        default=[], description="Rules that an imported fact broke; it is kept all the same."
    )
    command_id: UUID
    correlation_id: str | None = None
    causation_id: str | None = None
    data: dict[str, Any] = Field(
        examples=[{"from_stage": "Phone screen", "to_stage": "Onsite", "direction": "forward"}]
    )

    @classmethod
    def of(cls, recorded: Recorded, *, personal: bool = True) -> "Event":
        """The event on the wire; without `personal` what identifies a person is null."""
        metadata, event = recorded.metadata, recorded.event
        data = told(event)
        if not personal:
            data.update(dict.fromkeys(personal_fields(type(event)) & data.keys()))
        return cls(
            version=recorded.originator_version,
            position=recorded.position,
            type=event.wire_name(),
            data=data,
            **disclosed(metadata),
        )


class Recording(BaseModel):
    """What a command led to."""

    id: UUID = Field(description="The candidate or job.")
    version: int = Field(description="The stream's version after the command.")
    position: int = Field(description="Where the log stands with the command's last event.")
    events: list[Event]

    @classmethod
    def of(cls, outcome: Outcome) -> "Recording":
        """The outcome as it goes over the wire."""
        return cls(
            id=outcome.stream,
            version=outcome.version,
            position=outcome.position,
            events=[Event.of(recorded) for recorded in outcome.events],
        )


def answer(kind: str, outcome: Outcome) -> Response:
    """The answer to a command: the body follows from the events, so a repeat gets the same one."""
    headers = {
        "Hirelog-Position": str(outcome.position),
        "Location": f"/v1/{kind}/{outcome.stream}",
        "ETag": tag_of(outcome.version),
    }
    if outcome.repeated:
        headers[REPLAYED_HEADER] = "true"
    # As for reads: FastAPI would validate the models again, on another thread.
    body = Recording.of(outcome).model_dump_json()
    return Response(body, 201, headers, "application/json")


class Offer(BaseModel):
    """One version of an offer."""

    version: int
    status: str = Field(examples=["outstanding"])
    expires_at: Moment | None = None


class CandidateApplication(BaseModel):
    """One candidacy of the candidate."""

    id: UUID
    job_id: UUID | None
    job_title: str | None
    status: str = Field(examples=["active"])
    stage: str | None
    origin: str | None
    source: str | None
    applied_at: Moment | None
    ended_at: Moment | None
    offers: list[Offer]


class CandidateConsent(BaseModel):
    """What the candidate last said on one purpose."""

    purpose: str = Field(examples=["outreach"])
    granted: bool
    since: Moment
    expires_at: Moment | None = None


class CandidateState(Selectable):
    """A candidate as the events tell it, now or as of another moment."""

    IDENTIFIED_BY: ClassVar[str] = "id"

    id: UUID
    version: int = Field(description="Number of the last event that this state rests on.")
    status: str = Field(examples=["applicant"], description="prospect, applicant, hired or erased")
    origin: str | None
    source: str | None
    details: dict[str, str] | None = Field(
        examples=[{"name": "Ada Ruiz", "email": "ada@example.org"}],
        description="Null for a caller who may not see personal values.",
    )
    applications: list[CandidateApplication]
    consents: list[CandidateConsent]
    unsubscribed: list[str] = Field(description="Channels, or `all`.")
    pools: list[str]
    last_occurred_at: Moment | None
    engagement: Relationship | None = Field(
        default=None, description="With `expand=engagement`, as that read model has it now."
    )
    jobs: list[Job] = Field(
        default=[], description="With `expand=jobs`: those that the applications are for, now."
    )

    @classmethod
    def of(cls, candidate: Candidate, *, personal: bool = True) -> "CandidateState":
        """The candidate as it goes over the wire; the details are left to `personal` ones."""
        return cls(
            id=candidate.id,
            version=candidate.version,
            status=candidate.status,
            origin=candidate.origin,
            source=candidate.source,
            details=candidate.details if personal else None,
            applications=[
                CandidateApplication.model_validate(application, from_attributes=True)
                for application in candidate.applications.values()
            ],
            consents=[
                CandidateConsent(
                    purpose=purpose,
                    granted=consent.granted,
                    since=consent.since,
                    expires_at=consent.expires_at,
                )
                for purpose, consent in candidate.consents.items()
            ],
            unsubscribed=_sorted(channel or "all" for channel in candidate.unsubscribed),
            pools=_sorted(candidate.pools),
            last_occurred_at=candidate.last_occurred_at,
        )


def _sorted(words: Any) -> Sequence[str]:
    return sorted(str(word) for word in words)
