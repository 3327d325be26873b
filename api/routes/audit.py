"""Audit: every event with who did it, why, and both times."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.rights import READS_THE_AUDIT, open_to
from api.deps import Page, PageDep, SystemDep, bigint
from api.errors import problems
from api.examples.answers import AUDIT
from api.freshness import reflects
from api.openapi import answers
from domain.candidate.intents import Label
from domain.values import GivenMoment, Moment
from projections.compliance_audit import queries

router = APIRouter(
    prefix="/v1/audit/entries",
    tags=["Audit"],
    dependencies=[open_to(*READS_THE_AUDIT), reflects("compliance_audit")],
)


class Entry(BaseModel):
    """One event, readable without looking elsewhere; it holds no personal data."""

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


@router.get("", summary="Search the audit trail", responses=answers(AUDIT) | problems(paged=True))
def list_entries(  # noqa: PLR0913  # one parameter for each filter
    *,
    system: SystemDep,
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
) -> Page[Entry]:
    """The newest in the log first."""
    (before,) = page.key(bigint)
    with system.pool.connection() as connection:
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
    entries = [Entry.model_validate(row) for row in rows]
    return page.page(rows, entries, "position")
