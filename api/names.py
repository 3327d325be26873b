"""Opens the sealed names in a page of results, for a caller who may see them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag

from api.wiring import System
from domain.values import UNREADABLE


def with_names(
    system: System,
    rows: Sequence[Mapping[str, Any]],
    column: str = "candidate_name",
    *,
    personal: bool,
) -> list[dict[str, Any]]:
    """The rows with the names in `column` in clear, or redacted where their key is gone.

    One whose key or value was altered is UNREADABLE, and keeps no other from being shown.
    Without `personal` they are None, and nothing is opened.
    """
    if not personal:
        return [{**row, column: None} for row in rows]
    system.keyring.load({row["candidate_id"] for row in rows if row[column]})
    return [{**row, column: row[column] and _name(system, row, column)} for row in rows]


def _name(system: System, row: Mapping[str, Any], column: str) -> str:
    try:
        return system.keyring.open(row["candidate_id"], "name", row[column])
    except (InvalidTag, ValueError):
        return UNREADABLE
