"""Examples of a batch and of its answer."""

import json
from typing import Any

from api.examples.answers import CANDIDATE
from api.examples.requests import APPLICATION, JOB


def _lines(*lines: dict[str, Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


BATCH = _lines(
    {
        "idempotency_key": "form-4711",
        "interaction": {
            "type": "applied",
            "job_id": JOB,
            "source": "Careers page",
            "name": "Ada Ruiz",
        },
    },
    {
        "candidate_id": CANDIDATE,
        "idempotency_key": "mail-1",
        "interaction": {"type": "opened", "message_id": "msg-1"},
    },
)

BATCH_ANSWERED = _lines(
    {
        "line": 1,
        "status": 201,
        "id": "3642b5a0-9a90-5f0b-a221-da51f04986e5",
        "version": 1,
        "position": 3,
        "events": ["applied"],
        "application_id": APPLICATION,
    },
    {
        "line": 2,
        "status": 422,
        "problem": {
            "type": "urn:hirelog:problem:unknown-message",
            "title": "Unknown message",
            "status": 422,
            "code": "unknown-message",
            "detail": "no message 'msg-1' was sent to this candidate",
            "request_id": "0f5b7c0e-6d1c-4a53-9a1e-3c1f0c6f4f7b",
        },
    },
    {
        "summary": {
            "lines": 2,
            "recorded": 1,
            "replayed": 0,
            "refused": 1,
            "unknown": 0,
            "position": 3,
        }
    },
)
