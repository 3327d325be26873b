"""How long a candidate's records are kept: policies in data, and what follows from a history."""

import calendar
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict

from domain.candidate import state
from domain.candidate.events import CandidateEvent
from domain.erasure import EVERY_PURPOSE
from domain.recorded import Recorded
from domain.values import ConsentPurpose

UNTIL_CONSENT_EXPIRES = "until-consent-expires"
_PERIOD = re.compile(r"P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?")


class UnknownJurisdiction(ValueError):  # noqa: N818  # the name of the situation
    """No policy is of this jurisdiction."""


class RecordClass(StrEnum):
    """What kind of records a candidate's are, which decides on the policies that apply."""

    PROSPECT = "prospect"  # never applied
    APPLICATION = "application"  # applied, and nothing came of it
    CONSENTED = "consented"  # allowed to be kept, besides being one of the others


@dataclass(frozen=True)
class Period:
    """A length of time by the calendar."""

    months: int
    days: int

    def __str__(self) -> str:
        """Such as `2 years` or `6 months`."""
        years, months = divmod(self.months, 12)
        units = {"year": years, "month": months, "day": self.days}
        counted = [f"{n} {unit}{'s' * (n > 1)}" for unit, n in units.items() if n]
        return " and ".join(counted) or "no time"

    def after(self, moment: datetime) -> datetime:
        """The moment so much later, at the same time of the day in UTC.

        A month later than the last of a longer month is the last of the shorter one. What lies
        beyond the year 9999 is the end of that year.
        """
        years, month = divmod(moment.year * 12 + moment.month - 1 + self.months, 12)
        if years > 9999:
            return moment.replace(year=9999, month=12, day=31)
        day = min(moment.day, calendar.monthrange(years, month + 1)[1])
        try:
            later = moment.replace(year=years, month=month + 1, day=day)
            return later + timedelta(days=self.days)
        except OverflowError:
            return moment.replace(year=9999, month=12, day=31)


def _period(given: object) -> object:
    match = _PERIOD.fullmatch(given) if isinstance(given, str) and len(given) > 1 else None
    if match is None:
        return given
    years, months, days = (int(part or 0) for part in match.groups())
    return Period(years * 12 + months, days)


