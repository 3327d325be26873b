"""Jobs: open and change them, and see their boards."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field

from api.access.rights import EVERYBODY, RECRUITS, open_to
from api.clocks import Running
from api.deps import CallerDep, ChangerDep, ChosenDep, SystemDep
from api.door.conditional import weak_tag
from api.door.route import Route
from api.examples import JOB_CHANGES, JOBS
from api.examples.answers import BOARD, JOB_CHANGED, JOB_LIST, JOB_OPENED, JOB_STATE
from api.freshness import reflects
from api.names import with_names
from api.openapi import VERSION_HEADER, answers, records
from api.paging import Page, PageDep, bigint, moment
from api.problem_documents import problems
from api.reading import Reader, Selectable, reader_of, written
from api.remembered import Told
from api.schemas import Recording, answer
from api.versions import tag_of
from api.views import Job
from domain import errors
from domain.job import JobChange, OpenJob
from domain.values import Moment, now
from projections.ats_pipeline import queries

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"], route_class=Route)


class BoardCard(Selectable):
    """An active application in a stage, and for how long it has been there."""

    IDENTIFIED_BY: ClassVar[str] = "application_id"

    application_id: UUID
    candidate_id: UUID
    candidate_name: str | None
    stage_entered_at: Moment | None
    stage_entered_by: str | None
    seconds_in_stage: int | None = Field(examples=[172_800])
    stage_visit: int = Field(description="How many stages it has entered, this one included.")
    source: str | None
    origin: str | None
    applied_at: Moment | None
    offer_status: str | None


class BoardStage(BaseModel):
    """One stage: how many are in it, and the longest-waiting of them."""

    stage: str
    count: int
    applications: list[BoardCard]


class Board(BaseModel):
    """A job's pipeline by stage."""

    job: Job
    active: int = Field(description="Active applications in all stages.")
    by_status: dict[str, int] = Field(examples=[{"active": 42, "rejected": 180, "hired": 2}])
    stages: list[BoardStage]


@router.post(
    "",
    dependencies=[open_to(*RECRUITS)],
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Open a job",
    responses=records(JOB_OPENED)
    | problems(
        errors.AlreadyOnRecord,
        errors.KeyUsedBefore,
        errors.OccurredInFuture,
        takes_body=True,
    ),
)
def open_job(
    intent: Annotated[OpenJob, Body(openapi_examples=JOBS)],
    system: SystemDep,
    caller: CallerDep,
) -> Response:
    """Opens a job with its stages in the order in which an application passes them. The answer's
    `id` is the job's.
    """
    job_id = caller.new_id("job")
    metadata = caller.metadata(job_id, intent)
    return answer("jobs", system.recruiting.record_job(job_id, intent, metadata))


@router.post(
    "/{job_id}/interactions",
    dependencies=[open_to(*RECRUITS)],
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Change, close or re-open a job",
    responses=records(JOB_CHANGED)
    | problems(
        errors.JobNotFound,
        errors.KeyUsedBefore,
        errors.JobAlreadyClosed,
        errors.JobAlreadyOpen,
        errors.StagesUnchanged,
        errors.HiringManagersUnchanged,
        errors.ConcurrentChange,
        errors.VersionMismatch,
        errors.OccurredInFuture,
        takes_body=True,
    ),
)
def change_job(
    job_id: UUID,
    intent: Annotated[JobChange, Body(openapi_examples=JOB_CHANGES)],
    system: SystemDep,
    caller: ChangerDep,
) -> Response:
    """The body's `type` says what happens: `stages-changed`, `hiring-managers-changed`, `closed` or
    `reopened`. Applications in a stage that is taken away stay there until someone moves them.
    """
    metadata = caller.metadata(job_id, intent)
    outcome = system.recruiting.record_job(job_id, intent, metadata, expected=caller.expected)
    return answer("jobs", outcome)


