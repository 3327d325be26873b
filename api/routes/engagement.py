"""Engagement: who is warm, who is in a pool, and one person's touchpoints."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.access.rights import READS_RELATIONSHIPS, open_to
from api.deps import Page, PageDep, SystemDep, bigint, number
from api.errors import problems
from api.examples.answers import ENGAGEMENT, RELATIONSHIP_LIST
from api.freshness import reflects
from api.names import with_names
from api.openapi import answers
from domain import errors
from domain.candidate.intents import Label
from domain.values import GivenMoment, Moment, now
from projections.crm_engagement import queries, warmth

router = APIRouter(
    prefix="/v1/engagement/candidates",
    tags=["Engagement"],
    dependencies=[open_to(*READS_RELATIONSHIPS), reflects("crm_engagement")],
)


class Relationship(BaseModel):
    """A candidate as a relationship."""

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


class Touchpoint(BaseModel):
    """One contact between the person and us."""

    version: int
    type: str = Field(examples=["replied"])
    direction: str = Field(examples=["inbound"])
    channel: str | None
    sequence: str | None
    step: int | None
    message_id: str | None
    actor: str
    occurred_at: Moment


class Engagement(Relationship):
    """A relationship with its touchpoints, the newest first."""

    touchpoints: Page[Touchpoint]


@router.get(
    "",
    summary="Search candidates by engagement",
    responses=answers(RELATIONSHIP_LIST) | problems(paged=True),
)
def list_engagement(  # noqa: PLR0913  # one parameter for each filter
    *,
    system: SystemDep,
    page: PageDep,
    pool: Annotated[Label | None, Query(description="Only who is in this talent pool.")] = None,
    status: Annotated[
        Literal["prospect", "applicant", "hired"] | None, Query(description="Only of this status.")
    ] = None,
    min_warmth: Annotated[
        float | None,
        Query(gt=0, le=1e9, allow_inf_nan=False, description="Only who is at least so warm now."),
    ] = None,
    touched_after: Annotated[
        GivenMoment | None, Query(description="Only who had the last touch at or after this.")
    ] = None,
    touched_before: Annotated[
        GivenMoment | None, Query(description="Only who had the last touch before this.")
    ] = None,
) -> Page[Relationship]:
    """The warmest first. `touched_before` with `pool` finds who should hear from us again."""
    moment = now()
    after, after_candidate = page.key(number, UUID)
    with system.pool.connection() as connection:
        rows = queries.candidates(
            connection,
            page.limit + 1,
            pool=pool,
            status=status,
            warmth_log2_from=min_warmth and warmth.log2_for(min_warmth, moment),
            touched_after=touched_after,
            touched_before=touched_before,
            after=after,
            after_candidate=after_candidate,
        )
    return page.page(rows, _shown(system, rows, moment), "warmth_log2", "candidate_id")


@router.get(
    "/{candidate_id}",
    summary="Read a candidate's engagement",
    responses=answers(ENGAGEMENT) | problems(errors.CandidateNotFound, paged=True),
)
def read_engagement(candidate_id: UUID, system: SystemDep, page: PageDep) -> Engagement:
    """The relationship and its touchpoints; the page parameters are for the touchpoints."""
    (before,) = page.key(bigint)
    with system.pool.connection() as connection:
        rows = queries.candidates(connection, 1, candidate=candidate_id)
        points = queries.touchpoints(
            connection, page.limit + 1, candidate=candidate_id, before=before
        )
    if not rows:
        raise errors.CandidateNotFound(
            f"candidate {candidate_id} has no engagement; was it put on record just now?"
        )
    shown = [Touchpoint.model_validate(point) for point in points]
    return Engagement(
        **vars(_shown(system, rows, now())[0]), touchpoints=page.page(points, shown, "version")
    )


def _shown(system: SystemDep, rows: list[DictRow], moment: datetime) -> list[Relationship]:
    return [
        Relationship.model_validate(
            {
                **row,
                "warmth": round(warmth.at(row["warmth_log2"], moment), 2),
                "trend": warmth.trend(row["warmth_log2"], row["recent_warmth_log2"], moment),
            }
        )
        for row in with_names(system, rows, "name")
    ]
