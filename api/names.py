"""Opens the sealed names in a page of results, for a caller who may see them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class _Named(Protocol):
    @property
    def candidate_id(self) -> UUID: ...
    @property
    def candidate_name(self) -> str | None: ...


class Opener(Protocol):
    """What can open sealed values: the keyring."""

    def load(self, candidate_ids: Sequence[UUID]) -> None:
        """Loads the keys of many candidates at once."""

    def open(self, candidate_id: UUID, field: str, sealed: str) -> str:
        """The value in clear, or redacted when its key is gone."""


def open_names(opener: Opener, rows: Sequence[_Named]) -> dict[UUID, str]:
    """The names by candidate, of those that have one."""
    sealed = {row.candidate_id: row.candidate_name for row in rows if row.candidate_name}
    opener.load(list(sealed))
    return {
        candidate_id: opener.open(candidate_id, "name", name)
        for candidate_id, name in sealed.items()
    }
