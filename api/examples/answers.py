"""Examples of answers: a prospect who applied, asked for on 2026-05-11 at 09:00 UTC."""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid5

from msgspec.structs import asdict
from pydantic_core import to_jsonable_python

from api.examples.requests import APPLICATION, JOB
from api.schemas import CandidateState, Event, Recording
from domain.candidate import state
from domain.candidate.events import Advanced, Applied, Contacted, Opened, Replied, Sourced
from domain.job_events import JobOpened, StagesChanged, StagesDefined
from domain.outcome import Outcome
from domain.recorded import Metadata, Recorded
from domain.values import NAMESPACE, Channel, Origin
from projections import READ_MODELS
from projections.compliance_audit.fold import fold
from projections.crm_engagement.fold import DIRECTIONS

CANDIDATE = "0f4a3c52-6d1e-4b8a-9c77-2e5d81b6f093"

_OPENED_AT = "2026-04-27T08:30:11.482913Z"
_SOURCED_AT = "2026-04-29T15:41:52.107338Z"
_APPLIED_AT = "2026-05-06T06:20:19.845702Z"
_ADVANCED_AT = "2026-05-08T13:05:28.390577Z"

_ADA, _BACKEND = UUID(CANDIDATE), UUID(JOB)
_CANDIDACY: dict[str, Any] = {
    "application_id": UUID(APPLICATION),
    "job_id": _BACKEND,
    "job_title": "Backend Engineer",
}
_STAGES_AT_FIRST = ("Application review", "Phone screen", "Onsite", "Offer")
_STAGES = ("Application review", "Phone screen", "Task", "Onsite", "Offer")


def _by(actor: str, recorded_at: str, **more: Any) -> Metadata:
    at = datetime.fromisoformat(recorded_at)
    own: dict[str, Any] = {"occurred_at": at, "command_id": uuid5(NAMESPACE, recorded_at)}
    return Metadata(actor=actor, recorded_at=at, **(own | more))


# What happened

_OPENING = [
    Recorded(
        _BACKEND,
        1,
        JobOpened(
            title="Backend Engineer",
            department="Engineering",
            location="Lisbon",
            hiring_managers=("hiring-manager:kim",),
        ),
        _by("recruiter:ana", _OPENED_AT),
        position=1,
    ),
    Recorded(
        _BACKEND,
        2,
        StagesDefined(stages=_STAGES_AT_FIRST),
        _by("recruiter:ana", _OPENED_AT),
        position=2,
    ),
]
_CHANGE = Recorded(
    _BACKEND,
    3,
    StagesChanged(from_stages=_STAGES_AT_FIRST, to_stages=_STAGES),
    _by("recruiter:ana", "2026-05-05T10:20:45.671129Z"),
    position=7,
)
_HISTORY = [
    Recorded(
        _ADA,
        1,
        Sourced(
            name="Ada Ruiz",
            email="ada@example.org",
            origin=Origin.SOURCED,
            source="Conference booth",
        ),
        _by("recruiter:ana", _SOURCED_AT),
        position=3,
    ),
    Recorded(
        _ADA,
        2,
        Contacted(
            message_id="msg-1",
            channel=Channel.EMAIL,
            sequence="Backend spring",
            step=1,
            subject="A role that may fit you",
        ),
        _by("recruiter:ana", "2026-05-04T07:45:00.530264Z"),
        position=4,
    ),
    Recorded(
        _ADA,
        3,
        Opened(message_id="msg-1"),
        _by(
            "system:mailer",
            "2026-05-04T09:12:03.918450Z",
            occurred_at=datetime(2026, 5, 4, 9, 12, tzinfo=UTC),
        ),
        position=5,
    ),
    Recorded(
        _ADA,
        4,
        Replied(message_id="msg-1", channel=Channel.EMAIL, text="Tell me more."),
        _by("system:mailer", "2026-05-04T18:03:37.264081Z"),
        position=6,
    ),
    Recorded(
        _ADA,
        5,
        Applied(
            **_CANDIDACY,
            name="Ada Ruiz",
            email="ada@example.org",
            stage="Application review",
            origin=Origin.APPLIED,
            source="Careers page",
        ),
        _by("candidate:self", _APPLIED_AT),
        position=8,
    ),
    Recorded(
        _ADA,
        6,
        Advanced(
            **_CANDIDACY,
            from_stage="Application review",
            to_stage="Phone screen",
            direction="forward",
        ),
        _by("recruiter:ana", _ADVANCED_AT, reason="Strong portfolio"),
        position=9,
    ),
]


HAPPENED = sorted([*_OPENING, *_HISTORY, _CHANGE], key=lambda recorded: recorded.position)
"""The whole log of the examples, to position 9."""


# Answers to commands


def _recording(*events: Recorded) -> dict[str, Any]:
    return Recording.of(Outcome(events[0].originator_id, events)).model_dump(mode="json")


JOB_OPENED = _recording(*_OPENING)
JOB_CHANGED = _recording(_CHANGE)
CANDIDATE_BEGUN = _recording(_HISTORY[0])
INTERACTION_RECORDED = _recording(_HISTORY[-1])


# Answers to questions


def _page(*items: Any, next_cursor: str | None = None) -> dict[str, Any]:
    return {"items": to_jsonable_python(items), "next_cursor": next_cursor}


