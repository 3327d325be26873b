"""Jobs: open and change them, and see their boards."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.access.rights import EVERYBODY, RECRUITS, open_to
from api.deps import CallerDep, ChangerDep, Page, PageDep, SystemDep, bigint
from api.errors import problems
from api.examples import JOB_CHANGES, JOBS
from api.examples.answers import BOARD, JOB_CHANGED, JOB_LIST, JOB_OPENED, JOB_STATE
from api.freshness import reflects
from api.names import with_names
from api.openapi import VERSION_HEADER, answers, records
from api.schemas import Recording, answer
from api.versions import tag
from domain import errors
from domain.job import JobChange, OpenJob
from domain.values import Moment, now
from projections.ats_pipeline import queries

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])


class Job(BaseModel):
    """A job as the pipeline shows it."""

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

    @classmethod
    def of(cls, row: DictRow) -> "Job":
        """The job as it goes over the wire."""
        return cls.model_validate({**row, "id": row["job_id"]})


class BoardCard(BaseModel):
    """An active application in a stage, and for how long it has been there."""

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
    response: Response,
) -> Recording:
    """Opens a job with its stages in the order in which an application passes them. The answer's
    `id` is the job's.
    """
    job_id = caller.new_id("job")
    metadata = caller.metadata(job_id, intent)
    return answer(response, "jobs", system.recruiting.record_job(job_id, intent, metadata))


@router.post(
    "/{job_id}/interactions",
    dependencies=[open_to(*RECRUITS)],
    status_code=201,
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
    response: Response,
) -> Recording:
    """The body's `type` says what happens: `stages-changed`, `hiring-managers-changed`, `closed` or
    `reopened`. Applications in a stage that is taken away stay there until someone moves them.
    """
    metadata = caller.metadata(job_id, intent)
    outcome = system.recruiting.record_job(job_id, intent, metadata, expected=caller.expected)
    return answer(response, "jobs", outcome)


@router.get(
    "",
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
    summary="List jobs",
    responses=answers(JOB_LIST) | problems(paged=True),
)
def list_jobs(
    system: SystemDep,
    page: PageDep,
    status: Annotated[
        Literal["open", "closed"] | None, Query(description="Only jobs of this status.")
    ] = None,
) -> Page[Job]:
    """The newest first."""
    (before,) = page.key(bigint)
    with system.pool.connection() as connection:
        rows = queries.jobs(connection, page.limit + 1, status=status, before=before)
    return page.page(rows, [Job.of(row) for row in rows], "first_position")


@router.get(
    "/{job_id}",
    dependencies=[open_to(*EVERYBODY)],
    summary="Read a job",
    responses=answers(JOB_STATE, headers=VERSION_HEADER) | problems(errors.JobNotFound),
)
def read_job(job_id: UUID, system: SystemDep, response: Response) -> Job:
    """Folded from the job's own events, so it always reflects the last write. The `ETag` is its
    version, to insist on with `If-Match`.
    """
    job = system.recruiting.job(job_id)
    tag(response, job.version)
    return Job(
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
    )


@router.get(
    "/{job_id}/board",
    dependencies=[open_to(*EVERYBODY), reflects("ats_pipeline")],
    summary="See a job's pipeline",
    responses=answers(BOARD) | problems(errors.JobNotFound),
)
def read_board(
    job_id: UUID,
    system: SystemDep,
    per_stage: Annotated[
        int, Query(ge=0, le=200, description="How many applications to show of each stage.")
    ] = 25,
) -> Board:
    """Active applications by stage with counts, the longest-waiting first, and how long each has
    been there. For all of a stage, ask `/v1/applications?job=…&stage=…&status=active`.
    """
    with system.pool.connection() as connection:
        board = queries.board(connection, job_id, now(), per_stage)
    if board is None:
        raise errors.JobNotFound(f"job {job_id} is not in the pipeline; was it opened just now?")
    cards: dict[str, list[BoardCard]] = {}
    for card in with_names(system, board.cards):
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