Length = Annotated[Period, BeforeValidator(_period)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Clock(_Data):
    """Events that start the time of a policy, by their wire names; the last of them counts."""

    name: str
    meaning: str
    events: frozenset[str]


class Verified(_Data):
    """On which day a legal reference was found to say what the policy says, and against what."""

    on: date
    against: str


class Policy(_Data):
    """One version of a rule: from the last event of its clock on, records are kept so long.

    Where no such event is on record, its time starts with the candidate's first event.
    """

    name: str
    title: str
    jurisdiction: str
    version: str
    valid_from: date
    valid_until: date | None = None
    record_class: RecordClass
    starts: str
    length: Length | Literal["until-consent-expires"]
    without_expiry: Length | None = None
    legal_reference: str
    note: str | None = None
    verified: Verified | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is the law, or the practice, on this day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class Policies(_Data):
    """All clocks and policies that there are.

    `within` says of a jurisdiction whose law holds there besides its own.
    """

    within: Mapping[str, tuple[str, ...]] = {}
    clock: tuple[Clock, ...]
    policy: tuple[Policy, ...]

    def clocks(self) -> Mapping[str, Clock]:
        """The clocks by name."""
        return {clock.name: clock for clock in self.clock}

    def starting(self) -> frozenset[str]:
        """The wire names of all events that start any clock."""
        return frozenset().union(*(clock.events for clock in self.clock))

    def applying(self, day: date, jurisdictions: Collection[str] = ()) -> Sequence[Policy]:
        """Those that hold on this day, of these jurisdictions or (without) of all.

        A member state's are also the Union's, so that a consent under its law keeps the records.
        Raises UnknownJurisdiction.
        """
        known = {*self.within, *(policy.jurisdiction for policy in self.policy)}
        if unknown := set(jurisdictions) - known:
            raise UnknownJurisdiction(
                f"no policy is of {', '.join(sorted(unknown))}; there are some of "
                f"{', '.join(sorted(known))}"
            )
        wanted = set(jurisdictions).union(*(self.within.get(each, ()) for each in jurisdictions))
        wanted = wanted or known
        return [p for p in self.policy if p.jurisdiction in wanted and p.holds_on(day)]


@cache
def policies() -> Policies:
    """The policies that come with hirelog."""
    text = files("domain").joinpath("retention.toml").read_text("utf-8")
    return Policies.model_validate(tomllib.loads(text))


@dataclass(frozen=True)
class Start:
    """The event that started a clock; `occurred_at` in UTC."""

    type: str
    version: int
    occurred_at: datetime


@dataclass(frozen=True)
class Facts:
    """What retention asks of a candidate: `last` is the last event of each type that matters."""

    candidate_id: UUID
    status: str
    has_applied: bool
    first: Start
    last: Mapping[str, Start]
    may_be_kept: bool = False  # by the person's consent, which may have run out
    may_be_kept_until: datetime | None = None
    held: str | None = None  # why a legal hold keeps everything
    is_erased: bool = False


@dataclass(frozen=True)
class Term:
    """One policy applied: which event started its clock, and when its time is over."""

    policy: Policy
    start: Start
    due_at: datetime


@dataclass(frozen=True)
class Finding:
    """What the policies say of a candidate, the longest first; `kept` says why nothing is due."""

    candidate_id: UUID
    terms: Sequence[Term]
    kept: str | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the longest of the terms is over; None where something keeps the records."""
        return None if self.kept else self.terms[0].due_at

    def is_due(self, moment: datetime) -> bool:
        """Whether the records are to be erased by `moment`."""
        return self.due_at is not None and self.due_at <= moment


def facts_of(history: Iterable[Recorded], starting: Collection[str], at: datetime) -> Facts | None:
    """What a candidate's whole history says, in stream order; None where it is no candidate's.

    `at` is when holds are to stand.
    """
    candidate, first = None, None
    last: dict[str, Start] = {}
    for recorded in history:
        if not isinstance(recorded.event, CandidateEvent):
            continue
        candidate = state.evolve(candidate, recorded)
        start = Start(
            recorded.event.wire_name(),
            recorded.originator_version,
            recorded.metadata.occurred_at,
        )
        first = first or start
        known = last.get(start.type)
        if start.type in starting and (known is None or known.occurred_at <= start.occurred_at):
            last[start.type] = start
    if candidate is None or first is None:
        return None
    consent = candidate.consents.get(ConsentPurpose.RETENTION)
    granted = consent is not None and consent.granted
    return Facts(
        candidate.id,
        candidate.status,
        bool(candidate.applications),
        first,
        last,
        granted,
        consent.expires_at if consent and granted else None,
        next((hold.legal_reference for hold in candidate.holds.values() if hold.stands(at)), None),
        candidate.erased >= set(EVERY_PURPOSE),
    )


def find(facts: Facts, applying: Sequence[Policy], clocks: Mapping[str, Clock]) -> Finding:
    """What the policies say of these facts; a legal hold stops all, else the longest wins."""
    if facts.is_erased:
        return Finding(facts.candidate_id, (), kept="nothing personal is left")
    if facts.held is not None:
        return Finding(facts.candidate_id, (), kept=f"legal hold: {facts.held}")
    if facts.status == "applicant":
        return Finding(facts.candidate_id, (), kept="an application is active")
    if facts.status == "hired":
        return Finding(facts.candidate_id, (), kept="hired: the rules for employees' records apply")
    classes = {RecordClass.APPLICATION if facts.has_applied else RecordClass.PROSPECT}
    if facts.may_be_kept:
        classes.add(RecordClass.CONSENTED)
    terms = [
        _term(facts, policy, clocks[policy.starts])
        for policy in applying
        if policy.record_class in classes
    ]
    if not terms:
        return Finding(facts.candidate_id, (), kept="no policy says anything of such records")
    return Finding(facts.candidate_id, sorted(terms, key=lambda t: t.due_at, reverse=True))


def _term(facts: Facts, policy: Policy, clock: Clock) -> Term:
    started = [start for type_, start in facts.last.items() if type_ in clock.events]
    start = max(started, key=lambda each: (each.occurred_at, each.version), default=facts.first)
    if isinstance(policy.length, Period):
        return Term(policy, start, policy.length.after(start.occurred_at))
    if facts.may_be_kept_until is not None:
        return Term(policy, start, facts.may_be_kept_until)
    without = policy.without_expiry or Period(0, 0)
    return Term(policy, start, without.after(start.occurred_at))
