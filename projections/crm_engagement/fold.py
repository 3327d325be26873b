"""Folds events into candidates as relationships, and into touchpoints."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from domain.candidate import events as e
from domain.recorded import Happened, Recorded
from domain.values import ConsentPurpose
from projections.crm_engagement import warmth
from projections.runtime.contract import Row, Table, Touched


class Candidate(NamedTuple):
    """A person as a relationship; the name is sealed as it is in the event."""

    candidate_id: UUID
    name: str | None
    origin: str | None
    source: str | None
    status: str
    active_applications: list[UUID]
    ended_applications: list[UUID]
    hired_applications: list[UUID]
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
    first_position: int


class Touchpoint(NamedTuple):
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


class PoolMember(NamedTuple):
    """Whether a candidate is in a talent pool; the row stays when the candidate leaves."""

    pool: str
    candidate_id: UUID
    is_member: bool


CANDIDATES = Table("candidates", Candidate)
POOL_MEMBERS = Table("pool_members", PoolMember, key_columns=2)
TOUCHPOINTS = Table("touchpoints", Touchpoint, key_columns=2)

OUTBOUND: tuple[type[Happened], ...] = (e.Sourced, e.Contacted, e.Offered)
INBOUND: tuple[type[Happened], ...] = (
    e.Opened,
    e.Clicked,
    e.Replied,
    e.Applied,
    e.OfferAccepted,
    e.OfferDeclined,
    e.Withdrawn,
    e.ConsentGranted,
    e.ConsentWithdrawn,
    e.Unsubscribed,
)
TOUCHES = OUTBOUND + INBOUND
PERSONAL = e.Details, e.ReturnedToPool
CONSENT = e.ConsentGranted, e.ConsentWithdrawn, e.Unsubscribed
ENGAGING = e.ApplicationEvent, e.ReturnedToPool
COUNTED: dict[type[Happened], str] = {
    e.Contacted: "messages",
    e.Opened: "opens",
    e.Clicked: "clicks",
    e.Replied: "replies",
}
ALL_CHANNELS = "all"

T = TypeVar("T")


def touches(recorded: Recorded) -> Touched:
    """The candidate."""
    return CANDIDATES, (recorded.originator_id,)


def fold(row: Candidate | None, recorded: Recorded) -> list[Row]:
    """The rows that are new or changed by one event."""
    event = recorded.event
    before = row = row or _unseen(recorded)
    if isinstance(event, PERSONAL):
        row = _fold_person(row, event)
    if isinstance(event, CONSENT):
        row = _fold_consent(row, event, recorded.metadata.occurred_at)
    if isinstance(event, ENGAGING):
        row = _fold_applications(row, event)
    rows: list[Row] = []
    if isinstance(event, TOUCHES):
        rows.append(_touchpoint(recorded))
        row = _fold_touch(row, event, recorded.metadata.occurred_at)
    return [row, *rows, *_pool_members(before, row)]


def _unseen(recorded: Recorded) -> Candidate:
    return Candidate(
        candidate_id=recorded.originator_id,
        name=None,
        origin=None,
        source=None,
        status="prospect",
        active_applications=[],
        ended_applications=[],
        hired_applications=[],
        pools=[],
        consent_outreach=None,
        consent_outreach_since=None,
        consent_outreach_until=None,
        consent_retention=None,
        consent_retention_since=None,
        consent_retention_until=None,
        unsubscribed=[],
        unsubscribed_since=[],
        touches=0,
        messages=0,
        opens=0,
        clicks=0,
        replies=0,
        first_touch_at=None,
        last_touch_at=None,
        last_engagement_at=None,
        warmth_log2=warmth.COLD,
        recent_warmth_log2=warmth.COLD,
        first_position=recorded.position,
    )


def _fold_person(row: Candidate, event: Happened) -> Candidate:
    if isinstance(event, e.Details) and event.name is not None:
        row = row._replace(name=event.name)
    match event:
        case e.Sourced() | e.Applied():
            return row._replace(
                origin=row.origin or event.origin, source=row.source or event.source
            )
        case e.ProfileUpdated() if "name" in event.removed:
            return row._replace(name=None)
        case e.ReturnedToPool():
            return row._replace(pools=_with(row.pools, event.pool))
    return row


def _fold_consent(row: Candidate, event: Happened, when: datetime) -> Candidate:
    """What the person said last counts, whichever we learned last."""
    match event:
        case e.ConsentGranted(purpose=ConsentPurpose.OUTREACH):
            if event.expires_at is None or event.expires_at > when:
                row = _unsubscribed(row, {c: s for c, s in _unsubscriptions(row) if s > when})
            if row.consent_outreach_since is None or row.consent_outreach_since <= when:
                row = row._replace(
                    consent_outreach=True,
                    consent_outreach_since=when,
                    consent_outreach_until=event.expires_at,
                )
        case e.ConsentWithdrawn(purpose=ConsentPurpose.OUTREACH):
            if row.consent_outreach_since is None or row.consent_outreach_since <= when:
                row = row._replace(
                    consent_outreach=False, consent_outreach_since=when, consent_outreach_until=None
                )
        case e.ConsentGranted() | e.ConsentWithdrawn():
            if row.consent_retention_since is None or row.consent_retention_since <= when:
                row = row._replace(
                    consent_retention=isinstance(event, e.ConsentGranted),
                    consent_retention_since=when,
                    consent_retention_until=vars(event).get("expires_at"),
                )
        case e.Unsubscribed():
            granted_since = row.consent_outreach_since if row.consent_outreach else None
            if granted_since is None or granted_since <= when:
                channel, since = event.channel or ALL_CHANNELS, dict(_unsubscriptions(row))
                row = _unsubscribed(row, since | {channel: max(since.get(channel, when), when)})
    return row


def _unsubscriptions(row: Candidate) -> Iterable[tuple[str, datetime]]:
    return zip(row.unsubscribed, row.unsubscribed_since, strict=True)


def _unsubscribed(row: Candidate, since: dict[str, datetime]) -> Candidate:
    return row._replace(unsubscribed=list(since), unsubscribed_since=list(since.values()))


def _fold_applications(row: Candidate, event: e.ApplicationEvent | e.ReturnedToPool) -> Candidate:
    application = event.application_id
    if application is None:
        return row
    known = row.active_applications + row.ended_applications + row.hired_applications
    if application not in known and isinstance(event, e.ApplicationEvent):
        row = row._replace(active_applications=[*row.active_applications, application])
    match event:
        case e.Reinstated():
            row = row._replace(
                active_applications=_with(row.active_applications, application),
                ended_applications=_but(row.ended_applications, application),
                hired_applications=_but(row.hired_applications, application),
            )
        case e.Hired() if application in row.active_applications:
            row = row._replace(
                active_applications=_but(row.active_applications, application),
                hired_applications=[*row.hired_applications, application],
                pools=[],
            )
        case e.Rejected() | e.Withdrawn() | e.ReturnedToPool() if (
            application in row.active_applications
        ):
            row = row._replace(
                active_applications=_but(row.active_applications, application),
                ended_applications=[*row.ended_applications, application],
            )
    if row.active_applications:
        return row._replace(status="applicant")
    return row._replace(status="hired" if row.hired_applications else "prospect")


def _touchpoint(recorded: Recorded) -> Touchpoint:
    event = recorded.event
    fields = vars(event)  # not getattr: pydantic is slow to say that there is no such field
    return Touchpoint(
        candidate_id=recorded.originator_id,
        version=recorded.originator_version,
        type=event.wire_name(),
        direction="outbound" if isinstance(event, OUTBOUND) else "inbound",
        channel=fields.get("channel"),
        sequence=fields.get("sequence"),
        step=fields.get("step"),
        message_id=fields.get("message_id"),
        actor=recorded.metadata.actor,
        occurred_at=recorded.metadata.occurred_at,
        position=recorded.position,
    )


def _fold_touch(row: Candidate, event: Happened, when: datetime) -> Candidate:
    changes: dict[str, Any] = {
        "touches": row.touches + 1,
        "first_touch_at": min(row.first_touch_at or when, when),
        "last_touch_at": max(row.last_touch_at or when, when),
    }
    if counter := COUNTED.get(type(event)):
        changes[counter] = getattr(row, counter) + 1
    if points := warmth.POINTS.get(type(event)):
        recent = warmth.RECENT_HALF_LIFE_DAYS
        changes |= {
            "last_engagement_at": max(row.last_engagement_at or when, when),
            "warmth_log2": warmth.add(row.warmth_log2, points, when, warmth.HALF_LIFE_DAYS),
            "recent_warmth_log2": warmth.add(row.recent_warmth_log2, points, when, recent),
        }
    return row._replace(**changes)


def _pool_members(before: Candidate, after: Candidate) -> list[Row]:
    if before.pools is after.pools:
        return []
    changed = set(before.pools) ^ set(after.pools)
    return [PoolMember(pool, after.candidate_id, pool in after.pools) for pool in changed]


def _with(some: list[T], more: T) -> list[T]:
    return some if more in some else [*some, more]


def _but(some: list[UUID], one: UUID) -> list[UUID]:
    return [each for each in some if each != one]
