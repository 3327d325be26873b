"""How a difference between two points of a history is told, to programs and to people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.candidate import difference as d
from domain.recorded import Recorded
from domain.values import REDACTED, Moment
from projections.compliance_audit.describe import describe


class Point(BaseModel):
    """A point of a history; what is null narrows nothing."""

    version: int | None = Field(description="Up to this event of the stream.")
    as_of: Moment | None = Field(description="What had happened in the world by then.")
    known_at: Moment | None = Field(description="What was on record by then.")


class MadeBy(BaseModel):
    """The event that made it so: who, on whose behalf, through what, and why."""

    version: int
    position: int
    type: str = Field(examples=["advanced"])
    description: str = Field(
        examples=["Moved from Phone screen forward to Onsite for Backend Engineer"]
    )
    actor: str = Field(examples=["recruiter:ana"])
    on_behalf_of: str | None
    provenance: str = Field(examples=["api"], description="Through what it came.")
    reason: str | None
    broken_rules: list[str]
    occurred_at: Moment
    recorded_at: Moment

    @classmethod
    def of(cls, recorded: Recorded) -> "MadeBy":
        """The event as it is told."""
        metadata = recorded.metadata
        return cls(
            version=recorded.originator_version,
            position=recorded.position,
            type=recorded.event.wire_name(),
            description=describe(recorded.event),
            actor=metadata.actor,
            on_behalf_of=metadata.on_behalf_of,
            provenance=metadata.provenance,
            reason=metadata.reason,
            broken_rules=list(metadata.broken_rules),
            occurred_at=metadata.occurred_at,
            recorded_at=metadata.recorded_at,
        )


class Change(BaseModel):
    """A field that has another value, and the events to which it owes either value."""

    field: str = Field(examples=["applications.5d5057d1-bfc8-5c8f-bbeb-64d3d0ec77f3.stage"])
    before: str | int | bool | Sequence[str] | None = Field(description="Null: it has no value.")
    after: str | int | bool | Sequence[str] | None
    before_by: MadeBy | None = Field(description="Null: it never had a value until then.")
    after_by: MadeBy | None


class Difference(BaseModel):
    """What is different at `to` from what was at `from`."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    id: UUID
    from_: Point = Field(alias="from")
    to: Point
    changes: list[Change] = Field(description="By the names of the fields.")
    only_from: list[int] = Field(description="Versions of events that only `from` sees.")
    only_to: list[int] = Field(description="Versions of events that only `to` sees.")

    @classmethod
    def of(
        cls,
        candidate_id: UUID,
        history: Sequence[Recorded],
        start: d.Point,
        end: d.Point,
        *,
        personal: bool = True,
    ) -> "Difference":
        """The difference between two points; without `personal` no value names anybody."""
        found = d.difference(history, start, end)
        return cls(
            id=candidate_id,
            from_=_point(start),
            to=_point(end),
            changes=[_change(each, personal=personal) for each in found.changes],
            only_from=list(found.only_before),
            only_to=list(found.only_after),
        )


def _point(point: d.Point) -> Point:
    return Point(version=point.version, as_of=point.as_of, known_at=point.known_at)


def _change(change: d.Change, *, personal: bool) -> Change:
    hidden = not personal and change.field.startswith(("details.", "texts."))
    return Change(
        field=change.field,
        before=REDACTED if hidden and change.before is not None else change.before,
        after=REDACTED if hidden and change.after is not None else change.after,
        before_by=MadeBy.of(change.before_by) if change.before_by else None,
        after_by=MadeBy.of(change.after_by) if change.after_by else None,
    )


def said(point: d.Point) -> str:
    """The point in words, such as `version 3, as of 2026-05-04 09:00:00 UTC`."""

    def at(moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

    parts = []
    if point.version is not None:
        parts.append(f"version {point.version}" if point.version else "the beginning")
    if point.as_of is not None:
        parts.append(f"as of {at(point.as_of)}")
    if point.known_at is not None:
        parts.append(f"as known at {at(point.known_at)}")
    return ", ".join(parts) or "now"
