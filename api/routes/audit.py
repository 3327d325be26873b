"""Audit: every event with who did it, why, and both times."""

from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.access.rights import READS_THE_AUDIT, open_to
from api.door.route import Route
from api.examples.answers import AUDIT
from api.freshness import reflects
from api.openapi import answers
from api.paging import Page, PageDep, bigint
from api.problem_documents import problems
from api.reading import SAYS_WHY_OF_ONE, Reader, Selectable, reader_of
from api.readings import What
from domain.given import GivenMoment, Label
from domain.values import Moment
from projections.compliance_audit import queries

router = APIRouter(
    prefix="/v1/audit/entries",
    tags=["Audit"],
    dependencies=[open_to(*READS_THE_AUDIT), reflects("compliance_audit")],
    route_class=Route,
)


class Entry(Selectable):
    """One event, readable without looking elsewhere; it holds no personal data."""

    IDENTIFIED_BY: ClassVar[str] = "position"

    position: int
    candidate_id: UUID | None
    job_id: UUID | None
    application_id: UUID | None
    version: int
    type: str = Field(examples=["advanced"])
    actor: str = Field(examples=["recruiter:ana"])
    on_behalf_of: str | None
    reason: str | None
    description: str = Field(
        examples=["Moved from Phone screen forward to Onsite for Backend Engineer"]
    )
    occurred_at: Moment
    recorded_at: Moment
    provenance: str
    broken_rules: list[str]
    command_id: UUID
    correlation_id: str | None
    causation_id: str | None


@router.get(
    "",
    response_model=Page[Entry],
    summary="Search the audit trail",
    responses=answers(AUDIT) | problems(paged=True),
    openapi_extra=SAYS_WHY_OF_ONE,
)
def list_audit_entries(  # noqa: PLR0913  # one parameter for each filter
    *,
    reader: Annotated[Reader, reader_of(Entry)],
    page: PageDep,
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None,
    job: Annotated[UUID | None, Query(description="Only of this job.")] = None,
    actor: Annotated[Label | None, Query(description="Only what this actor did.")] = None,
    type: Annotated[  # noqa: A002  # the field's own name
        Label | None, Query(description="Only of this type, such as `rejected` or `job-closed`.")
    ] = None,
    occurred_from: Annotated[
        GivenMoment | None, Query(description="Happened then or later")
    ] = None,
    occurred_to: Annotated[GivenMoment | None, Query(description="Happened before this")] = None,
    recorded_from: Annotated[
        GivenMoment | None, Query(description="Recorded then or later")
    ] = None,
    recorded_to: Annotated[GivenMoment | None, Query(description="Recorded before this")] = None,
) -> Response:
    """The newest in the log first. With `candidate` it is noted as a reading of the history."""
    (before,) = page.key(bigint)
    with reader.system.pool.connection() as connection:
        rows = queries.entries(
            connection,
            page.limit + 1,
            candidate=candidate,
            job=job,
            actor=actor,
            type=type,
            occurred_from=occurred_from,
            occurred_to=occurred_to,
            recorded_from=recorded_from,
            recorded_to=recorded_to,
            before=before,
        )
    if candidate:
        reader.note_on_thread(candidate, What.HISTORY)
    entries = [Entry.model_validate(row) for row in rows]
    return reader.told(page.page(rows, entries, "position"), "items")
