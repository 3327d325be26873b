"""A line of our own interchange: what it may say, and what that means here."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from api.interchange.batch import CannotImport, readable
from api.interchange.mapping import interaction
from domain.candidate.intents import Intent, Label
from domain.job import JobChange, OpenJob
from domain.recorded import Happened, Metadata, Recorded, UnknownTopic, event_class_of, upcast
from domain.self_identification import SelfIdentificationEvent
from domain.upkeep import ImpactReportPublished
from domain.values import NAMESPACE, GivenMoment

MAX_LINE_BYTES = 1_000_000

Text = tuple[int, bytes]
"""A line's number, from 1, and its bytes."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordedLine(_Line):
    """An event with everything that is on record of it."""

    stream: UUID
    version: Annotated[int, Field(ge=1)]
    topic: str
    class_version: Annotated[int, Field(ge=1)] = 1
    event: dict[str, Any]
    metadata: Metadata


class FactLine(_Line):
    """An interaction that happened elsewhere; names that are no UUIDs are the sender's own."""

    candidate: Label | None = None
    job: Label | None = None
    interaction: dict[str, Any]
    occurred_at: GivenMoment
    actor: Label = "import"
    on_behalf_of: Label | None = None
    command: Label | None = None


_JOB_INTENT: TypeAdapter[Intent] = TypeAdapter(OpenJob | JobChange)


def texts(path: Path) -> Iterator[Text]:
    """The lines of a file that are not blank. Raises CannotImport."""
    with readable(path).open("rb") as file:
        number = 0
        while text := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(text) > MAX_LINE_BYTES:
                raise CannotImport(f"line {number} is longer than {MAX_LINE_BYTES} bytes")
            if text.strip():
                yield number, text


def parsed(number: int, text: bytes) -> RecordedLine | FactLine:
    """What the line says. Raises CannotImport."""
    try:
        data = from_json(text)
        kind = RecordedLine if "stream" in data else FactLine
        return kind.model_validate(data)
    except ValidationError as error:
        raise _wrong(number, error) from None
    except (ValueError, TypeError, RecursionError):
        raise CannotImport(f"line {number} is not a JSON object; is the file whole?") from None


def written(recorded: Recorded) -> str:
    """The line of an event on record."""
    return (
        RecordedLine(
            stream=recorded.originator_id,
            version=recorded.originator_version,
            topic=recorded.event.TOPIC,
            class_version=type(recorded.event).class_version,
            event=recorded.event.model_dump(mode="json", exclude_defaults=True),
            metadata=recorded.metadata,
        ).model_dump_json(exclude={"metadata": {"command_digest"}})
        + "\n"
    )


def of_candidate(line: RecordedLine | FactLine) -> bool:
    """Whether the line is about a candidate; otherwise it is about a job or a read model."""
    if isinstance(line, RecordedLine):
        return line.topic.startswith("candidate.")
    return line.candidate is not None


def stream_of(line: RecordedLine | FactLine, source: str) -> UUID:
    """The stream that the line belongs to; `source` says whose names are in it."""
    if isinstance(line, RecordedLine):
        return line.stream
    if line.candidate is not None:
        return id_of(source, "candidate", line.candidate)
    return id_of(source, "job", line.job or "")


def event_of(number: int, line: RecordedLine) -> Happened:
    """The event of a line of an export. Raises CannotImport."""
    try:
        event_class = event_class_of(line.topic)
        if issubclass(event_class, SelfIdentificationEvent):
            raise CannotImport(f"line {number}: self-identifications are not exchanged in files")
        if issubclass(event_class, ImpactReportPublished):
            raise CannotImport(f"line {number}: published reports stay where they were published")
        fields = upcast(event_class, line.event, line.class_version)
        return event_class.model_validate(fields)
    except ValidationError as error:
        raise _wrong(number, error) from None
    except UnknownTopic as error:
        raise CannotImport(f"line {number}: {error}") from None


def intent_of(number: int, line: FactLine, source: str) -> Intent:
    """The interaction of a line from elsewhere. Raises CannotImport."""
    if (line.candidate is None) == (line.job is None):
        raise CannotImport(f"line {number} must name either a candidate or a job")
    body = dict(line.interaction)
    for name in ("job_id", "application_id"):
        if isinstance(body.get(name), str):
            body[name] = str(id_of(source, name.removesuffix("_id"), body[name]))
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


def _wrong(number: int, error: ValidationError) -> CannotImport:
    first = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return CannotImport(f"line {number}: {where}: {first['msg']}")
