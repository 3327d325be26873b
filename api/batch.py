"""Applies the lines of a batch, each on its own but many in one append, and answers each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, ValidationError

from api import strict_json
from api.deps import PRINTABLE, Caller, ForSomebody
from api.errors import NotPermitted
from api.lines import Line
from api.problem_documents import Problem
from domain.candidate.intents import Interaction
from domain.errors import CandidateNotFound, Refusal
from domain.intake import Intake
from domain.outcome import Outcome
from domain.recorded import Metadata
from domain.recruiting import Recruiting, contended
from domain.taken import Taken, VersionTaken

UNREADABLE = "is no JSON in UTF-8, or has a field twice"
REMEMBERED = 2_000  # candidates, more than one group of lines can name


class BatchLine(BaseModel):
    """One line of a batch: an interaction, with whom, and the name of the command."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate_id: UUID | None = Field(
        default=None, description="Left out where `sourced` or `applied` begins a new history."
    )
    interaction: Interaction
    idempotency_key: Annotated[str, StringConstraints(max_length=255, pattern=PRINTABLE)] | None = (
        Field(default=None, description="As the header `Idempotency-Key` of a single command.")
    )
    on_behalf_of: ForSomebody | None = Field(
        default=None, description="Instead of the header `On-Behalf-Of`, for this line."
    )


class LineRecorded(BaseModel):
    """The line is on record."""

    line: int = Field(description="Its number, from 1; blank lines count.")
    status: int = Field(examples=[201])
    id: UUID = Field(description="The candidate.")
    version: int = Field(description="The candidate's version after the command.")
    position: int = Field(description="Where the log stands with the command's last event.")
    events: list[str] = Field(description="The types of its events.", examples=[["applied"]])
    application_id: UUID | None = Field(default=None, description="The application concerned.")
    replayed: bool | None = Field(default=None, description="True: it was on record before.")

    @classmethod
    def of(cls, line: int, outcome: Outcome) -> "LineRecorded":
        """The outcome as one line tells it."""
        events = [recorded.event for recorded in outcome.events]
        return cls(
            line=line,
            status=HTTPStatus.CREATED,
            id=outcome.stream,
            version=outcome.version,
            position=outcome.position,
            events=[event.wire_name() for event in events],
            application_id=getattr(events[0], "application_id", None),
            replayed=outcome.repeated or None,
        )


class LineRefused(BaseModel):
    """The line is not on record, or with status 503 perhaps not; `problem` says why."""

    line: int
    status: int = Field(examples=[409])
    problem: Problem


class Summary(BaseModel):
    """What became of all lines."""

    lines: int = Field(default=0, description="All that were answered.")
    recorded: int = Field(default=0, description="Those that added something.")
    replayed: int = Field(default=0, description="Those that were on record before.")
    refused: int = Field(default=0, description="Those that added nothing.")
    unknown: int = Field(default=0, description="Those with status 5xx: send them again.")
    position: int = Field(default=0, description="The last of all positions; 0 where none is.")


class BatchEnd(BaseModel):
    """The last line, when all others are answered."""

    summary: Summary


class BatchAnswer(RootModel[LineRecorded | LineRefused | BatchEnd]):
    """One line of the answer."""


class TooLong(Exception):  # noqa: N818  # the name of the situation
    """The line is longer than one interaction may be."""


@dataclass(slots=True)
class _Command:
    """A line on its way: what it asks for, then what became of it."""

    line: int
    stream: UUID
    intent: Interaction
    metadata: Metadata
    taken: Taken | None = None
    became: Outcome | Exception | None = None


