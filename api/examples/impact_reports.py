"""Examples of published reports on adverse impact."""

from datetime import date
from typing import Any

from api.impact import words
from api.impact.writing import as_csv, as_json
from projections.adverse_impact.answers import wording
from projections.adverse_impact.policies import policy, smallest_cell
from projections.adverse_impact.report import Row, build

_DAY = date(2026, 5, 11)
_ID = "6f0b3ad0-3a0c-4e0f-9d0c-0f8f3a1f8a11"
_SMALLEST = smallest_cell(_DAY)
_REPORT = build(
    [Row(("female",), 60, 12), Row(("male",), 80, 24), Row(("nonbinary",), 3, 0)],
    ["sex"],
    policy("us-ugesp", _DAY),
    wording(_DAY),
    _SMALLEST,
)
_ABOUT = {
    "Handing on": words.smallest_line(_SMALLEST),
    "Up to position": "1042",
    "Published as": _ID,
    "Published by": "officer:kim",
}

IMPACT_REPORT: dict[str, Any] = as_json(_REPORT, _ABOUT)
IMPACT_REPORT_CSV = as_csv(_REPORT, _ABOUT)
IMPACT_REPORTS: dict[str, Any] = {
    "items": [
        {
            "report_id": _ID,
            "published_at": "2026-05-11T09:12:40.108334Z",
            "published_by": "officer:kim",
            "position": 1042,
            "checkpoint": "hirelog/a5d1\n1042\nS9pVFqR0…=\n\n— hirelog/a5d1 Zb3K…=\n",
            "policy": "us-ugesp",
            "policy_version": "1",
            **{f"{kind}_sha256": "5f" * 32 for kind in ("json", "csv", "html")},
            "smallest_group": _SMALLEST.people,
            "wrong": None,
        }
    ],
    "next_cursor": None,
}
