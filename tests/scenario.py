"""given(*history).when(intent).then(*events): the one grammar of tests, without a database.

    given(applied("A")).when(i.Advance(...)).then(advanced("A", "B"))
    given().when(i.Advance(...)).then_refused(errors.CandidateNotFound, containing="begin with")
    given().when_fact(i.Advance(...)).then(advanced(None, "B"), broken=("candidate-not-found",))

A history item is an event, or an event with what its metadata says otherwise. The events of a
history happen a day apart, from day(0) on; what is asked for happens at NOW. The same grammar takes
the intents of a job, on a history of a job's events.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from importlib import import_module
from pkgutil import walk_packages
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID, uuid4

from msgspec import structs

import domain
from domain import job as jobs
from domain.candidate import decisions, state
from domain.candidate import events as e
from domain.candidate.intents import Intent
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.errors import Refusal
from domain.job import ChangeHiringManagers, ChangeStages, CloseJob, Job, OpenJob, ReopenJob
from domain.recorded import Happened, Metadata, Recorded, personal_fields
from domain.values import Channel, Origin, RejectionType, now
from domain.verdict import keep_and_mark, refuse_or_record
from projections.runtime.batch import Rows, fold_batch
from projections.runtime.contract import ReadModel, Row, Table

CANDIDATE = UUID("c0000000-0000-4000-8000-000000000001")
JOB = UUID("b0000000-0000-4000-8000-000000000001")
APPLICATION = UUID("a0000000-0000-4000-8000-000000000001")
TITLE = "Engineer"
STAGES = ("A", "B", "C")
ACTOR = "rita"

Told = Happened | tuple[Happened, Mapping[str, Any]]


def day(number: float) -> datetime:
    """So many days after the beginning of the tests' time."""
    return datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(days=number)


NOW = day(100)


# What is on record


def log(*told: Told, stream: UUID = CANDIDATE, position: int = 1) -> list[Recorded]:
    """The events as they stand on one stream, from version 1, and in the log from `position` on."""
    recorded = []
    for number, item in enumerate(told):
        event, overrides = item if isinstance(item, tuple) else (item, {})
        metadata = _metadata(day(number), overrides)
        recorded.append(Recorded(stream, number + 1, event, metadata, position + number))
    return recorded


def candidate(*history: Told) -> Candidate:
    """The candidate after these events."""
    return state.fold(None, log(*history)) or Candidate(id=CANDIDATE)


def open_job(*stages: str, job_id: UUID = JOB, title: str = TITLE) -> Job:
    """An open job with these stages, A, B and C where none are named."""
    return Job(job_id, version=2, title=title, stages=stages or STAGES, is_open=True)


def closed_job(*stages: str, job_id: UUID = JOB) -> Job:
    """The same, closed."""
    return Job(job_id, version=3, title=TITLE, stages=stages or STAGES, closed_at=day(0))


def project(model: ReadModel, batch: Iterable[Recorded]) -> Rows:
    """The rows of a read model after these events, from nothing; every event must fold."""
    folded = fold_batch(model, batch, {}, {})
    assert not folded.parked, folded.parked
    return folded.changed


def rows(model: ReadModel, table: Table, batch: Iterable[Recorded]) -> list[Row]:
    """The rows of one table after these events, by key."""
    some = project(model, batch).get(table, {})
    return [some[key] for key in sorted(some)]


def by(actor: str = ACTOR, **overrides: Any) -> Metadata:
    """The metadata of something that `actor` does now."""
    return _metadata(now(), {"actor": actor, **overrides})


def _metadata(at: datetime, overrides: Mapping[str, Any]) -> Metadata:
    told: dict[str, Any] = {
        "actor": ACTOR,
        "command_id": uuid4(),
        "occurred_at": at,
        "recorded_at": at,
    }
    return Metadata(**(told | dict(overrides)))


# The grammar

