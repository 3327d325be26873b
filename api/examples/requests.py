"""Examples of requests, one for each interaction."""

from typing import Any

APPLICATION = "5d5057d1-bfc8-5c8f-bbeb-64d3d0ec77f3"
JOB = "c50fcb5f-fe90-4036-9400-a9563a2e60db"


def _examples(*bodies: dict[str, Any]) -> dict[str, Any]:
    return {body["type"]: {"summary": body["type"], "value": body} for body in bodies}


_SOURCED = {
    "type": "sourced",
    "source": "Conference booth",
    "origin": "sourced",
    "name": "Ada Ruiz",
    "email": "ada@example.org",
}
_APPLIED = {
    "type": "applied",
    "job_id": JOB,
    "source": "Careers page",
    "name": "Ada Ruiz",
    "email": "ada@example.org",
}

BEGINNINGS = _examples(_SOURCED, _APPLIED)

INTERACTIONS = _examples(
    _APPLIED,
    {
        "type": "advanced",
        "application_id": APPLICATION,
        "to_stage": "Phone screen",
        "reason": "Strong portfolio",
    },
    _SOURCED,
    {
        "type": "contacted",
        "message_id": "msg-1",
        "channel": "email",
        "sequence": "Backend spring",
        "step": 1,
        "subject": "A role that may fit you",
    },
    {"type": "opened", "message_id": "msg-1", "occurred_at": "2026-05-04T09:12:00Z"},
    {"type": "clicked", "message_id": "msg-1"},
    {"type": "replied", "message_id": "msg-1", "text": "Tell me more."},
    {
        "type": "offered",
        "application_id": APPLICATION,
        "expires_at": "2026-12-31T17:00:00+01:00",
        "terms": "Full time, from February",
    },
    {"type": "offer-accepted", "application_id": APPLICATION},
    {"type": "offer-declined", "application_id": APPLICATION, "reason": "Took another offer"},
    {"type": "hired", "application_id": APPLICATION},
    {
        "type": "rejected",
        "application_id": APPLICATION,
        "rejection_type": "we-rejected",
        "reason": "Lacks a required skill",
    },
    {"type": "reinstated", "application_id": APPLICATION, "reason": "Rejected by mistake"},
    {"type": "withdrawn", "application_id": APPLICATION},
    {"type": "returned-to-pool", "pool": "Silver medallists", "application_id": APPLICATION},
    {"type": "profile-updated", "phone": "+49 30 000000", "removed": ["url"]},
    {"type": "noted", "text": "Prefers to start in spring."},
    {"type": "consent-granted", "purpose": "retention", "expires_at": "2027-12-31T00:00:00Z"},
    {"type": "consent-withdrawn", "purpose": "outreach"},
    {"type": "unsubscribed", "channel": "email"},
)

JOBS = _examples(
    {
        "type": "opened",
        "title": "Backend Engineer",
        "department": "Engineering",
        "location": "Lisbon",
        "stages": ["Application review", "Phone screen", "Onsite", "Offer"],
        "hiring_managers": ["hiring-manager:kim"],
    }
)
JOB_CHANGES = _examples(
    {
        "type": "stages-changed",
        "stages": ["Application review", "Phone screen", "Task", "Onsite", "Offer"],
    },
    {"type": "hiring-managers-changed", "hiring_managers": ["hiring-manager:lee"]},
    {"type": "closed", "reason": "All openings filled"},
    {"type": "reopened", "reason": "The hire fell through"},
)
