"""Parked events: what a read model could not fold, and what to do about it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api import upkeep
from api.access.rights import OPERATES, open_to
from api.deps import SenderDep, SystemDep
from api.door.route import Route
from api.examples.rebuilds import DRAINED, PARKED_LIST
from api.openapi import answers
from api.paging import Page, PageDep, bigint
from api.problem_documents import problems
from api.routes.rebuilds import Name, metadata_of
from api.upkeep import Retried
from domain.given import Label
from domain.values import Moment
from projections import read_model
from projections.runtime import parking
from projections.runtime.outside import NoReadModel
from projections.runtime.parking import NotParked

router = APIRouter(
    prefix="/v1/projections",
    tags=["Projections"],
    dependencies=[open_to(*OPERATES)],
    route_class=Route,
)


class Parked(BaseModel):
    """An event that a live read model could not fold, or that waits behind such a one."""

    model: str
    position: int
    stream: UUID = Field(description="The candidate or the job.")
    topic: str
    error: str
    parked_at: Moment


class Retry(BaseModel):
    """What to try again, and why."""

    model_config = {"extra": "forbid"}

    stream: UUID | None = Field(default=None, description="Only what is parked of this one.")
    reason: Label | None = None


class Skip(BaseModel):
    """Why the event is left out."""

    model_config = {"extra": "forbid"}

    reason: Label = Field(examples=["Written by hand in a restore test"])


class Drained(BaseModel):
    """How many events were let in, how many still wait, and why the first of these does."""

    let_in: int
    left: int
    first: Parked | None


@router.get(
    "/parked",
    summary="List parked events",
    responses=answers(PARKED_LIST) | problems(NoReadModel, paged=True),
)
def list_parked(
    system: SystemDep,
    page: PageDep,
    model: Annotated[str | None, Query(max_length=63, description="Only of this one.")] = None,
) -> Page[Parked]:
    """By read model and position; a stream waits behind its first."""
    if model:
        read_model(model)
    after_model, after = page.key(str, bigint)
    with system.pool.connection() as connection:
        waiting = parking.parked(connection, model, page.limit + 1, (after_model or "", after or 0))
    rows = [vars(each) for each in waiting]
    return page.page(rows, [Parked.model_validate(row) for row in rows], "model", "position")


@router.post(
    "/{model}/parked/retry",
    summary="Give parked events another try",
    responses=answers(DRAINED) | problems(NoReadModel, NotParked, takes_body=True),
)
def retry_parked(model: Name, given: Retry, system: SystemDep, caller: SenderDep) -> Drained:
    """Each stream in its order, as far as it goes. That it was tried stands on record, each time:
    an Idempotency-Key is not taken.
    """
    metadata = metadata_of(caller, given.reason)
    return _shown(upkeep.retry(system, read_model(model), given.stream, metadata))


@router.post(
    "/{model}/parked/{position}/skip",
    summary="Leave a parked event out",
    responses=answers(DRAINED) | problems(NoReadModel, NotParked, takes_body=True),
)
def skip_parked(
    model: Name,
    position: Annotated[int, Path(ge=1, lt=2**63)],
    given: Skip,
    system: SystemDep,
    caller: SenderDep,
) -> Drained:
    """For good, from this version of the read model, also when it is rebuilt; what waits behind it
    is let in. Who skipped it and why stands on record. Asked for again it is refused
    (`not-parked`); an Idempotency-Key is not taken.
    """
    metadata = metadata_of(caller, given.reason)
    retried = upkeep.skip(system, read_model(model), position, metadata)
    return _shown(retried) if retried else Drained(let_in=0, left=0, first=None)


def _shown(retried: Retried) -> Drained:
    return Drained(
        let_in=retried.drained.let_in,
        left=retried.drained.left,
        first=Parked.model_validate(vars(retried.first)) if retried.first else None,
    )
