"""What the read models show, on the wire: jobs, applications with their visits, relationships."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.access.rights import READS_RELATIONSHIPS
from api.errors import NotPermitted
from api.names import with_names
from api.reading import Reader, Selectable
from domain.values import Moment
from projections.ats_pipeline import queries as pipeline
from projections.crm_engagement import queries as engagement
from projections.crm_engagement import warmth

MOST_APPLICATIONS = 10_000  # of the candidates of one page, which has 200 at the most

UPDATED_AT = Field(description="When the last change of it was recorded, UTC.")


class Job(Selectable):
    """A job as the pipeline shows it."""

    IDENTIFIED_BY: ClassVar[str] = "id"

    id: UUID
    title: str = Field(examples=["Backend Engineer"])
    department: str | None
    location: str | None
    openings: int
    stages: list[str]
    status: str = Field(examples=["open"])
    opened_at: Moment | None
    closed_at: Moment | None
    hiring_managers: list[str] = Field(examples=[["hiring-manager:kim"]])
    updated_at: Moment = UPDATED_AT

    @classmethod
    def of(cls, row: DictRow) -> "Job":
        """The job as it goes over the wire."""
        return cls.model_validate({**row, "id": row["job_id"]})


class StageVisit(BaseModel):
    """One stay in a stage; `exited_to` is the next stage or how the application ended."""

    visit: int
    stage: str | None
    entered_at: Moment | None
    entered_by: str | None
    exited_at: Moment | None
    exited_by: str | None
    exited_to: str | None
    seconds: int | None


class Relationship(Selectable):
    """A candidate as a relationship."""

    IDENTIFIED_BY: ClassVar[str] = "candidate_id"

    candidate_id: UUID
    name: str | None
    status: str = Field(examples=["prospect"], description="prospect, applicant or hired")
    origin: str | None
    source: str | None
    pools: list[str]
    warmth: float = Field(
        examples=[12.4],
        description="Points for what the person did, halved every 30 days: an open 1, a consent "
        "3, a click 4, a reply 10, an application 12, an accepted offer 15.",
    )
    trend: str = Field(
        examples=["warming"],
        description="warming when more of it than usual is recent, else steady, cooling or cold",
    )
    touches: int
    messages: int
    opens: int
    clicks: int
    replies: int
    applications: int
    active_applications: int
    hires: int
    consent_outreach: bool | None
    consent_retention: bool | None
    unsubscribed: list[str]
    first_touch_at: Moment | None
    last_touch_at: Moment | None
    last_engagement_at: Moment | None
    updated_at: Moment = UPDATED_AT


class Application(Selectable):
    """An application as the pipeline shows it."""

    IDENTIFIED_BY: ClassVar[str] = "application_id"

    application_id: UUID
    candidate_id: UUID
    candidate_name: str | None
    job_id: UUID | None
    job_title: str | None
    status: str = Field(examples=["active"])
    stage: str | None = Field(examples=["Phone screen"])
    stage_visit: int
    stage_entered_at: Moment | None
    stage_entered_by: str | None
    seconds_in_stage: int | None = Field(description="Stops when the application ends.")
    origin: str | None
    source: str | None
    applied_at: Moment | None
    ended_at: Moment | None
    end_reason: str | None
    rejection_type: str | None
    offers: int
    offer_status: str | None
    broken_rules: int = Field(description="How many of its facts broke a rule.")
    last_event_at: Moment
    updated_at: Moment = UPDATED_AT


def applications(reader: Reader, rows: Sequence[DictRow]) -> list[Application]:
    """Rows of the pipeline's applications as they go over the wire."""
    shown = with_names(reader.system, rows, personal=reader.personal)
    return [Application.model_validate(row) for row in shown]


def relationships(reader: Reader, rows: Sequence[DictRow], moment: datetime) -> list[Relationship]:
    """Rows of the engagement's candidates as they go over the wire, with their warmth then."""
    return [
        Relationship.model_validate(
            {
                **row,
                "warmth": round(warmth.at(row["warmth_log2"], moment), 2),
                "trend": warmth.trend(row["warmth_log2"], row["recent_warmth_log2"], moment),
            }
        )
        for row in with_names(reader.system, rows, "name", personal=reader.personal)
    ]


def jobs_by_id(connection: psycopg.Connection, ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Those of these jobs that the pipeline knows, by one query."""
    wanted = list(set(ids))
    rows = pipeline.jobs(connection, len(wanted), ids=wanted)
    return {row["job_id"]: Job.of(row) for row in rows}


def relationships_by_id(
    reader: Reader, connection: psycopg.Connection, ids: Iterable[UUID], moment: datetime
) -> dict[UUID, Relationship]:
    """Those of these candidates that the engagement knows, by one query.

    Raises NotPermitted for whom the engagement itself is closed.
    """
    if reader.principal.role not in READS_RELATIONSHIPS:
        raise NotPermitted(
            f"{reader.principal.id} has the role {reader.principal.role}, for which relationships "
            "are closed; expand less"
        )
    wanted = list(set(ids))
    rows = engagement.candidates(connection, len(wanted), ids=wanted)
    shown = relationships(reader, rows, moment)
    return {each.candidate_id: each for each in shown}


def applications_by_candidate(
    reader: Reader, connection: psycopg.Connection, ids: Iterable[UUID], moment: datetime
) -> dict[UUID, list[Application]]:
    """The applications of these candidates, of each the newest first, by one query."""
    found: dict[UUID, list[Application]] = {each: [] for each in ids}
    rows = pipeline.applications(connection, moment, MOST_APPLICATIONS, candidates=list(found))
    for each in applications(reader, rows):
        found[each.candidate_id].append(each)
    return found
