"""A job and its stages: what is known after its events, and what may happen next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator

from domain import errors
from domain.candidate.intents import Intent
from domain.given import Label
from domain.job_events import (
    HiringManagersChanged,
    JobClosed,
    JobEvent,
    JobOpened,
    JobReopened,
    StagesChanged,
    StagesDefined,
)
from domain.recorded import Recorded

# State


@dataclass(slots=True)
class Job:
    """A job as its events tell it."""

    id: UUID
    version: int = 0
    title: str = ""
    department: str | None = None
    location: str | None = None
    openings: int = 1
    stages: tuple[str, ...] = ()
    is_open: bool = False
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    hiring_managers: tuple[str, ...] = ()
    updated_at: datetime | None = None  # when the last event was recorded


def fold(job: Job | None, history: Iterable[Recorded]) -> Job | None:
    """The job after `history`, in stream order; None where it is no job's."""
    for recorded in history:
        if isinstance(recorded.event, JobEvent):
            job = evolve(job, recorded)
    return job


def evolve(job: Job | None, recorded: Recorded) -> Job:
    """The job after one more event; the given object is changed and returned."""
    job = job or Job(id=recorded.originator_id)
    job.version = recorded.originator_version
    when, recorded_at = recorded.metadata.occurred_at, recorded.metadata.recorded_at
    job.updated_at = max(job.updated_at or recorded_at, recorded_at)
    match recorded.event:
        case JobOpened() as event:
            job.title, job.department = event.title, event.department
            job.location, job.openings = event.location, event.openings
            job.is_open, job.opened_at, job.closed_at = True, when, None
            job.hiring_managers = event.hiring_managers or ()
        case StagesDefined() as event:
            job.stages = event.stages
        case StagesChanged() as event:
            job.stages = event.to_stages
        case HiringManagersChanged() as event:
            job.hiring_managers = event.to_hiring_managers
        case JobClosed():
            job.is_open, job.closed_at = False, when
        case JobReopened():
            job.is_open, job.closed_at = True, None
    return job


# Intents and decisions

EACH_ONCE = {"uniqueItems": True}
Stages = Annotated[
    tuple[Label, ...], Field(min_length=1, max_length=50, json_schema_extra=EACH_ONCE)
]
HiringManagers = Annotated[tuple[Label, ...], Field(max_length=50, json_schema_extra=EACH_ONCE)]
DEFAULT_STAGES = ("Application review", "Phone screen", "Interview", "Final interview", "Offer")


class _WithStages(Intent):
    stages: Stages

    @field_validator("stages")
    @classmethod
    def _each_once(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(stages, "a stage")


def _each_once(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError(f"names {what} twice")
    return names


class _WithHiringManagers(Intent):
    hiring_managers: HiringManagers

    @field_validator("hiring_managers")
    @classmethod
    def _hiring_managers_each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(names, "a hiring manager")


class OpenJob(_WithStages, _WithHiringManagers):
    """Open a job with its stages, in order."""

    type: Literal["opened"] = "opened"
    title: Label
    department: Label | None = None
    location: Label | None = None
    openings: Annotated[int, Field(ge=1, le=10_000)] = 1
    stages: Stages = DEFAULT_STAGES
    hiring_managers: HiringManagers = ()


class ChangeStages(_WithStages):
    """Give the job another list of stages."""

    type: Literal["stages-changed"] = "stages-changed"


class ChangeHiringManagers(_WithHiringManagers):
    """Say anew whose job it is, as their keys name them, such as `hiring-manager:kim`."""

    type: Literal["hiring-managers-changed"] = "hiring-managers-changed"


class CloseJob(Intent):
    """Close the job."""

    type: Literal["closed"] = "closed"


class ReopenJob(Intent):
    """Open a closed job again."""

    type: Literal["reopened"] = "reopened"


JobChange = Annotated[
    ChangeStages | ChangeHiringManagers | CloseJob | ReopenJob, Field(discriminator="type")
]


def consequences(job: Job | None, intent: Intent) -> Iterator[errors.Refusal | JobEvent]:
    """Every rule that `intent` breaks, then what happens."""
    if isinstance(intent, OpenJob):
        if job is not None:
            yield errors.AlreadyOnRecord(f"job {job.id} is on record already; open another one")
        yield JobOpened(
            title=intent.title,
            department=intent.department,
            location=intent.location,
            openings=intent.openings,
            hiring_managers=intent.hiring_managers or None,
        )
        yield StagesDefined(stages=intent.stages)
        return
    if job is None:
        yield errors.JobNotFound("this job was never opened; open it first")
        job = Job(id=UUID(int=0))
    match intent:
        case ChangeStages():
            if intent.stages == job.stages:
                yield errors.StagesUnchanged(
                    f"job {job.title!r} has exactly these stages; send other ones"
                )
            yield StagesChanged(from_stages=job.stages, to_stages=intent.stages)
        case ChangeHiringManagers():
            if intent.hiring_managers == job.hiring_managers:
                yield errors.HiringManagersUnchanged(
                    f"job {job.title!r} has exactly these hiring managers; send other ones"
                )
            yield HiringManagersChanged(
                from_hiring_managers=job.hiring_managers, to_hiring_managers=intent.hiring_managers
            )
        case CloseJob():
            if job.version and not job.is_open:
                yield errors.JobAlreadyClosed(
                    f"job {job.title!r} is closed already; re-open it to go on"
                )
            yield JobClosed()
        case ReopenJob():
            if job.is_open:
                yield errors.JobAlreadyOpen(
                    f"job {job.title!r} is open already; close it to stop applications"
                )
            yield JobReopened()
