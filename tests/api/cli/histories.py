"""Histories from elsewhere, as the lines of a file to import."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

ADA, BEN = (UUID(int=number, version=4) for number in (1, 2))
NAME, EMAIL, TEXT = "Ada Ruizdiaz", "ada.ruizdiaz@example.org", "Speaks of her whole family."
ESCAPES = "Ben\x1b[2J\x1b]0;taken over\x07"


def fact(at: str, interaction: Mapping[str, Any], **whose: Any) -> str:
    return json.dumps({**whose, "interaction": interaction, "occurred_at": at}) + "\n"


def stream() -> dict[str, Any]:
    """An event as it is on record elsewhere, of a candidate who is new here."""
    return {
        "stream": str(uuid4()),
        "version": 1,
        "topic": "candidate.sourced",
        "event": {"origin": "sourced", "source": "Fair"},
        "metadata": {"actor": "ana"},
    }


FACTS = [
    fact(
        "2026-01-05T09:00:00Z",
        {"type": "opened", "title": "Designer", "stages": ["Review", "Onsite"]},
        job="D-1",
        actor="hr",
    ),
    fact(
        "2026-01-06T09:00:00Z",
        {
            "type": "applied",
            "job_id": "D-1",
            "application_id": "A-1",
            "source": "Careers page",
            "name": NAME,
            "email": EMAIL,
        },
        candidate=str(ADA),
        actor="candidate:self",
    ),
    fact(
        "2026-01-08T09:00:00Z",
        {"type": "advanced", "application_id": "A-1", "to_stage": "Lunch", "reason": "In a hurry"},
        candidate=str(ADA),
        actor="recruiter:ana",
    ),
    fact("2026-01-09T09:00:00+01:00", {"type": "noted", "text": TEXT}, candidate=str(ADA)),
    fact(
        "2026-01-10T09:00:00Z",
        {"type": "sourced", "source": "Fair", "name": ESCAPES},
        candidate=str(BEN),
    ),
]
