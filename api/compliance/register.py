"""The record of processing, drawn from the event catalogue, the routes and the policies in data."""

import csv
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import IO, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.access.callers import SCOPES_OF, Scope
from api.compliance import pages
from api.door.route import Route
from domain.recorded import event_classes, personal_fields
from domain.retention import UNTIL_CONSENT_EXPIRES, Policy, RecordClass, policies
from domain.values import Purpose

IS_AND_IS_NOT = (
    "This lists what hirelog is made to keep of candidates, why, who is given it and how long. "
    "It knows nothing of what an organisation does outside of hirelog with what it is given, and "
    "it is no legal advice: grounds and periods have to be checked by whoever is responsible."
)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessingPurpose(_Data):
    """Why personal values are kept, and on what legal ground."""

    purpose: Purpose
    title: str
    categories: str
    legal_reference: str
    record_classes: tuple[RecordClass, ...]


class RouteGiving(_Data):
    """A route that answers with personal values."""

    route: str
    gives: frozenset[Purpose]


class CommandGiving(_Data):
    """A command of the command line that hands personal values out."""

    command: str
    gives: frozenset[Purpose]


class ClearText(_Data):
    """A text of every event that no key encrypts."""

    field: str
    names: str
    legal_reference: str


class EventText(_Data):
    """Texts of single events that no key encrypts, by the names of their fields."""

    fields: tuple[str, ...]
    names: str
    legal_reference: str


class Access(_Data):
    """What a person is given who asks for their own data, and what is said with it."""

    gives: frozenset[Purpose]
    staff: Literal["role", "name"]
    automated_decisions: str
    transfers: str
    rights: tuple[str, ...]


class Processing(_Data):
    """One version of the policy that the register rests on."""

    version: str
    valid_from: date
    purpose: tuple[ProcessingPurpose, ...]
    route: tuple[RouteGiving, ...]
    command: tuple[CommandGiving, ...]
    clear: tuple[ClearText, ...]
    event_text: tuple[EventText, ...]
    access: Access


@dataclass(frozen=True)
class Recipient:
    """By what way who gets personal values."""

    way: str
    who: str
    gives: frozenset[Purpose]


@dataclass(frozen=True)
class Kept:
    """How long records of a class are kept, by one policy."""

    record_class: RecordClass
    policy: str
    jurisdiction: str
    length: str
    since: str
    legal_reference: str
    verified: str


@dataclass(frozen=True)
class Field:
    """One personal field of one event."""

    event: str
    topic: str
    field: str
    purpose: Purpose
    key: str


@dataclass(frozen=True)
class Register:
    """The whole record of processing."""

    processing: Processing
    fields: Sequence[Field]
    recipients: Sequence[Recipient]
    kept: Sequence[Kept]

    def of(self, purpose: Purpose) -> ProcessingPurpose:
        """What the policy says of a purpose. Raises KeyError where it says nothing."""
        return {each.purpose: each for each in self.processing.purpose}[purpose]

    def receiving(self, purpose: Purpose) -> list[Recipient]:
        """Who is given values of this purpose."""
        return [each for each in self.recipients if purpose in each.gives]

    def keeping(self, purpose: Purpose) -> list[Kept]:
        """How long they are kept, by each policy that may apply."""
        classes = self.of(purpose).record_classes
        return [each for each in self.kept if each.record_class in classes]

    def told(self, purpose: ProcessingPurpose) -> dict[str, Any]:
        """All that is said of a purpose, for programs."""
        return {
            **purpose.model_dump(mode="json"),
            "recipients": [{"way": r.way, "who": r.who} for r in self.receiving(purpose.purpose)],
            "kept": [vars(each) for each in self.keeping(purpose.purpose)],
        }


@cache
def processing() -> Processing:
    """The policy that comes with hirelog."""
    text = files("api.compliance").joinpath("processing.toml").read_text("utf-8")
    return Processing.model_validate(tomllib.loads(text))