_folded = cast("state.Candidate", state.fold(None, _HISTORY))
CANDIDATE_STATE = CandidateState.of(_folded).model_dump(mode="json", exclude_unset=True)
HISTORY = _page(*(Event.of(recorded).model_dump(mode="json") for recorded in _HISTORY))

JOB_STATE = {
    "id": JOB,
    "title": "Backend Engineer",
    "department": "Engineering",
    "location": "Lisbon",
    "openings": 1,
    "stages": list(_STAGES),
    "status": "open",
    "opened_at": _OPENED_AT,
    "closed_at": None,
    "hiring_managers": ["hiring-manager:kim"],
    "updated_at": "2026-05-05T10:20:45.671129Z",
}
JOB_LIST = _page(JOB_STATE)

_IN_PIPELINE = {
    "application_id": APPLICATION,
    "candidate_id": CANDIDATE,
    "candidate_name": "Ada Ruiz",
    "job_id": JOB,
    "job_title": "Backend Engineer",
    "status": "active",
    "stage": "Phone screen",
    "stage_visit": 2,
    "stage_entered_at": _ADVANCED_AT,
    "stage_entered_by": "recruiter:ana",
    "seconds_in_stage": 244_472,
    "origin": "applied",
    "source": "Careers page",
    "applied_at": _APPLIED_AT,
    "ended_at": None,
    "end_reason": None,
    "rejection_type": None,
    "offers": 0,
    "offer_status": None,
    "broken_rules": 0,
    "last_event_at": _ADVANCED_AT,
    "updated_at": _ADVANCED_AT,
}
APPLICATION_LIST = _page(_IN_PIPELINE)
APPLICATION_HISTORY = _IN_PIPELINE | {
    "visits": [
        {
            "visit": 1,
            "stage": "Application review",
            "entered_at": _APPLIED_AT,
            "entered_by": "candidate:self",
            "exited_at": _ADVANCED_AT,
            "exited_by": "recruiter:ana",
            "exited_to": "Phone screen",
            "seconds": 197_109,
        },
        {
            "visit": 2,
            "stage": "Phone screen",
            "entered_at": _ADVANCED_AT,
            "entered_by": "recruiter:ana",
            "exited_at": None,
            "exited_by": None,
            "exited_to": None,
            "seconds": 244_472,
        },
    ]
}

_CARD = {
    name: _IN_PIPELINE[name]
    for name in (
        "application_id",
        "candidate_id",
        "candidate_name",
        "stage_entered_at",
        "stage_entered_by",
        "seconds_in_stage",
        "stage_visit",
        "source",
        "origin",
        "applied_at",
        "offer_status",
    )
}
BOARD = {
    "job": JOB_STATE,
    "active": 1,
    "by_status": {"active": 1},
    "stages": [
        {"stage": stage, "count": len(cards), "applications": cards}
        for stage in _STAGES
        for cards in [[_CARD] if stage == _IN_PIPELINE["stage"] else []]
    ],
}

_RELATIONSHIP = {
    "candidate_id": CANDIDATE,
    "name": "Ada Ruiz",
    "status": "applicant",
    "origin": "sourced",
    "source": "Conference booth",
    "pools": [],
    "warmth": 20.1,
    "trend": "warming",
    "touches": 5,
    "messages": 1,
    "opens": 1,
    "clicks": 0,
    "replies": 1,
    "applications": 1,
    "active_applications": 1,
    "hires": 0,
    "consent_outreach": None,
    "consent_retention": None,
    "unsubscribed": [],
    "first_touch_at": _SOURCED_AT,
    "last_touch_at": _APPLIED_AT,
    "last_engagement_at": _APPLIED_AT,
    "updated_at": _ADVANCED_AT,
}
RELATIONSHIP_LIST = _page(_RELATIONSHIP)
ENGAGEMENT = _RELATIONSHIP | {
    "touchpoints": _page(
        *(
            {
                "version": recorded.originator_version,
                "type": recorded.event.wire_name(),
                "direction": DIRECTIONS[type(recorded.event)],
                "channel": getattr(recorded.event, "channel", None),
                "sequence": getattr(recorded.event, "sequence", None),
                "step": getattr(recorded.event, "step", None),
                "message_id": getattr(recorded.event, "message_id", None),
                "actor": recorded.metadata.actor,
                "occurred_at": recorded.metadata.occurred_at,
            }
            for recorded in reversed(_HISTORY[:-1])
        )
    )
}

AUDIT = _page(  # as with limit=3
    *(asdict(fold(None, recorded)[0]) for recorded in (_HISTORY[-1], _HISTORY[-2], _CHANGE)),
    next_cursor="WyJRTnNZLVBhZyIsIDdd",
)

PROJECTIONS = {
    "items": [
        {
            "model": model.name,
            "version": model.version,
            "position": 9,
            "lag_events": 0,
            "lag_seconds": 0.0,
            "parked": 0,
            "oldest_parked_seconds": 0.0,
            "is_stalled": False,
            "is_changed": False,
            "updated_at": "2026-05-08T13:05:28.412936Z",
        }
        for model in sorted(READ_MODELS, key=lambda model: model.name)
    ]
}

HEALTH = {"status": "ok"}
