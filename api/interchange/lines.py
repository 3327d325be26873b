"""A line of our own interchange: what it may say, and what that means here."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta, Struct, structs
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from api.interchange.batch import CannotImport, readable
from api.interchange.mapping import interaction
from domain.candidate.intents import Intent
from domain.given import GivenMoment, Label
from domain.job import JobChange, OpenJob
from domain.recorded import (
    Happened,
    Metadata,
    Recorded,
    disclosed,
    event_class_of,
    in_utc,
    upcast,
)
from domain.self_identification_events import SelfIdentificationEvent
from domain.upkeep import ImpactReportPublished
from domain.values import NAMESPACE

MAX_LINE_BYTES = 1_000_000

QUOTED = re.compile(r""" (['"]).*\1""")

Text = tuple[int, bytes]
"""A line's number, from 1, and its bytes."""


class RecordedLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event with everything that is on record of it."""

    stream: UUID
    version: Annotated[int, Meta(ge=1)]
    topic: str
    class_version: Annotated[int, Meta(ge=1)] = 1
    event: dict[str, Any]
    metadata: Metadata


class FactLine(BaseModel):
    """An interaction that happened elsewhere; names that are no UUIDs are the sender's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidate: Label | None = None
    job: Label | None = None
    interaction: dict[str, Any]
    occurred_at: GivenMoment
    actor: Label = "import"
    on_behalf_of: Label | None = None
    command: Label | None = None


class Fact(Struct, frozen=True, kw_only=True, gc=False):
    """An interaction that happened elsewhere, to a candidate or to a job, in our words."""

    stream: UUID
    of_job: bool
    intent: Intent
    occurred_at: datetime
    actor: str
    on_behalf_of: str | None
    command: str | None


Line = Recorded | Fact


_JOB_INTENT: TypeAdapter[Intent] = TypeAdapter(OpenJob | JobChange)


def texts(path: Path) -> Iterator[Text]:
    """The lines of a file that are not blank. Raises CannotImport."""
    with readable(path).open("rb") as file:
        number = 0
        while text := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(text) > MAX_LINE_BYTES:
                raise _at(number, f" is longer than {MAX_LINE_BYTES} bytes")
            if text.strip():
                yield number, text


def decoded(number: int, text: bytes) -> dict[str, Any]:
    """The object that the line is. Raises CannotImport."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = msgspec.json.decode(text)
        if isinstance(data, dict):
            return data
    raise _at(number, " is not a JSON object; is the file whole?")


def parsed(number: int, data: dict[str, Any]) -> RecordedLine | FactLine:
    """What the object says. Raises CannotImport."""
    try:
        if "stream" not in data:
            return FactLine.model_validate(data)
        line = msgspec.convert(data, RecordedLine)
        return structs.replace(line, metadata=in_utc(line.metadata))
    except ValidationError as error:
        raise _wrong(number, error) from None
    except msgspec.ValidationError as error:
        raise _wrong_record(number, error) from None
    except ValueError as error:  # a moment that UTC cannot hold
        raise _at(number, f": metadata.{error}") from None


def written(recorded: Recorded) -> str:
    """The line of an event on record."""
    event = recorded.event
    line = {
        "stream": recorded.originator_id,
        "version": recorded.originator_version,
        "topic": event.TOPIC,
        "class_version": type(event).class_version,
        "event": event,
        "metadata": disclosed(recorded.metadata),
    }
    return msgspec.json.encode(line).decode() + "\n"


def read(number: int, data: dict[str, Any], source: str) -> Line:
    """What the object is to us; `source` says whose names are in it. Raises CannotImport."""
    line = parsed(number, data)
    if isinstance(line, RecordedLine):
        return Recorded(line.stream, line.version, event_of(number, line), line.metadata)
    intent = intent_of(number, line, source)
    return Fact(
        stream=id_of(source, "job" if line.job else "candidate", line.job or line.candidate or ""),
        of_job=line.job is not None,
        intent=intent,
        occurred_at=line.occurred_at,
        actor=line.actor,
        on_behalf_of=line.on_behalf_of,
        command=line.command,
    )


class Whose(NamedTuple):
    """In which stream a line belongs, and whether that is a job's by a fact from elsewhere."""

    stream: UUID
    of_job: bool = False


NOBODY = Whose(UUID(int=0))


def whose(data: dict[str, Any], source: str) -> Whose:
    """Whose the line is, before it was looked at; NOBODY's where it names none.

    Names that read() takes for the same are the same here.
    """
    for kind in ("stream", "candidate", "job"):
        name = data.get(kind)
        if isinstance(name, str):
            return _named(source, kind, name.strip())
    return NOBODY


@lru_cache(maxsize=50_000)
def _named(source: str, kind: str, name: str) -> Whose:
    return Whose(id_of(source, kind, name), of_job=kind == "job")


def event_of(number: int, line: RecordedLine) -> Happened:
    """The event of a line of an export. Raises CannotImport."""
    try:
        event_class = event_class_of(line.topic)
        if issubclass(event_class, SelfIdentificationEvent):
            raise _at(number, ": self-identifications are not exchanged in files")
        if issubclass(event_class, ImpactReportPublished):
            raise _at(number, ": published reports stay where they were published")
        fields = upcast(event_class, line.event, line.class_version)
        return in_utc(msgspec.convert(fields, event_class))
    except msgspec.ValidationError as error:
        raise _wrong_record(number, error) from None
    except ValueError as error:  # of ours: no such topic, or a moment that UTC cannot hold
        raise _at(number, f": {error}") from None


def intent_of(number: int, line: FactLine, source: str) -> Intent:
    """The interaction of a line from elsewhere. Raises CannotImport."""
    if (line.candidate is None) == (line.job is None):
        raise _at(number, " must name either a candidate or a job")
    body = dict(line.interaction)
    for name in ("job_id", "application_id"):
        if isinstance(body.get(name), str):
            body[name] = id_of(source, name.removesuffix("_id"), body[name])
    try:
        if line.job is not None:
            return _JOB_INTENT.validate_python(body)
        return interaction(body)
    except ValidationError as error:
        raise _wrong(number, error) from None


@lru_cache(maxsize=50_000)
def id_of(source: str, kind: str, name: str) -> UUID:
    """The id of what is named so in the source; a name that is an id stays what it is."""
    try:
        return UUID(name)
    except ValueError:
        return uuid5(NAMESPACE, f"{source}/{kind}/{name}")


def _at(number: int, what: str) -> CannotImport:
    return CannotImport(f"line {number}{what}", number)


def _wrong(number: int, error: ValidationError) -> CannotImport:
    first = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return _at(number, f": {where}: {first['msg']}")


def _wrong_record(number: int, error: msgspec.ValidationError) -> CannotImport:
    # What is quoted may be anything, also a name that stands in the wrong place.
    return _at(number, f": {QUOTED.sub('', str(error))}")