_JOB_INTENTS = (OpenJob, ChangeStages, ChangeHiringManagers, CloseJob, ReopenJob)
_Decide = Callable[[UUID, int, Iterable[Any], Metadata], list[Recorded]]


@dataclass(frozen=True)
class Decided:
    """What a decision led to."""

    stream: UUID
    version: int
    metadata: Metadata
    outcome: list[Recorded] | Refusal

    def then(self, *events: Happened, broken: tuple[str, ...] = ()) -> None:
        """Exactly these events follow on the stream, marked with exactly these broken rules."""
        assert isinstance(self.outcome, list), f"refused: {self.outcome!r}"
        happened = [recorded.event for recorded in self.outcome]
        assert happened == list(events), f"\n{happened}\ninstead of\n{list(events)}"
        marks = [recorded.metadata.broken_rules for recorded in self.outcome]
        assert marks == [broken] * len(events), f"marked {marks} instead of {broken}"
        metadata = structs.replace(self.metadata, broken_rules=broken)
        assert self.outcome == [
            Recorded(self.stream, self.version + number, event, metadata)
            for number, event in enumerate(events, 1)
        ]

    def then_refused(self, refusal: type[Refusal], *, containing: str) -> None:
        """This rule refuses it and says this."""
        assert isinstance(self.outcome, Refusal), f"not refused: {self.outcome}"
        assert type(self.outcome) is refusal, repr(self.outcome)
        assert containing in str(self.outcome), str(self.outcome)


@dataclass(frozen=True)
class Given:
    """What is on record before a decision."""

    history: Sequence[Told]
    jobs: Sequence[Job]

    def when(self, intent: Intent, **metadata: Any) -> Decided:
        """A command, which is refused at the first rule that it breaks."""
        return self._decide(refuse_or_record, intent, metadata)

    def when_fact(self, intent: Intent, **metadata: Any) -> Decided:
        """A fact, which is kept whatever rules it breaks."""
        return self._decide(keep_and_mark, intent, metadata)

    def _decide(self, decide: _Decide, intent: Intent, overrides: Mapping[str, Any]) -> Decided:
        stream = JOB if isinstance(intent, _JOB_INTENTS) else CANDIDATE
        metadata = _metadata(NOW, overrides)
        consequences = self._consequences(intent, metadata)
        outcome: list[Recorded] | Refusal
        try:
            outcome = decide(stream, len(self.history), consequences, metadata)
        except Refusal as refusal:
            outcome = refusal
        return Decided(stream, len(self.history), metadata, outcome)

    def _consequences(self, intent: Intent, metadata: Metadata) -> Iterable[Refusal | Happened]:
        if isinstance(intent, _JOB_INTENTS):
            return jobs.consequences(jobs.fold(None, log(*self.history, stream=JOB)), intent)
        known = candidate(*self.history)
        job_id = decisions.concerned_job(known, intent)
        job = next((job for job in self.jobs if job.id == job_id), None)
        return decisions.consequences(Known(known, job, metadata.occurred_at), intent)


def given(*history: Told, jobs: Sequence[Job] | None = None) -> Given:
    """What happened before, and the jobs there are: one that is open unless said otherwise."""
    return Given(history, [open_job()] if jobs is None else jobs)


# Events as they follow from intents that say nothing special

_OF: dict[str, Any] = {"application_id": APPLICATION, "job_id": JOB, "job_title": TITLE}
# Of an application that is not on record.
STRAY = {"application_id": APPLICATION, "job_id": None, "job_title": None}


def sourced(**more: Any) -> e.Sourced:
    return e.Sourced(**({"origin": Origin.SOURCED, "source": "LinkedIn"} | more))


def contacted(message_id: str = "m1", **more: Any) -> e.Contacted:
    return e.Contacted(**({"message_id": message_id, "channel": Channel.EMAIL} | more))


