"""The rows of the pipeline: jobs, applications, their visits to stages, and names."""

from datetime import datetime
from uuid import UUID

from projections.runtime.contract import Row, Table


class Job(Row):
    """A job with its stages in order."""

    job_id: UUID
    title: str
    department: str | None
    location: str | None
    openings: int
    stages: list[str]
    status: str
    opened_at: datetime | None
    closed_at: datetime | None
    hiring_managers: list[str]
    updated_at: datetime
    first_position: int


class Application(Row):
    """An application as it stands, with the visit to a stage that is its last."""

    candidate_id: UUID
    application_id: UUID
    job_id: UUID | None
    job_title: str | None
    status: str
    stage: str | None
    stage_visit: int
    stage_entered_at: datetime | None
    stage_entered_by: str | None
    origin: str | None
    source: str | None
    applied_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    rejection_type: str | None
    offers: int
    offer_status: str | None
    broken_rules: int
    last_event_at: datetime
    updated_at: datetime
    first_position: int
    last_position: int


class StageVisit(Row):
    """One stay of an application in a stage; `exited_to` is the next stage or how it ended."""

    application_id: UUID
    visit: int
    candidate_id: UUID
    job_id: UUID | None
    stage: str | None
    entered_at: datetime | None
    entered_by: str | None
    exited_at: datetime | None
    exited_by: str | None
    exited_to: str | None


class Person(Row):
    """A candidate's name, sealed as it is in the event."""

    candidate_id: UUID
    name: str | None


JOBS = Table("jobs", Job)
APPLICATIONS = Table("applications", Application, key_columns=2)
STAGE_VISITS = Table("stage_visits", StageVisit, key_columns=2)
PEOPLE = Table("people", Person)
