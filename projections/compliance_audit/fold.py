"""Folds each event into one entry of the audit trail."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.job import JobEvent
from domain.recorded import Recorded
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
    of_job = isinstance(event, JobEvent)
    return [
        Entry(
            position=recorded.position,
            candidate_id=None if of_job else recorded.originator_id,
            job_id=recorded.originator_id if of_job else getattr(event, "job_id", None),
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
