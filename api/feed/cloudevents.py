"""An event of the log as a CloudEvent (version 1.0, JSON format)."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.candidate.events import CandidateEvent
from domain.changes import change
from domain.job_events import JobEvent
from domain.recorded import Recorded, disclosed, event_classes, personal_fields, told
from domain.self_identification_events import SelfIdentified
from domain.upkeep import ImpactReportPublished
from domain.values import Moment

SEQUENCE_DIGITS = 19  # of the largest position there can be


class Changed(BaseModel):
    """What happened: who changed what from what to what, why, and when."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    position: int = Field(examples=[1042], description="Its place in the whole log.")
    version: int = Field(examples=[6], description="Its number on its stream.")
    type: str = Field(examples=["advanced"], description="As in `types` and in the history.")
    candidate_id: UUID | None
    job_id: UUID | None
    application_id: UUID | None
    changed: str | None = Field(
        examples=["stage"], description="What `from` and `to` are about; null for no status."
    )
    before: str | list[str] | None = Field(
        alias="from", examples=["Phone screen"], description="Null where nothing was before."
    )
    after: str | list[str] | None = Field(alias="to", examples=["Onsite"])
    actor: str = Field(examples=["recruiter:ana"])
    on_behalf_of: str | None
    reason: str | None
    occurred_at: Moment = Field(description="When it happened in the world, UTC.")
    recorded_at: Moment = Field(description="When hirelog learned of it, UTC.")
    provenance: str = Field(examples=["api"])
    broken_rules: list[str]
    command_id: UUID
    correlation_id: str | None
    causation_id: str | None
    details: dict[str, Any] = Field(
        description="The event's own fields; those that identify a person only for whoever may "
        "see them."
    )


class CloudEvent(BaseModel):
    """One change as a CloudEvent; `source` and `id` together name it for ever."""

    specversion: Literal["1.0"]
    id: str = Field(examples=["0f4a3c52-6d1e-4b8a-9c77-2e5d81b6f093:6"])
    source: str = Field(examples=["/v1/candidates/0f4a3c52-6d1e-4b8a-9c77-2e5d81b6f093"])
    type: str = Field(examples=["hirelog.candidate.advanced"])
    subject: UUID = Field(description="The application, else the candidate or job.")
    time: Moment = Field(description="When it happened in the world, UTC.")
    datacontenttype: Literal["application/json"]
    sequence: str = Field(
        examples=["0000000000000001042"],
        description="The position with leading zeros, so that texts sort as numbers do.",
    )
    data: Changed


def type_of(topic: str) -> str:
    """The CloudEvents type of the events with this topic."""
    return f"hirelog.{topic}"


TOPICS = {
    each.wire_name(): topic
    for topic, each in event_classes().items()
    if each is not SelfIdentified  # not even that somebody said something
}
"""The topic of each event by its name in the feed."""


def cloud_event(recorded: Recorded, *, personal: bool) -> CloudEvent:
    """The event as it goes over the wire; fields that identify a person only with `personal`."""
    event, metadata, stream = recorded.event, recorded.metadata, recorded.originator_id
    candidate_id = stream if isinstance(event, CandidateEvent) else None
    job_id = stream if isinstance(event, JobEvent) else getattr(event, "job_id", None)
    application_id = getattr(event, "application_id", None)
    changed = change(recorded)
    hidden: Sequence[str] = () if personal else tuple(personal_fields(type(event)))
    data = Changed(
        position=recorded.position,
        version=recorded.originator_version,
        type=event.wire_name(),
        candidate_id=candidate_id,
        job_id=job_id,
        application_id=application_id,
        changed=changed.of,
        before=_plain(changed.before),
        after=_plain(changed.after),
        details={name: value for name, value in told(event).items() if name not in hidden},
        **disclosed(metadata),
    )
    return CloudEvent(
        specversion="1.0",
        id=f"{stream}:{recorded.originator_version}",
        source=_source(recorded),
        type=type_of(event.TOPIC),
        subject=application_id or stream,
        time=metadata.occurred_at,
        datacontenttype="application/json",
        sequence=f"{recorded.position:0{SEQUENCE_DIGITS}}",
        data=data,
    )


def _source(recorded: Recorded) -> str:
    match recorded.event:
        case CandidateEvent():
            return f"/v1/candidates/{recorded.originator_id}"
        case JobEvent():
            return f"/v1/jobs/{recorded.originator_id}"
        case ImpactReportPublished():
            return "/v1/impact-reports"
        case _:
            return "/v1/projections"


def _plain(value: str | Sequence[str] | None) -> str | list[str] | None:
    return value if value is None or isinstance(value, str) else list(value)