class Batch:
    """The lines of one request, taken group by group. Not safe for threads."""

    def __init__(
        self, recruiting: Recruiting, sender: Caller, problem_of: Callable[[Exception], Problem]
    ) -> None:
        """`problem_of` tells a failure as the answer to a single command tells it."""
        self._recruiting = recruiting
        self._sender = sender
        self._problem_of = problem_of
        self._intake = self._new_intake()
        self._known_now = False  # whether all that the intake knows was read for this group
        self._pending: set[UUID] = set()
        self._summary = Summary()

    def apply(self, lines: Sequence[Line]) -> bytes:
        """Records what can be recorded of the lines; returns the answers in their order."""
        read = [self._read(line) for line in lines]
        commands = [each for each in read if isinstance(each, _Command)]
        failure: Exception | None = None
        try:
            self._take(commands)
        except Exception as error:  # noqa: BLE001  # whatever it is, these lines alone have it
            failure = error
            self._renew()
        _settle(commands, failure)
        self._look_up([each for each in commands if each.became is None], failure)
        problems: dict[int, Problem] = {}  # by failure, so that each is translated once
        return b"".join(self._answer(each, problems) for each in read)

    def refuse(self, lines: Sequence[Line]) -> bytes:
        """The answers to lines of a caller who is not known any more."""
        gone = NotPermitted("the key that the batch began with is not valid any more; send another")
        return b"".join(self._answer((line.number, gone), {}) for line in lines)

    def end(self) -> bytes:
        """The last line."""
        return _json(BatchEnd(summary=self._summary))

    def _read(self, line: Line) -> "_Command | tuple[int, Exception]":
        if line.text is None:
            return line.number, TooLong()
        try:
            asked = BatchLine.model_validate(strict_json.loads(line.text))
        except ValidationError as error:
            return line.number, RequestValidationError(
                [each | {"loc": ("line", *each["loc"])} for each in _errors(error)]
            )
        except (ValueError, RecursionError):
            wrong = {"type": "json_invalid", "loc": ("line",), "msg": UNREADABLE}
            return line.number, RequestValidationError([wrong])
        intent = asked.interaction
        caller = replace(
            self._sender,
            idempotency_key=asked.idempotency_key,
            on_behalf_of=asked.on_behalf_of or self._sender.on_behalf_of,
        )
        if asked.candidate_id is None and not intent.BEGINS:
            missing = {"type": "missing", "loc": ("line", "candidate_id"), "msg": "Field required"}
            return line.number, RequestValidationError([missing])
        stream = asked.candidate_id or caller.new_id("candidate")
        try:
            metadata = caller.metadata(stream, intent)
        except NotPermitted as error:
            return line.number, error
        return _Command(line.number, stream, intent, metadata)

    def _take(self, commands: Sequence[_Command]) -> None:
        self._known_now = False
        self._pending.clear()
        self._expect(commands)
        for each in commands:
            try:
                each.taken = self._decide(each, commands)
                self._pending.add(each.stream)
            except Refusal as refusal:
                each.became = refusal
            except VersionTaken:  # the id is a job's
                each.became = CandidateNotFound(
                    f"candidate {each.stream} is not on record; begin with sourced or applied"
                )
        self._intake.flush()

    def _decide(self, each: _Command, commands: Sequence[_Command]) -> Taken:
        try:
            return self._intake.command(each.stream, each.intent, each.metadata)
        except Refusal:
            # What it knows may be behind what is on record, or ahead of it with what is pending.
            if self._known_now and each.stream not in self._pending:
                raise
            self._intake.flush()
            self._pending.clear()
            if not self._known_now:
                self._renew()
                self._expect(commands)
            return self._intake.command(each.stream, each.intent, each.metadata)

    def _expect(self, commands: Sequence[_Command]) -> None:
        with suppress(VersionTaken):  # told of the line whose id it is
            self._intake.expect({each.stream for each in commands})

    def _renew(self) -> None:
        self._intake = self._new_intake()
        self._known_now = True

    def _new_intake(self) -> Intake:
        return Intake(self._recruiting, remember=REMEMBERED)

    def _look_up(self, repeated: Sequence[_Command], failure: Exception | None) -> None:
        """Finds the first outcomes of what was on record before."""
        try:
            firsts = self._recruiting.first_outcomes([(c.stream, c.metadata) for c in repeated])
        except Exception as error:  # noqa: BLE001  # as above
            firsts = [None] * len(repeated)
            failure = failure or error
        for each, first in zip(repeated, firsts, strict=True):
            # None of an equal line before it, which was not recorded in the end.
            each.became = first or failure or contended("candidate", each.stream)

    def _answer(
        self, read: "_Command | tuple[int, Exception]", problems: dict[int, Problem]
    ) -> bytes:
        line, became = (read.line, read.became) if isinstance(read, _Command) else read
        summary = self._summary
        summary.lines += 1
        if isinstance(became, Outcome):
            summary.replayed += became.repeated
            summary.recorded += not became.repeated
            summary.position = max(summary.position, became.position)
            return _json(LineRecorded.of(line, became))
        assert became is not None  # noqa: S101  # settled or looked up
        problem = problems.get(id(became))
        if problem is None:
            problem = problems[id(became)] = self._problem_of(became)
        unknown = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        summary.unknown += unknown
        summary.refused += not unknown
        return _json(LineRefused(line=line, status=problem.status, problem=problem))


def _settle(commands: Sequence[_Command], failure: Exception | None) -> None:
    """Tells what became of all but those that were on record before."""
    for each in commands:
        taken = each.taken
        if each.became is None and not (taken and taken.repeated):
            if taken and taken.refusal:
                each.became = taken.refusal
            elif taken and taken.position:
                last = structs.replace(taken.events[-1], position=taken.position)
                each.became = Outcome(each.stream, [*taken.events[:-1], last])
            else:
                each.became = failure


def _errors(error: ValidationError) -> Iterator[dict[str, Any]]:
    return (dict(each) for each in error.errors(include_input=False, include_url=False))


def _json(model: BaseModel) -> bytes:
    return model.model_dump_json(exclude_none=True).encode() + b"\n"
