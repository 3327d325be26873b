"""Applications: search the pipeline and see an application's visits to stages."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.access.rights import EVERYBODY, open_to
from api.deps import Page, PageDep, SystemDep, bigint
from api.errors import problems
from api.examples.answers import APPLICATION_HISTORY, APPLICATION_LIST
from api.freshness import reflects
from api.names import with_names
from api.openapi import answers
from domain import errors
from domain.candidate.intents import Label
from domain.values import ApplicationStatus, Moment, now
from projections.ats_pipeline import queries

router = APIRouter(
    prefix="/v1/applications",
    tags=["Applications"],
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
)

Days = Annotated[float | None, Query(ge=0, le=36_500, allow_inf_nan=False)]


class Application(BaseModel):
    """An application as the pipeline shows it."""

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


class ApplicationHistory(Application):
    """An application with all its visits to stages, in order."""

    visits: list[StageVisit]


@router.get(
    "", summary="Search applications", responses=answers(APPLICATION_LIST) | problems(paged=True)
)
def list_applications(  # noqa: PLR0913  # one parameter for each filter
    *,
    system: SystemDep,
    page: PageDep,
    job: Annotated[UUID | None, Query(description="Only of this job.")] = None,
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None,
    stage: Annotated[Label | None, Query(description="Only in this stage.")] = None,
    status: Annotated[ApplicationStatus | None, Query(description="Only of this status.")] = None,
    source: Annotated[Label | None, Query(description="Only from this source.")] = None,
    min_days_in_stage: Annotated[
        Days, Query(description="Only active ones that are in their stage for so long or longer.")
    ] = None,
    max_days_in_stage: Annotated[
        Days, Query(description="Only active ones that are in their stage for so long or less.")
    ] = None,
) -> Page[Application]:
    """The newest first."""
    moment = now()
    (before,) = page.key(bigint)
    with system.pool.connection() as connection:
        rows = queries.applications(
            connection,
            moment,
            page.limit + 1,
            job=job,
            candidate=candidate,
            stage=stage,
            status=status,
            source=source,
            entered_before=_days_before(moment, min_days_in_stage),
            entered_after=_days_before(moment, max_days_in_stage),
            before=before,
        )
    return page.page(rows, _shown(system, rows), "first_position")


@router.get(
    "/{application_id}",
    summary="Read an application with its visits to stages",
    responses=answers(APPLICATION_HISTORY) | problems(errors.ApplicationNotFound),
)
def read_application(application_id: UUID, system: SystemDep) -> ApplicationHistory:
    """Exact entry and exit times, through moves back, re-entries and re-openings."""
    moment = now()
    with system.pool.connection() as connection:
        rows = queries.applications(connection, moment, 1, application=application_id)
        visits = queries.visits(connection, application_id, moment)
    if not rows:
        raise errors.ApplicationNotFound(
            f"application {application_id} is not in the pipeline; was it made just now?"
        )
    return ApplicationHistory(
        **vars(_shown(system, rows)[0]),
        visits=[StageVisit.model_validate(visit) for visit in visits],
    )


def _shown(system: SystemDep, rows: list[DictRow]) -> list[Application]:
    return [Application.model_validate(row) for row in with_names(system, rows)]


def _days_before(moment: datetime, days: float | None) -> datetime | None:
    return None if days is None else moment - timedelta(days=days)