@router.get(
    "",
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
    response_model=Page[Job],
    summary="List jobs",
    responses=answers(JOB_LIST) | problems(paged=True),
)
def list_jobs(
    *,
    reader: Annotated[Reader, reader_of(Job)],
    page: PageDep,
    chosen: ChosenDep,
    status: Annotated[
        Literal["open", "closed"] | None, Query(description="Only jobs of this status.")
    ] = None,
) -> Response:
    """The newest first; with `updated_after` in the order of their updates."""
    order: tuple[str, ...]
    if chosen.updated_after:
        place, order = page.places(seen_at=moment, seen=UUID), ("updated_at", "job_id")
    else:
        place, order = page.places(before=bigint), ("first_position",)
    with reader.system.pool.connection() as connection:
        rows = queries.jobs(
            connection,
            page.limit + 1,
            ids=chosen.ids,
            updated_after=chosen.updated_after,
            status=status,
            hiring_manager=reader.hiring_manager,
            **place,
        )
    return reader.told(page.page(rows, [Job.of(row) for row in rows], *order), "items")


@router.get(
    "/{job_id}",
    dependencies=[open_to(*EVERYBODY)],
    response_model=Job,
    summary="Read a job",
    responses=answers(JOB_STATE, headers=VERSION_HEADER) | problems(errors.JobNotFound),
)
async def read_job(
    job_id: UUID,
    reader: Annotated[Reader, reader_of(Job)],
) -> Response:
    """Folded from the job's own events, so it always reflects the last write. The `ETag` is its
    version, to insist on with `If-Match`.
    """
    head = await reader.head(job_id)
    if head is None or not head.topic.startswith("job."):
        raise errors.JobNotFound(f"job {job_id} was never opened")
    if reader.hiring_manager is None and reader.has(tag_of(head.version)):
        return reader.answered(b"")

    def make() -> Told:
        job = reader.system.recruiting.job(job_id)
        if reader.hiring_manager and reader.hiring_manager not in job.hiring_managers:
            raise errors.JobNotFound(f"job {job_id} was never opened")
        shown = Job(
            id=job.id,
            title=job.title,
            department=job.department,
            location=job.location,
            openings=job.openings,
            stages=list(job.stages),
            status="open" if job.is_open else "closed",
            opened_at=job.opened_at,
            closed_at=job.closed_at,
            hiring_managers=list(job.hiring_managers),
            updated_at=job.updated_at,
        )
        return Told(written(shown, reader.view), tag_of(job.version))

    return await reader.remembered(("job", job_id), head, make)


@router.get(
    "/{job_id}/board",
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
    response_model=Board,
    summary="See a job's pipeline",
    responses=answers(BOARD) | problems(errors.JobNotFound),
)
async def read_board(
    job_id: UUID,
    reader: Annotated[Reader, reader_of(BoardCard)],
    per_stage: Annotated[
        int, Query(ge=0, le=200, description="How many applications to show of each stage.")
    ] = 25,
) -> Response:
    """Active applications by stage with counts, the longest-waiting first, and how long each has
    been there. For all of a stage, ask `/v1/applications?job=…&stage=…&status=active`. `fields` is
    for the applications in it.
    """
    moment = now().replace(microsecond=0)
    stamp = await reader.stamp("ats_pipeline")

    def make() -> Told:
        board = _board(reader, job_id, moment, per_stage)
        body = written(board, reader.view, "stages", "applications")
        return Told(body, weak_tag(body), Running(body, moment))

    told = await reader.remembered(("board", job_id, per_stage), stamp, make, moment)
    if per_stage:
        reader.note_list()
    return told


def _board(reader: Reader, job_id: UUID, moment: datetime, per_stage: int) -> Board:
    with reader.system.pool.connection() as connection:
        board = queries.board(connection, job_id, moment, per_stage, reader.hiring_manager)
    if board is None:
        raise errors.JobNotFound(f"job {job_id} is not in the pipeline; was it opened just now?")
    cards: dict[str, list[BoardCard]] = {}
    for card in with_names(reader.system, board.cards, personal=reader.personal):
        cards.setdefault(card["stage"], []).append(BoardCard.model_validate(card))
    return Board(
        job=Job.of(board.job),
        active=sum(board.counts.values()),
        by_status=board.statuses,
        stages=[
            BoardStage(stage=stage, count=count, applications=cards.get(stage, []))
            for stage, count in board.counts.items()
        ],
    )
