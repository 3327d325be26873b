"""Examples of what officers are answered, of the same prospect who applied."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.compliance import bundle
from api.compliance.differences import Difference
from api.compliance.register import Register, processing
from api.examples.answers import CANDIDATE, HAPPENED
from domain.candidate.difference import Point

_HISTORY = [each for each in HAPPENED if str(each.originator_id) == CANDIDATE]

DIFFERENCE: dict[str, Any] = json.loads(
    Difference.of(
        UUID(CANDIDATE), _HISTORY, Point(version=len(_HISTORY) - 1), Point()
    ).model_dump_json()
)

ACCESS_BUNDLE: dict[str, Any] = json.loads(
    bundle.make(
        _HISTORY,
        Register(processing(), (), (), ()),
        [
            bundle.ReadBy(
                role="recruiter",
                what="state",
                of_everybody=False,
                times=4,
                first_at=datetime(2026, 5, 6, 8, 20, tzinfo=UTC),
                last_at=datetime(2026, 5, 8, 13, 4, tzinfo=UTC),
            )
        ],
        datetime(2026, 5, 11, 9, 15, tzinfo=UTC),
    ).model_dump_json()
)

READINGS = {
    "items": [
        {
            "read_at": "2026-05-11T09:12:40.108334Z",
            "candidate_id": CANDIDATE,
            "reader": "compliance:kim",
            "role": "compliance",
            "what": "history",
            "through": "api",
            "why": "Request for access of 2026-05-04",
        }
    ],
    "next_cursor": None,
}
