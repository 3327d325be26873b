"""Whole answers of the operations on read models for the OpenAPI page."""

from typing import Any

from api.examples.answers import CANDIDATE

_BEGUN = "2026-05-11T09:00:00Z"

GOING: dict[str, Any] = {
    "rebuild": 4,
    "models": ["ats_pipeline"],
    "purpose": "live",
    "state": "running",
    "percent": 42.5,
    "as_of": None,
    "as_of_by": None,
    "error": None,
    "started_at": _BEGUN,
}
GOING_LIST = {"items": [GOING]}
_STANDS = {
    "model": "ats_pipeline",
    "version": 1,
    "state": "live",
    "schema_name": "ats_pipeline",
    "position": 9,
}
RETIRED = _STANDS
KEPT = _STANDS | {"state": "kept", "schema_name": "ats_pipeline_as_of_20260501t000000_7"}
BUILD_LIST = {
    "items": [
        {
            "build": 1,
            **_STANDS,
            "made_at": _BEGUN,
            "purpose": None,
            "as_of": None,
            "as_of_by": None,
            "bytes": 180_224,
        },
        {
            "build": 7,
            **KEPT,
            "made_at": _BEGUN,
            "purpose": "as-of",
            "as_of": "2026-05-01T00:00:00Z",
            "as_of_by": "recorded",
            "bytes": 131_072,
        },
    ]
}
ABANDONED = {"dropped": ["ats_pipeline_8"], "left": []}
_PARKED = {
    "model": "ats_pipeline",
    "position": 8,
    "stream": CANDIDATE,
    "topic": "candidate.advanced",
    "error": "ValidationError",
    "parked_at": _BEGUN,
}
PARKED_LIST = {"items": [_PARKED], "next_cursor": None}
DRAINED = {"let_in": 2, "left": 0, "first": None}
