"""The rows of the relationship: candidates, touchpoints and members of talent pools."""

from datetime import datetime
from uuid import UUID

from projections.runtime.contract import Row, Table


class Candidate(Row):
    """A person as a relationship; the name is sealed as it is in the event."""

    candidate_id: UUID
    name: str | None
    origin: str | None
    source: str | None
    status: str
    active_applications: list[UUID]
    ended_applications: list[UUID]
    hired_applications: list[UUID]
    erased: list[str]
    pools: list[str]
    consent_outreach: bool | None
    consent_outreach_since: datetime | None
    consent_outreach_until: datetime | None
    consent_retention: bool | None
    consent_retention_since: datetime | None
    consent_retention_until: datetime | None
    unsubscribed: list[str]
    unsubscribed_since: list[datetime]
    touches: int
    messages: int
    opens: int
    clicks: int
    replies: int
    first_touch_at: datetime | None
    last_touch_at: datetime | None
    last_engagement_at: datetime | None
    warmth_log2: float
    recent_warmth_log2: float
    updated_at: datetime
    first_position: int


class Touchpoint(Row):
    """One contact between the person and us; inbound when the person acted."""

    candidate_id: UUID
    version: int
    type: str
    direction: str
    channel: str | None
    sequence: str | None
    step: int | None
    message_id: str | None
    actor: str
    occurred_at: datetime
    position: int


class PoolMember(Row):
    """Whether a candidate is in a talent pool; the row stays when the candidate leaves."""

    pool: str
    candidate_id: UUID
    is_member: bool


CANDIDATES = Table("candidates", Candidate)
POOL_MEMBERS = Table("pool_members", PoolMember, key_columns=2)
TOUCHPOINTS = Table("touchpoints", Touchpoint, key_columns=2)
