"""Folds each event into one entry of the audit trail."""

from datetime import datetime
from uuid import UUID

from domain.candidate.events import CandidateEvent
from domain.job_events import JobEvent
from domain.recorded import Recorded
from domain.upkeep import ParkedSkipped
from projections.compliance_audit.describe import describe
from projections.runtime.contract import Row, Table


class Entry(Row):
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
    # By place, which takes half as long as by name.
    return [
        Entry(
            recorded.position,
            candidate,
            job,
            getattr(event, "application_id", None),
            recorded.originator_version,
            event.wire_name(),
            metadata.actor,
            metadata.on_behalf_of,
            metadata.reason,
            describe(event),
            metadata.occurred_at,
            metadata.recorded_at,
            metadata.provenance,
            list(metadata.broken_rules),
            metadata.command_id,
            metadata.correlation_id,
            metadata.causation_id,
        )
    ]


def _concerned(recorded: Recorded) -> tuple[UUID | None, UUID | None]:
    """The candidate and the job that the event is about."""
    match event := recorded.event:
        case CandidateEvent():
            return recorded.originator_id, getattr(event, "job_id", None)
        case JobEvent():
            return None, recorded.originator_id
        case ParkedSkipped():
            of_job = event.topic.startswith("job.")
            return (None, event.stream) if of_job else (event.stream, None)
    return None, None
