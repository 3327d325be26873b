"""Our own interchange: newline-delimited JSON, one event or interaction in each line.

Two kinds of line, told apart by their keys (docs/interchange.md describes both):

- `stream`: an event as it is on record somewhere, with its version and all metadata; `hirelog
  export` writes these, and importing them gives the same history.
- `candidate` or `job`: an interaction that happened elsewhere, named with ids of that place.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any
from uuid import UUID, uuid5

import psycopg
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.interchange.batch import CannotImport, Progress, Report, chunks, readable
from api.interchange.mapping import interaction
from api.wiring import System
from domain.candidate.intents import Intent, Label
from domain.intake import Intake
from domain.job import JobChange, OpenJob
from domain.recorded import (
    Happened,
    Metadata,
    Recorded,
    UnknownTopic,
    event_class_of,
    upcast,
)
from domain.values import NAMESPACE, GivenMoment, now

LINES_AT_ONCE = 2_000
MAX_LINE_BYTES = 1_000_000
PAGE = 2_000

SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %s
 ORDER BY notification_id
 LIMIT %s
"""


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


JOB_INTENT: TypeAdapter[Intent] = TypeAdapter(OpenJob | JobChange)


def export(system: System, file: IO[str], progress: Progress) -> int:
    """Writes the whole log in its order, personal values in clear, and returns the number of lines.

    Whoever holds the file holds the people's data: write it where only they can read it.
    """
    done = position = 0
    with system.pool.connection() as connection:
        while rows := connection.execute(SELECT_EVENTS, (position, PAGE)).fetchall():
            for recorded in _opened(system, rows):
                file.write(_line(recorded))
                done += 1
            position = rows[-1][0]
            progress(done)
    return done


def _opened(system: System, rows: list[psycopg.rows.TupleRow]) -> Iterator[Recorded]:
    system.keyring.load([row[1] for row in rows])
    for row in rows:
        yield system.recruiting.read_stored(*row)


def _line(recorded: Recorded) -> str:
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


def check(path: Path) -> Report:
    """Reads the file to its end, recording nothing. Raises CannotImport with the line's number."""
    report = Report(file=str(path), format="ndjson")
    streams: set[UUID | str | None] = set()
    for number, line in _lines(path):
        if isinstance(line, RecordedLine):
            report.by_activity[_event(number, line).wire_name()] += 1
            streams.add(line.stream if _of_candidate(line) else None)
        else:
            intent = _intent(number, line, "check")
            report.by_activity[intent.type] += 1
            streams.add(line.candidate)
        report.interactions += 1
    report.candidates = len(streams - {None})
    return report


def load(path: Path, source: str, intake: Intake, report: Report, progress: Progress) -> None:
    """Records a file that was checked; what is on record from it already adds nothing."""
    done = 0
    for numbered in chunks(_lines(path), LINES_AT_ONCE):
        intake.expect({_stream(line, source) for _, line in numbered if _of_candidate(line)})
        for number, line in numbered:
            _load(number, line, source, intake)
            done += 1
        progress(done)
    intake.flush()
    report.tally = intake.tally


def _load(number: int, line: RecordedLine | FactLine, source: str, intake: Intake) -> None:
    if isinstance(line, RecordedLine):
        event = _event(number, line)
        intake.recorded(Recorded(line.stream, line.version, event, _portable(line.metadata)))
        return
    intent = _intent(number, line, source)
    stream = _stream(line, source)
    metadata = Metadata(
        actor=line.actor,
        on_behalf_of=line.on_behalf_of,
        reason=intent.reason,
        command_id=uuid5(stream, f"{source}/{line.command or _fingerprint(line, intent)}"),
        occurred_at=line.occurred_at,
        recorded_at=now(),
        provenance=f"import:{source}",
    )
    if line.job is not None:
        intake.job_fact(stream, intent, metadata)
    else:
        intake.fact(stream, intent, metadata)


def _lines(path: Path) -> Iterator[tuple[int, RecordedLine | FactLine]]:
    with readable(path).open("rb") as file:
        number = 0
        while text := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(text) > MAX_LINE_BYTES:
                raise CannotImport(f"line {number} is longer than {MAX_LINE_BYTES} bytes")
            if not text.strip():
                continue
            try:
                data = json.loads(text)
                kind = RecordedLine if "stream" in data else FactLine
                yield number, kind.model_validate_json(text)
            except ValidationError as error:
                raise _wrong(number, error) from None
            except (ValueError, TypeError, RecursionError):
                raise CannotImport(
                    f"line {number} is not a JSON object; is the file whole?"
                ) from None


def _fingerprint(line: FactLine, intent: Intent) -> str:
    return json.dumps([line.actor, line.occurred_at.isoformat(), intent.fingerprint()])


def _portable(metadata: Metadata) -> Metadata:
    # Another installation's master key could not check it.
    return metadata.model_copy(update={"command_digest": None})


def _of_candidate(line: RecordedLine | FactLine) -> bool:
    if isinstance(line, RecordedLine):
        return line.topic.startswith("candidate.")
    return line.candidate is not None


def _stream(line: RecordedLine | FactLine, source: str) -> UUID:
    if isinstance(line, RecordedLine):
        return line.stream
    if line.candidate is not None:
        return _id(source, "candidate", line.candidate)
    return _id(source, "job", line.job or "")


def _event(number: int, line: RecordedLine) -> Happened:
    try:
        event_class = event_class_of(line.topic)
        fields = upcast(event_class, line.event, line.class_version)
        return event_class.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise _wrong(number, error) from None
    except UnknownTopic as error:
        raise CannotImport(f"line {number}: {error}") from None


def _intent(number: int, line: FactLine, source: str) -> Intent:
    if (line.candidate is None) == (line.job is None):
        raise CannotImport(f"line {number} must name either a candidate or a job")
    body = dict(line.interaction)
    for name in ("job_id", "application_id"):
        if isinstance(body.get(name), str):
            body[name] = str(_id(source, name.removesuffix("_id"), body[name]))
    try:
        if line.job is not None:
            return JOB_INTENT.validate_json(json.dumps(body))
        return interaction(body)
    except ValidationError as error:
        raise _wrong(number, error) from None


def _id(source: str, kind: str, name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        return uuid5(NAMESPACE, f"{source}/{kind}/{name}")


def _wrong(number: int, error: ValidationError) -> CannotImport:
    first = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return CannotImport(f"line {number}: {where}: {first['msg']}")
