"""Folds events into candidates as relationships, and into touchpoints."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from domain.candidate import events as e
from domain.recorded import Happened, Recorded
from domain.values import ConsentPurpose, Purpose
from projections.crm_engagement import warmth
from projections.crm_engagement.rows import CANDIDATES, Candidate, PoolMember, Touchpoint
from projections.runtime.contract import Forgotten, Row, Touched

# The touchpoints: which way each goes.
DIRECTIONS: dict[type[Happened], str] = {
    e.Sourced: "outbound",
    e.Contacted: "outbound",
    e.Offered: "outbound",
    e.Opened: "inbound",
    e.Clicked: "inbound",
    e.Replied: "inbound",
    e.Applied: "inbound",
    e.OfferAccepted: "inbound",
    e.OfferDeclined: "inbound",
    e.Withdrawn: "inbound",
    e.ConsentGranted: "inbound",
    e.ConsentWithdrawn: "inbound",
    e.Unsubscribed: "inbound",
}
COUNTED: dict[type[Happened], str] = {
    e.Contacted: "messages",
    e.Opened: "opens",
    e.Clicked: "clicks",
    e.Replied: "replies",
}
GOES_ON = (e.Advanced, e.Offered, e.OfferAccepted, e.OfferDeclined)  # leaves applications active
ALL_CHANNELS = "all"

Changes = dict[str, Any]  # the columns of a candidate that an event changes
T = TypeVar("T")


def touches(recorded: Recorded) -> Touched:
    """The candidate."""
    return CANDIDATES, (recorded.originator_id,)


def fold(row: Candidate | None, recorded: Recorded) -> list[Row]:
    """The rows that are new or changed by one event."""
    event, metadata = recorded.event, recorded.metadata
    kind, when = type(event), metadata.occurred_at
    if row is None:
        if isinstance(event, Forgotten):
            return []  # as of a time before the person was on record
        row = _unseen(recorded)
    changes: Changes = {}
    if metadata.recorded_at > row.updated_at:
        changes["updated_at"] = metadata.recorded_at
    for step in STEPS.get(kind, ()):
        changes |= step(row, event, when)
    rows = _pool_members(row, changes["pools"]) if "pools" in changes else []
    if kind in DIRECTIONS:
        changes |= _touched(row, event, when)
        rows.append(_touchpoint(recorded))
    rows.append(replace(row, **changes))
    return rows


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
        erased=[],
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
        updated_at=recorded.metadata.recorded_at,
        first_position=recorded.position,
    )


def _begun(row: Candidate, event: e.Sourced | e.Applied, when: datetime) -> Changes:
    changes = {"origin": row.origin or event.origin, "source": row.source or event.source}
    return changes | _named(row, event, when)


def _named(_row: Candidate, event: e.DetailsLearned, _when: datetime) -> Changes:
    if event.name is not None:
        return {"name": event.name}
    is_removed = isinstance(event, e.ProfileUpdated) and "name" in event.removed
    return {"name": None} if is_removed else {}


def _forgotten(_row: Candidate, event: e.Erased, _when: datetime) -> Changes:
    return {"name": None} if Purpose.CONTACT in event.purposes else {}


def _erased(row: Candidate, event: e.Erased, when: datetime) -> Changes:
    erased = sorted({*row.erased, *map(str, event.purposes)})
    changes = _forgotten(row, event, when) | {"erased": erased}
    active, ended = row.active_applications, row.ended_applications
    if event.leaves_nobody:
        changes["pools"] = []
        active, ended = [], [*ended, *active]
        changes |= {"active_applications": active, "ended_applications": ended}
    return changes | {"status": _status(active, row.hired_applications, erased)}


def _pooled(row: Candidate, event: e.ReturnedToPool, _when: datetime) -> Changes:
    return {} if _is_erased(row.erased) else {"pools": _with(row.pools, event.pool)}


# What the person said last counts, whichever we learned last.


def _granted(row: Candidate, event: e.ConsentGranted, when: datetime) -> Changes:
    changes = _said(row, event, when, is_granted=True, until=event.expires_at)
    if event.purpose is ConsentPurpose.OUTREACH and not (
        event.expires_at and event.expires_at <= when
    ):
        changes |= _left({c: since for c, since in _unsubscriptions(row) if since > when})
    return changes


def _withdrawn(row: Candidate, event: e.ConsentWithdrawn, when: datetime) -> Changes:
    return _said(row, event, when, is_granted=False, until=None)


def _said(
    row: Candidate,
    event: e.ConsentGranted | e.ConsentWithdrawn,
    when: datetime,
    *,
    is_granted: bool,
    until: datetime | None,
) -> Changes:
    since: datetime | None = getattr(row, f"consent_{event.purpose}_since")
    if since and since > when:
        return {}
    return {
        f"consent_{event.purpose}": is_granted,
        f"consent_{event.purpose}_since": when,
        f"consent_{event.purpose}_until": until,
    }


def _unsubscribed(row: Candidate, event: e.Unsubscribed, when: datetime) -> Changes:
    granted_since = row.consent_outreach_since if row.consent_outreach else None
    if granted_since and granted_since > when:
        return {}
    channel, since = event.channel or ALL_CHANNELS, dict(_unsubscriptions(row))
    return _left(since | {channel: max(since.get(channel, when), when)})


def _unsubscriptions(row: Candidate) -> Iterable[tuple[str, datetime]]:
    return zip(row.unsubscribed, row.unsubscribed_since, strict=True)


def _left(since: dict[str, datetime]) -> Changes:
    return {"unsubscribed": list(since), "unsubscribed_since": list(since.values())}


def _applications(
    row: Candidate, event: e.ApplicationEvent | e.ReturnedToPool, _when: datetime
) -> Changes:
    application = event.application_id
    if application is None:
        return {}
    active, ended, hired = row.active_applications, row.ended_applications, row.hired_applications
    changes: Changes = {}
    is_active = application in active
    if is_active and isinstance(event, GOES_ON) and not row.erased:
        return changes
    is_known = is_active or application in ended or application in hired
    if not is_known and not isinstance(event, e.ReturnedToPool):
        active = [*active, application]
    match event:
        case e.Reinstated():
            active, ended = _with(active, application), _but(ended, application)
            hired = _but(hired, application)
        case e.Hired() if application in active:
            active, hired = _but(active, application), [*hired, application]
            changes["pools"] = []
        case e.Rejected() | e.Withdrawn() | e.ReturnedToPool() if application in active:
            active, ended = _but(active, application), [*ended, application]
    if _is_erased(row.erased):  # a fact of later is kept, and nothing goes on with it
        active, ended = [], [*ended, *active]
    return changes | {
        "active_applications": active,
        "ended_applications": ended,
        "hired_applications": hired,
        "status": _status(active, hired, row.erased),
    }


def _status(active: list[UUID], hired: list[UUID], erased: list[str]) -> str:
    if active:
        return "applicant"
    if hired:
        return "hired"
    return "erased" if _is_erased(erased) else "prospect"


def _is_erased(erased: list[str]) -> bool:
    return bool(erased) and {Purpose.CONTACT, Purpose.EVALUATION} <= set(erased)


def _touchpoint(recorded: Recorded) -> Touchpoint:
    event, metadata = recorded.event, recorded.metadata
    return Touchpoint(
        recorded.originator_id,
        recorded.originator_version,
        event.wire_name(),
        DIRECTIONS[type(event)],
        getattr(event, "channel", None),
        getattr(event, "sequence", None),
        getattr(event, "step", None),
        getattr(event, "message_id", None),
        metadata.actor,
        metadata.occurred_at,
        recorded.position,
    )


def _touched(row: Candidate, event: Happened, when: datetime) -> Changes:
    changes: Changes = {"touches": row.touches + 1}
    if row.first_touch_at is None or when < row.first_touch_at:
        changes["first_touch_at"] = when
    if row.last_touch_at is None or when > row.last_touch_at:
        changes["last_touch_at"] = when
    if counter := COUNTED.get(type(event)):
        changes[counter] = getattr(row, counter) + 1
    if points := warmth.POINTS.get(type(event)):
        if row.last_engagement_at is None or when > row.last_engagement_at:
            changes["last_engagement_at"] = when
        changes["warmth_log2"], changes["recent_warmth_log2"] = warmth.add(
            row.warmth_log2, row.recent_warmth_log2, points, when
        )
    return changes


def _pool_members(before: Candidate, pools: list[str]) -> list[Row]:
    changed = set(before.pools) ^ set(pools)
    return [PoolMember(pool, before.candidate_id, pool in pools) for pool in changed]


def _with(some: list[T], more: T) -> list[T]:
    return some if more in some else [*some, more]


def _but(some: list[UUID], one: UUID) -> list[UUID]:
    return [each for each in some if each != one]


Step = Callable[[Candidate, Any, datetime], Changes]
STEPS: dict[type[Happened], tuple[Step, ...]] = {
    e.Sourced: (_begun,),
    e.Applied: (_begun, _applications),
    e.ProfileUpdated: (_named,),
    e.ReturnedToPool: (_pooled, _applications),
    e.ConsentGranted: (_granted,),
    e.ConsentWithdrawn: (_withdrawn,),
    e.Unsubscribed: (_unsubscribed,),
    e.Advanced: (_applications,),
    e.Offered: (_applications,),
    e.OfferAccepted: (_applications,),
    e.OfferDeclined: (_applications,),
    e.Hired: (_applications,),
    e.Rejected: (_applications,),
    e.Reinstated: (_applications,),
    e.Withdrawn: (_applications,),
    e.Erased: (_erased,),
    Forgotten: (_forgotten,),
}
