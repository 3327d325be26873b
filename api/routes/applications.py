"""Applications: search the pipeline and see an application's visits to stages."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow
from pydantic import Field

from api.access.rights import EVERYBODY, open_to
from api.deps import ChosenDep
from api.door.route import Route
from api.examples.answers import APPLICATION_HISTORY, APPLICATION_LIST
from api.freshness import reflects
from api.names import with_names
from api.openapi import answers
from api.paging import Page, PageDep, bigint, moment
from api.problem_documents import problems
from api.reading import SAYS_WHY, SAYS_WHY_OF_ONE, Reader, View, reader_of
from api.readings import What
from api.views import (
    Application,
    Job,
    Relationship,
    StageVisit,
    jobs_by_id,
    relationships_by_id,
)
from domain import errors
from domain.given import Label
from domain.values import ApplicationStatus, now
from projections.ats_pipeline import queries

router = APIRouter(
    prefix="/v1/applications",
    tags=["Applications"],
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
    route_class=Route,
)

Days = Annotated[float | None, Query(ge=0, le=36_500, allow_inf_nan=False)]


class ExpandedApplication(Application):
    """An application with what `expand` asked for."""

    job: Job | None = Field(default=None, description="With `expand=job`.")
    candidate: Relationship | None = Field(
        default=None, description="With `expand=candidate`: the relationship with this person."
    )
    visits: list[StageVisit] = Field(
        default=[], description="With `expand=visits`: all its stays in stages, in order."
    )


class ApplicationHistory(ExpandedApplication):
    """An application with all its visits to stages, in order."""

    visits: list[StageVisit]


@router.get(
    "",
    response_model=Page[ExpandedApplication],
    summary="Search applications",
    responses=answers(APPLICATION_LIST) | problems(paged=True),
    openapi_extra=SAYS_WHY_OF_ONE,
)
def list_applications(  # noqa: PLR0913  # one parameter for each filter
    *,
    reader: Annotated[Reader, reader_of(ExpandedApplication, "job", "candidate", "visits")],
    page: PageDep,
    chosen: ChosenDep,
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
) -> Response:
    """The newest first; with `updated_after` in the order of their updates."""
    now_ = now()
    order: tuple[str, ...]
    if chosen.updated_after:
        place, order = page.places(seen_at=moment, seen=UUID), ("updated_at", "application_id")
    else:
        place, order = page.places(before=bigint), ("first_position",)
    with reader.system.pool.connection() as connection:
        rows = queries.applications(
            connection,
            now_,
            page.limit + 1,
            ids=chosen.ids,
            updated_after=chosen.updated_after,
            job=job,
            candidate=candidate,
            stage=stage,
            status=status,
            source=source,
            hiring_manager=reader.hiring_manager,
            entered_before=_days_before(now_, min_days_in_stage),
            entered_after=_days_before(now_, max_days_in_stage),
            **place,
        )
        shown = _shown(reader, connection, rows[: page.limit], now_, reader.view)
    if candidate:
        reader.note_on_thread(candidate, What.STATE)
    elif shown:
        reader.note_list()
    return reader.told(page.page(rows, shown, *order), "items")


@router.get(
    "/{application_id}",
    response_model=ApplicationHistory,
    summary="Read an application with its visits to stages",
    responses=answers(APPLICATION_HISTORY) | problems(errors.ApplicationNotFound),
    openapi_extra=SAYS_WHY,
)
def read_application(
    application_id: UUID,
    reader: Annotated[Reader, reader_of(ApplicationHistory, "job", "candidate")],
) -> Response:
    """Exact entry and exit times, through moves back, re-entries and re-openings."""
    moment = now()
    with reader.system.pool.connection() as connection:
        rows = queries.applications(
            connection,
            moment,
            1,
            application=application_id,
            hiring_manager=reader.hiring_manager,
        )
        if not rows:
            raise errors.ApplicationNotFound(
                f"application {application_id} is not in the pipeline; was it made just now?"
            )
        whole = View(reader.view.left_out, reader.view.expand | {"visits"})
        (shown,) = _shown(reader, connection, rows, moment, whole)
    reader.note_on_thread(shown.candidate_id, What.STATE)
    return reader.told(shown)


def _shown(
    reader: Reader,
    connection: psycopg.Connection,
    rows: Sequence[DictRow],
    moment: datetime,
    view: View,
) -> list[ExpandedApplication]:
    """Each with what the view expands, by one query more for all of them."""
    shown = [
        ExpandedApplication.model_validate(row)
        for row in with_names(reader.system, rows, personal=reader.personal)
    ]
    if "job" in view.expand:
        jobs = jobs_by_id(connection, [each.job_id for each in shown if each.job_id])
        for each in shown:
            each.job = jobs.get(each.job_id) if each.job_id else None
    if "candidate" in view.expand:
        people = relationships_by_id(
            reader, connection, [each.candidate_id for each in shown], moment
        )
        for each in shown:
            each.candidate = people.get(each.candidate_id)
    if "visits" in view.expand:
        visits = defaultdict[UUID, list[StageVisit]](list)
        for row in queries.visits(connection, [each.application_id for each in shown], moment):
            visits[row["application_id"]].append(StageVisit.model_validate(row))
        for each in shown:
            each.visits = visits[each.application_id]
    return shown


def _days_before(moment: datetime, days: float | None) -> datetime | None:
    return None if days is None else moment - timedelta(days=days)
