"""Readings: who read whose record, when and why."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, TypeAdapter

from api import readings
from api.access.rights import OVERSEES, open_to
from api.deps import SystemDep
from api.door.route import Route
from api.examples.officers import READINGS
from api.openapi import answers
from api.paging import Page, PageDep, bigint
from api.problem_documents import problems
from domain.given import GivenMoment, Label
from domain.values import Moment

router = APIRouter(
    prefix="/v1/audit/readings",
    tags=["Audit"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)

_MOMENT: TypeAdapter[datetime] = TypeAdapter(GivenMoment)


class Reading(BaseModel):
    """Somebody read something of a candidate, or (without candidate) of everybody."""

    read_at: Moment
    candidate_id: UUID | None
    reader: str = Field(examples=["compliance:kim"])
    role: str = Field(examples=["compliance"])
    what: str = Field(examples=["history"])
    through: str = Field(examples=["api"])
    why: str | None = Field(examples=["Request for access of 2026-05-04"])


@router.get(
    "",
    summary="Search who read whose record",
    responses=answers(READINGS) | problems(paged=True),
)
def list_readings(  # noqa: PLR0913  # one parameter for each filter
    *,
    system: SystemDep,
    page: PageDep,
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None,
    reader: Annotated[
        Label | None, Query(description="Only by this one, such as `compliance:kim`.")
    ] = None,
    read_from: Annotated[
        GivenMoment | None, Query(alias="from", description="Read then or later.")
    ] = None,
    read_to: Annotated[
        GivenMoment | None, Query(alias="to", description="Read before this.")
    ] = None,
) -> Page[Reading]:
    """The latest first: every time that a candidate's state, history or difference was given out,
    also by a list that was asked for one person, a history replayed on the command line, a bundle
    or an export made. Other lists and boards, which tell no more than names, are among them only
    for integrations, without a candidate. A reading shows here within a second; the role compliance
    gets its answer only when it does.
    """
    before, before_reading = page.key(_moment, bigint)
    with system.pool.connection() as connection:
        rows = readings.readings(
            connection,
            page.limit + 1,
            candidate=candidate,
            reader=reader,
            read_from=read_from,
            read_to=read_to,
            before=before,
            before_reading=before_reading,
        )
    items = [Reading.model_validate(row) for row in rows]
    return page.page(rows, items, "read_at", "reading")


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise TypeError("not a moment")
    return _MOMENT.validate_python(value)
