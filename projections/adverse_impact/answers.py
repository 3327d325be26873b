"""What people answered about themselves, or did not: declined is not unknown.

Which words mean what is data, dated and versioned, in answers.toml.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple
from unicodedata import normalize

from pydantic import BaseModel, ConfigDict

Answers = tuple[str, ...]  # one for each attribute, such as ("female", "asian")

EVERYBODY = "*"  # in the place of an answer: the row is of all, whatever they answered


class Silence(StrEnum):
    """Why there is no answer; it stands in the place of one."""

    DECLINED = "declined"
    UNKNOWN = "unknown"


class BesidesWording(StrEnum):
    """In what two texts may differ and still be the same answer."""

    CASE = "case"
    SPACES = "spaces"
    UNICODE_FORM = (
        "unicode-form"  # an accent in one character with its letter, or in one of its own
    )


class Said(NamedTuple):
    """What people of some number answered."""

    answers: Answers
    people: int


class Wording(BaseModel):
    """One version of how answers are read. `declined` are phrases by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    valid_from: date
    same_but_for: frozenset[BesidesWording]
    unknown: tuple[str, ...]
    declined: Mapping[str, tuple[str, ...]]

    @cached_property
    def _unknown(self) -> frozenset[str]:
        return frozenset(map(_words, self.unknown))

    @cached_property
    def _declined(self) -> tuple[str, ...]:
        return tuple(f" {_words(each)}" for phrases in self.declined.values() for each in phrases)

    def silence(self, answer: str) -> Silence | None:
        """Whether the person declined or was never heard; None where the answer says something."""
        words = _words(answer)
        if words in self._unknown:
            return Silence.UNKNOWN
        if any(phrase in f" {words}" for phrase in self._declined):
            return Silence.DECLINED
        return None

    def same(self, answer: str) -> str:
        """One text for all that are the same answer."""
        if BesidesWording.UNICODE_FORM in self.same_but_for:
            answer = normalize("NFKC", answer)
        if BesidesWording.SPACES in self.same_but_for:
            answer = " ".join(answer.split())
        return answer.casefold() if BesidesWording.CASE in self.same_but_for else answer

    def read(self, said: Iterable[Said]) -> Sequence[Answers]:
        """The answers of each, in the given order, a silence where there is none.

        The same answers come back as the same text: as most people wrote it, of equally many the
        first by the alphabet. EVERYBODY stays what it is.
        """
        said = list(said)
        people: Counter[tuple[int, str]] = Counter()
        for answers, number in said:
            for at in enumerate(answers):
                people[at] += number
        usual: dict[tuple[int, str], str] = {}
        for place, answer in sorted(people, key=lambda at: (-people[at], at)):
            usual.setdefault((place, self.same(answer)), " ".join(answer.split()))
        read = {
            (place, answer): self._silence_of(answer) or usual[place, self.same(answer)]
            for place, answer in people
        }
        return [tuple(read[at] for at in enumerate(answers)) for answers, _ in said]

    def _silence_of(self, answer: str) -> Silence | None:
        return None if answer == EVERYBODY else self.silence(answer)


class _Wordings(BaseModel):
    wording: tuple[Wording, ...]


def wordings() -> tuple[Wording, ...]:
    """Every version."""
    text = files(__package__ or "").joinpath("answers.toml").read_text("utf-8")
    return _Wordings.model_validate(tomllib.loads(text)).wording


def wording(on: date) -> Wording:
    """The version that held on that day, the first one before there was any."""
    versions = sorted(wordings(), key=lambda each: each.valid_from)
    return [each for each in versions if each.valid_from <= on or each is versions[0]][-1]


def _words(answer: str) -> str:
    letters = normalize("NFKC", answer).casefold()
    return " ".join("".join(c for c in letters if c.isalnum() or c.isspace()).split())
