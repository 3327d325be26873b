"""The legal bases on which erasure can be requested: a dated and versioned list, kept as data."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from domain.errors import UnknownLegalBasis

LEDGER = "deletion-ledger"


@dataclass(frozen=True)
class LegalBasis:
    """One basis: where it holds, since when, where it is written and what it means."""

    code: str
    jurisdiction: str
    since: date
    reference: str
    means: str


@dataclass(frozen=True)
class Bases:
    """The list at one of its versions."""

    version: str
    by_code: dict[str, LegalBasis]

    def basis(self, code: str) -> LegalBasis:
        """The basis of this code. Raises UnknownLegalBasis."""
        try:
            return self.by_code[code]
        except KeyError:
            raise UnknownLegalBasis(
                f"there is no legal basis {code!r} in the list of {self.version}; there are "
                f"{', '.join(self.by_code)}"
            ) from None


@cache
def bases() -> Bases:
    """The list as this version of hirelog has it."""
    data = tomllib.loads(files("api.erasure").joinpath("bases.toml").read_text("utf-8"))
    version = data.pop("version")
    return Bases(version, {code: LegalBasis(code, **entry) for code, entry in data.items()})
