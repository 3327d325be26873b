"""Folds each event into one entry of the audit trail."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.job import JobEvent
from domain.recorded import Recorded
from domain.self_identification import SelfIdentificationEvent
from domain.upkeep import ParkedSkipped, UpkeepEvent
from projections.compliance_audit.describe import describe
from projections.runtime.contract import Row, Table


class Entry(NamedTuple):
    """Who did what to whom or what, when, why and through what, and which rules it broke."""

    position: int
    candidate_id: UUID | None
    job_id: UUID | None
    application_id: UUID | None
    version: int
    type: str
    actor: str
    on_behalf_of: str | None
    reason: str | None
    description: str
    occurred_at: datetime
    recorded_at: datetime
    provenance: str
    broken_rules: list[str]
    command_id: UUID
    correlation_id: str | None
    causation_id: str | None


ENTRIES = Table("entries", Entry)


def touches(_recorded: Recorded) -> None:
    """Nothing: an entry depends on its event alone."""


def fold(_row: None, recorded: Recorded) -> list[Row]:
    """The event's entry."""
    event, metadata = recorded.event, recorded.metadata
    candidate, job = _concerned(recorded)
    return [
        Entry(
            position=recorded.position,
            candidate_id=candidate,
            job_id=job,
            application_id=getattr(event, "application_id", None),
            version=recorded.originator_version,
            type=event.wire_name(),
            actor=metadata.actor,
            on_behalf_of=metadata.on_behalf_of,
            reason=metadata.reason,
            description=describe(event),
            occurred_at=metadata.occurred_at,
            recorded_at=metadata.recorded_at,
            provenance=metadata.provenance,
            broken_rules=list(metadata.broken_rules),
            command_id=metadata.command_id,
            correlation_id=metadata.correlation_id,
            causation_id=metadata.causation_id,
        )
    ]


def _concerned(recorded: Recorded) -> tuple[UUID | None, UUID | None]:
    """The candidate and the job that the event is about."""
    match event := recorded.event:
        case JobEvent():
            return None, recorded.originator_id
        case ParkedSkipped():
            of_job = event.topic.startswith("job.")
            return (None, event.stream) if of_job else (event.stream, None)
        case UpkeepEvent() | SelfIdentificationEvent():
            return None, None
    return recorded.originator_id, getattr(event, "job_id", None)
