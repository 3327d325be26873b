"""Differences: what changed of a candidate between any two points, and what made it so."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.access.rights import OVERSEES, open_to
from api.compliance.differences import Difference
from api.door.route import Route
from api.examples.officers import DIFFERENCE
from api.openapi import answers
from api.problem_documents import problems
from api.reading import SAYS_WHY, ReaderDep
from api.readings import What
from domain import errors
from domain.candidate.difference import BEGINNING, Point
from domain.given import GivenMoment

router = APIRouter(
    prefix="/v1/candidates",
    tags=["Audit"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)

_NOTHING = Point()


async def _start(
    version: Annotated[
        int | None,
        Query(alias="from_version", ge=0, lt=2**63, description="From after this event."),
    ] = None,
    as_of: Annotated[
        GivenMoment | None,
        Query(alias="from_as_of", description="From what had happened by then (RFC 3339)."),
    ] = None,
    known_at: Annotated[
        GivenMoment | None,
        Query(alias="from_known_at", description="From what was on record by then (RFC 3339)."),
    ] = None,
) -> Point:
    given = Point(version, as_of, known_at)
    return BEGINNING if given == _NOTHING else given


async def _end(
    version: Annotated[
        int | None, Query(alias="to_version", ge=0, lt=2**63, description="To after this event.")
    ] = None,
    as_of: Annotated[
        GivenMoment | None,
        Query(alias="to_as_of", description="To what had happened by then (RFC 3339)."),
    ] = None,
    known_at: Annotated[
        GivenMoment | None,
        Query(alias="to_known_at", description="To what was on record by then (RFC 3339)."),
    ] = None,
) -> Point:
    return Point(version, as_of, known_at)


@router.get(
    "/{candidate_id}/difference",
    response_model=Difference,
    summary="Tell what changed of a candidate between two points",
    responses=answers(DIFFERENCE) | problems(errors.CandidateNotFound, errors.VersionNotFound),
    openapi_extra=SAYS_WHY,
)
def read_difference(
    candidate_id: UUID,
    reader: ReaderDep,
    start: Annotated[Point, Depends(_start)],
    end: Annotated[Point, Depends(_end)],
) -> Response:
    """Field by field, with the events to which each value is owed: who, on whose behalf, through
    what, and why. A point is a version, what had happened by a moment, what was on record by a
    moment, or several of these together. Without any the difference begins at the beginning, and
    ends now; `from` may be the later one.
    """
    recruiting = reader.system.recruiting
    history = recruiting.whole_history(candidate_id, start.version, end.version)
    told = Difference.of(candidate_id, history, start, end, personal=reader.personal)
    reader.note_on_thread(candidate_id, What.DIFFERENCE)
    return reader.answered(told.model_dump_json().encode())