def applied(stage: str | None = "A", **more: Any) -> e.Applied:
    fields = {"stage": stage, "origin": Origin.APPLIED, "source": "Careers page"}
    return e.Applied(**(_OF | fields | more))


def advanced(from_stage: str | None, to_stage: str, **more: Any) -> e.Advanced:
    return e.Advanced(**(_OF | {"from_stage": from_stage, "to_stage": to_stage} | more))


def forward(from_stage: str, to_stage: str, **more: Any) -> e.Advanced:
    return advanced(from_stage, to_stage, direction="forward", **more)


def back(from_stage: str, to_stage: str, **more: Any) -> e.Advanced:
    return advanced(from_stage, to_stage, direction="back", **more)


def offered(offer_version: int = 1, stage: str | None = "A", **more: Any) -> e.Offered:
    return e.Offered(**(_OF | {"offer_version": offer_version, "stage": stage} | more))


def offer_accepted(offer_version: int | None = 1, **more: Any) -> e.OfferAccepted:
    return e.OfferAccepted(**(_OF | {"offer_version": offer_version, "stage": "A"} | more))


def offer_declined(offer_version: int | None = 1, **more: Any) -> e.OfferDeclined:
    return e.OfferDeclined(**(_OF | {"offer_version": offer_version, "stage": "A"} | more))


def hired(stage: str | None = "A", **more: Any) -> e.Hired:
    return e.Hired(**(_OF | {"stage": stage} | more))


def rejected(stage: str | None = "A", **more: Any) -> e.Rejected:
    fields = {"stage": stage, "rejection_type": RejectionType.WE_REJECTED}
    return e.Rejected(**(_OF | fields | more))


def withdrawn(stage: str | None = "A", **more: Any) -> e.Withdrawn:
    return e.Withdrawn(**(_OF | {"stage": stage} | more))


def reinstated(stage: str | None = "A", **more: Any) -> e.Reinstated:
    return e.Reinstated(**(_OF | {"stage": stage} | more))


def pooled(pool: str = "Silver medalists", **more: Any) -> e.ReturnedToPool:
    """Into a pool by the end of the application; see in_pool() for one without."""
    return e.ReturnedToPool(**(_OF | {"pool": pool, "stage": "A"} | more))


def in_pool(pool: str = "Silver medalists") -> e.ReturnedToPool:
    return e.ReturnedToPool(pool=pool)


# Every kind of event


def event_classes() -> list[type[Happened]]:
    """Every class of event of the product, by topic; imports the modules that may hold one."""
    for module in walk_packages(domain.__path__, "domain."):
        if not module.name.startswith("domain.store"):
            import_module(module.name)
    found: dict[str, type[Happened]] = {}
    bases: list[type[Happened]] = [Happened]
    for base in bases:
        bases += base.__subclasses__()
        if "TOPIC" in vars(base) and base.__module__.startswith("domain."):
            found[base.TOPIC] = base
    return [found[topic] for topic in sorted(found)]


def example(event_class: type[Happened], *, full: bool) -> Happened:
    """An event with a value in every field, or only in those that must have one.

    A text is `some <field>`, or `PERSONAL <field>` where it identifies a person.
    """
    values = {
        field.name: _value(
            f"PERSONAL {field.name}"
            if field.name in personal_fields(event_class)
            else f"some {field.name}",
            field.type,
        )
        for field in structs.fields(event_class)
        if full or field.required
    }
    return event_class(**values)


def _value(text: str, kind: Any) -> Any:
    arguments = [some for some in get_args(kind) if some is not NoneType]
    if get_origin(kind) in (Union, UnionType, Annotated):
        return _value(text, arguments[0])
    if get_origin(kind) is Literal:
        return arguments[0]
    if get_origin(kind) is tuple:
        return tuple(_value(f"{text} {number}", arguments[0]) for number in (1, 2))
    if issubclass(kind, Enum):
        return next(iter(kind))
    return {UUID: APPLICATION, int: 3, datetime: day(5)}.get(kind, text)
