"""Opens the sealed names in a page of results, for a caller who may see them."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.wiring import System


def with_names(
    system: System,
    rows: Sequence[Mapping[str, Any]],
    column: str = "candidate_name",
    *,
    personal: bool,
) -> list[dict[str, Any]]:
    """The rows with the names in `column` in clear, or redacted where their key is gone.

    Without `personal` they are None, and nothing is opened.
    """
    if not personal:
        return [{**row, column: None} for row in rows]
    system.keyring.load({row["candidate_id"] for row in rows if row[column]})
    return [
        {
            **row,
            column: row[column] and system.keyring.open(row["candidate_id"], "name", row[column]),
        }
        for row in rows
    ]
