"""The rules that a report holds its numbers against: dated, versioned, in data."""

import tomllib
from datetime import date
from enum import StrEnum
from fractions import Fraction
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# As text in TOML: the float 0.8 is a little more than four fifths.
Exact = Annotated[Fraction, BeforeValidator(Fraction)]


class NoPolicy(Exception):  # noqa: N818  # the name of the situation
    """No policy has this name, or none held on that day."""


class Statistic(StrEnum):
    """What a policy wants to know beyond rates and impact ratios."""

    FOUR_FIFTHS = "four-fifths"
    FISHER = "fisher"
    STANDARD_DEVIATIONS = "standard-deviations"
    ONE_PERSON_FLIP = "one-person-flip"
    SMALL_GROUP = "small-group"


class Policy(BaseModel):
    """One version of a rule. Shares and thresholds are exact fractions.

    A group below `minimum_share` of those with a known answer is reported without a ratio and is
    nobody's reference. A ratio below `four_fifths`, a difference beyond `standard_deviations`, a
    probability below `significance` and a group smaller than `small_group` are pointed out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str
    title: str
    jurisdiction: str
    version: str
    valid_from: date
    legal_reference: str
    statistics: frozenset[Statistic]
    minimum_share: Exact
    excluded_because: str
    four_fifths: Exact = Fraction(4, 5)
    standard_deviations: Exact = Fraction(2)
    significance: Exact = Fraction(1, 20)
    small_group: int = 0

    def asks_for(self, statistic: Statistic) -> bool:
        """Whether reports under this policy show it."""
        return statistic in self.statistics


class SmallestCell(BaseModel):
    """One version of how many people a group must have, at the least, to be published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    valid_from: date
    people: int = Field(ge=2)
    practice: str


class _Policies(BaseModel):
    policy: tuple[Policy, ...]
    smallest_cell: tuple[SmallestCell, ...]


def _read() -> _Policies:
    text = files(__package__ or "").joinpath("policies.toml").read_text("utf-8")
    return _Policies.model_validate(tomllib.loads(text))


def policies() -> tuple[Policy, ...]:
    """Every version of every policy."""
    return _read().policy


def smallest_cell(on: date) -> SmallestCell:
    """The version that held on that day, the first one before there was any."""
    versions = sorted(_read().smallest_cell, key=lambda each: each.valid_from)
    return [each for each in versions if each.valid_from <= on or each is versions[0]][-1]


def policy(name: str, on: date) -> Policy:
    """The version of the policy that held on that day. Raises NoPolicy."""
    versions = [each for each in policies() if each.name == name]
    if not versions:
        names = ", ".join(sorted({each.name for each in policies()}))
        raise NoPolicy(f"there is no policy {name!r}; there are {names}")
    held = [each for each in versions if each.valid_from <= on]
    if not held:
        first = min(each.valid_from for each in versions)
        raise NoPolicy(f"the policy {name} holds from {first} on, not on {on}")
    return max(held, key=lambda each: each.valid_from)