def register(routers: Iterable[APIRouter], day: date) -> Register:
    """The record of processing of a day, with the roles to which `routers` open each route."""
    known = processing()
    who = {way: roles for router in routers for way, roles in _roles(router)}
    recipients = [Recipient(each.route, who[each.route], each.gives) for each in known.route]
    recipients += [
        Recipient(each.command, "who may use the data directory", each.gives)
        for each in known.command
    ]
    fields = [
        Field(event_class.wire_name(), topic, name, purpose, f"candidate's {purpose} key")
        for topic, event_class in sorted(event_classes().items())
        for name, purpose in personal_fields(event_class).items()
    ]
    return Register(known, fields, recipients, [_kept(each) for each in policies().applying(day)])


def _roles(router: APIRouter) -> Iterable[tuple[str, str]]:
    for route in router.routes:
        if isinstance(route, Route):
            seeing = sorted(r for r in route.mark.roles if Scope.PERSONAL in SCOPES_OF[r])
            for method in route.methods or ():
                yield f"{method} {route.path}", ", ".join(seeing)


def _kept(policy: Policy) -> Kept:
    is_fixed = policy.length != UNTIL_CONSENT_EXPIRES
    return Kept(
        policy.record_class,
        f"{policy.name}, version {policy.version}",
        policy.jurisdiction,
        str(policy.length) if is_fixed else "until the consent expires",
        policies().clocks()[policy.starts].meaning,
        policy.legal_reference,
        f"{policy.verified.on}: {policy.verified.against}" if policy.verified else "not yet",
    )


def as_json(made: Register) -> dict[str, Any]:
    """The register for programs."""
    return {
        "is_and_is_not": IS_AND_IS_NOT,
        "policy": made.processing.model_dump(mode="json", include={"version", "valid_from"}),
        "fields": [vars(each) for each in made.fields],
        "purposes": [made.told(each) for each in made.processing.purpose],
        "in_clear": [each.model_dump() for each in made.processing.clear],
        "in_clear_of_events": [each.model_dump() for each in made.processing.event_text],
    }


def as_html(made: Register) -> str:
    """The register as one page."""
    version, since = made.processing.version, made.processing.valid_from
    return pages.page(
        "Record of processing",
        pages.paragraph(f"hirelog, policy version {version}, from {since} on", "small"),
        pages.paragraph(IS_AND_IS_NOT),
        pages.heading("Personal fields"),
        pages.table(
            ("Event", "Field", "Purpose", "Key"),
            [(each.event, each.field, each.purpose, each.key) for each in made.fields],
        ),
        *(element for each in made.processing.purpose for element in _purpose(made, each)),
        pages.heading("Texts in clear with every event"),
        pages.table(
            ("Field", "Whom it names", "Legal reference"),
            [(each.field, each.names, each.legal_reference) for each in made.processing.clear],
        ),
        pages.heading("Texts in clear of single events"),
        pages.table(
            ("Fields", "Whom they name", "Legal reference"),
            [
                (", ".join(each.fields), each.names, each.legal_reference)
                for each in made.processing.event_text
            ],
        ),
    )


def _purpose(made: Register, each: ProcessingPurpose) -> list[pages.Element]:
    return [
        pages.heading(f"Purpose {each.purpose}: {each.title}"),
        pages.facts([("Values", each.categories), ("Legal reference", each.legal_reference)]),
        pages.table(
            ("Given through", "To whom"),
            [(r.way, r.who) for r in made.receiving(each.purpose)],
        ),
        pages.table(
            ("Records", "Where", "Kept", "From", "Policy", "Legal reference", "Verified"),
            [
                (
                    *(k.record_class, k.jurisdiction, k.length, k.since, k.policy),
                    *(k.legal_reference, k.verified),
                )
                for k in made.keeping(each.purpose)
            ],
        ),
    ]


def write_csv(made: Register, file: IO[str]) -> None:
    """One line for each personal field, with all that is said of its purpose."""
    lines = csv.writer(file)
    lines.writerow(
        ["event", "field", "purpose", "key", "title", "legal_reference", "recipients", "kept"]
    )
    for each in made.fields:
        purpose = made.of(each.purpose)
        recipients = "; ".join(f"{r.way} ({r.who})" for r in made.receiving(each.purpose))
        kept = "; ".join(
            f"{k.record_class}, {k.jurisdiction}: {k.length} from {k.since} ({k.policy})"
            for k in made.keeping(each.purpose)
        )
        lines.writerow(
            [
                *(each.event, each.field, each.purpose, each.key),
                *(purpose.title, purpose.legal_reference, recipients, kept),
            ]
        )
