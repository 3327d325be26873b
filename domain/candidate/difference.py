"""What differs between two points of a candidate's history, field by field, and what made it so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.candidate.events import DETAILS, CandidateEvent
from domain.candidate.state import Candidate, evolve
from domain.recorded import Recorded, personal_values
from domain.values import to_utc

Value = str | int | bool | tuple[str, ...]
Fields = dict[str, Value]


@dataclass(frozen=True)
class Point:
    """A point of a history: what had happened by then, was known by then, up to that version.

    What is None narrows nothing, so that a point that names nothing is now. Times are in UTC.
    """

    version: int | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None

    def holds(self, recorded: Recorded) -> bool:
        """Whether the event belongs to what this point sees."""
        metadata = recorded.metadata
        return (
            (self.version is None or recorded.originator_version <= self.version)
            and (self.as_of is None or metadata.occurred_at <= self.as_of)
            and (self.known_at is None or metadata.recorded_at <= self.known_at)
        )


BEGINNING = Point(version=0)
"""Before anything happened."""


@dataclass
class View:
    """What a point sees: the fields, and for each the event that gave or took its value."""

    fields: Fields = field(default_factory=dict)
    made_by: dict[str, Recorded] = field(default_factory=dict)
    versions: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Change:
    """A field that has another value; None where it has none.

    `before_by` and `after_by` are the events that made it so at either point, and None where it
    never had a value; going back in time it is `before_by` that is undone.
    """

    field: str
    before: Value | None
    after: Value | None
    before_by: Recorded | None
    after_by: Recorded | None


@dataclass(frozen=True)
class Difference:
    """The fields that changed, by name, and the versions of events that only one point sees."""

    changes: Sequence[Change]
    only_before: Sequence[int]
    only_after: Sequence[int]


def fields_of(candidate: Candidate | None) -> Fields:
    """All that is known of the candidate as plain fields; what has no value is left out.

    An application's fields begin with `applications.<id>`, its offers' with
    `applications.<id>.offers.<version>`; moments are RFC 3339 in UTC. The version and the time of
    the last event are no fields: they say which point it is.
    """
    if candidate is None:
        return {}
    fields: dict[str, object] = {
        "status": candidate.status,
        "origin": candidate.origin,
        "source": candidate.source,
        "pools": tuple(sorted(candidate.pools)) or None,
        **{f"details.{name}": value for name, value in candidate.details.items()},
        **{f"unsubscribed.{c or 'all'}": since for c, since in candidate.unsubscribed.items()},
    }
    for purpose, consent in candidate.consents.items():
        for name in "granted", "since", "expires_at":
            fields[f"consents.{purpose}.{name}"] = getattr(consent, name)
    for application in candidate.applications.values():
        at = f"applications.{application.id}"
        for name in _OF_APPLICATION:
            fields[f"{at}.{name}"] = getattr(application, name)
        for offer in application.offers:
            fields[f"{at}.offers.{offer.version}.status"] = offer.status
            fields[f"{at}.offers.{offer.version}.expires_at"] = offer.expires_at
    return {name: _plain(value) for name, value in fields.items() if value is not None}


_OF_APPLICATION = (
    "job_id", "job_title", "status", "stage", "origin", "source", "applied_at", "ended_at"
)  # fmt: skip


def _plain(value: object) -> Value:
    match value:
        case datetime():
            return to_utc(value).isoformat().replace("+00:00", "Z")
        case bool() | int() | tuple():
            return value
    return str(value)


def texts_of(recorded: Recorded) -> Fields:
    """What was written to the person, by them or about them, as `texts.<version>.<name>`.

    The details are no such texts: they are known of the candidate, until they change.
    """
    return {
        f"texts.{recorded.originator_version}.{name}": value
        for name, value in personal_values(recorded.event).items()
        if name not in DETAILS
    }


def view(history: Iterable[Recorded], point: Point) -> View:
    """What the point sees of a candidate's history, which is given in stream order."""
    seen = View()
    candidate: Candidate | None = None
    texts: Fields = {}
    for recorded in history:
        if not isinstance(recorded.event, CandidateEvent) or not point.holds(recorded):
            continue
        candidate = evolve(candidate, recorded)
        before, seen.fields = seen.fields, fields_of(candidate)
        told = texts_of(recorded)
        for name in (*changed(before, seen.fields), *told):
            seen.made_by[name] = recorded
        texts |= told
        seen.versions.add(recorded.originator_version)
    seen.fields = seen.fields | texts
    return seen


def changed(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """The names of the fields whose values differ, sorted."""
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def difference(history: Sequence[Recorded], start: Point, end: Point) -> Difference:
    """What differs at `end` from what was at `start`; `end` may be the earlier one."""
    one, two = view(history, start), view(history, end)
    changes = [
        Change(
            name,
            one.fields.get(name),
            two.fields.get(name),
            one.made_by.get(name),
            two.made_by.get(name),
        )
        for name in changed(one.fields, two.fields)
    ]
    return Difference(
        changes, sorted(one.versions - two.versions), sorted(two.versions - one.versions)
    )


def apply(fields: Mapping[str, Value], changes: Iterable[Change]) -> Fields:
    """The fields as they are after the changes."""
    result = dict(fields)
    for change in changes:
        if change.after is None:
            result.pop(change.field, None)
        else:
            result[change.field] = change.after
    return result
