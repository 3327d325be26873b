"""Erasures and legal holds for the OpenAPI page: as they are asked for and as they are answered."""

from typing import Any

from api.examples.answers import CANDIDATE

_ERASURE_ID = "7f0b1a52-94d5-4f0e-8f0b-3a1c2d9e6b11"
_HOLD_ID = "2c9d5f10-5b7e-4f43-9d1a-6e0f8a7b3c22"
_AT = "2026-05-11T09:00:00Z"

ERASURE_REQUESTS: dict[str, Any] = {
    "all": {
        "summary": "Everything that is kept of a person",
        "value": {
            "candidate_id": CANDIDATE,
            "legal_basis": "gdpr-art-17-1-a",
            "reason": "Letter of 4 May",
        },
    },
    "contact": {
        "summary": "Contact details alone",
        "value": {
            "candidate_id": CANDIDATE,
            "legal_basis": "gdpr-art-17-1-b",
            "purposes": ["contact"],
        },
    },
}
_ERASURE: dict[str, Any] = {
    "id": _ERASURE_ID,
    "candidate_id": CANDIDATE,
    "purposes": ["contact", "evaluation", "self-identification"],
    "legal_basis": "gdpr-art-17-1-a",
    "basis_version": "2026-11-23",
    "reason": "Letter of 4 May",
    "actor": "compliance:kim",
    "requested_at": _AT,
    "state": "erasing",
    "because": None,
    "position": 11,
    "erased_at": _AT,
    "completed_at": None,
}


def _holder(name: str, state: str, because: str | None) -> dict[str, Any]:
    return {"holder": name, "state": state, "because": because, "changed_at": _AT}


ERASURE = _ERASURE | {
    "holders": [
        _holder("build:2", "acknowledged", "crm_engagement"),
        _holder("database-files", "pending", "hirelog erasures maintain"),
        _holder("keys", "acknowledged", "destroyed with the event"),
    ],
    "recipients": [
        {
            "kind": "export",
            "recipient": "Auditors Ltd",
            "actor": "operator:ops",
            "disclosed_at": "2026-05-01T12:00:00Z",
        }
    ],
}
ERASURE_LIST = {"items": [_ERASURE], "next_cursor": None}

HOLD_REQUESTS: dict[str, Any] = {
    "litigation": {
        "summary": "Until it is released",
        "value": {
            "candidate_id": CANDIDATE,
            "legal_reference": "Docket 3:26-cv-101",
            "reason": "Litigation",
        },
    }
}
HOLD_RELEASES: dict[str, Any] = {
    "settled": {"summary": "Released", "value": {"candidate_id": CANDIDATE, "reason": "Settled"}}
}


def _recording(kind: str, version: int, reason: str, **data: Any) -> dict[str, Any]:
    event = {
        "version": version,
        "position": version + 4,
        "type": kind,
        "occurred_at": _AT,
        "recorded_at": _AT,
        "actor": "compliance:kim",
        "on_behalf_of": None,
        "reason": reason,
        "provenance": "api",
        "broken_rules": [],
        "command_id": "b2f7e1de-2a53-4b0c-8f3e-0d5a6c7b8e90",
        "correlation_id": None,
        "causation_id": None,
        "data": {"hold_id": _HOLD_ID, **data},
    }
    return {"id": CANDIDATE, "version": version, "position": version + 4, "events": [event]}


_PLACED = {"legal_reference": "Docket 3:26-cv-101", "expires_at": None}
HELD = _recording("held", 6, "Litigation", **_PLACED)
RELEASED = _recording("hold-released", 7, "Settled")
HOLD_LIST = {
    "items": [
        {
            "id": _HOLD_ID,
            "candidate_id": CANDIDATE,
            "legal_reference": _PLACED["legal_reference"],
            "reason": "Litigation",
            "placed_by": "compliance:kim",
            "placed_at": _AT,
            "expires_at": _PLACED["expires_at"],
            "stands": True,
        }
    ],
    "next_cursor": None,
}
