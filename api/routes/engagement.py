"""Engagement: who is warm, who is in a pool, and one person's touchpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import psycopg
from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.access.rights import READS_RELATIONSHIPS, open_to
from api.deps import ChosenDep
from api.door.route import Route
from api.examples.answers import ENGAGEMENT, RELATIONSHIP_LIST
from api.freshness import reflects
from api.openapi import answers
from api.paging import Page, PageDep, bigint, moment, number
from api.problem_documents import problems
from api.reading import SAYS_WHY, Reader, View, reader_of
from api.readings import What
from api.views import Application, Relationship, applications_by_candidate, relationships
from domain import errors
from domain.given import GivenMoment, Label
from domain.values import Moment, now
from projections.crm_engagement import queries, warmth

router = APIRouter(
    prefix="/v1/engagement/candidates",
    tags=["Engagement"],
    dependencies=[open_to(*READS_RELATIONSHIPS), reflects("crm_engagement")],
    route_class=Route,
)


class ExpandedRelationship(Relationship):
    """A relationship with what `expand` asked for."""

    candidacies: list[Application] = Field(
        default=[],
        description="With `expand=candidacies`: the person's applications, the newest first. "
        "(`applications` is how many there are.)",
    )


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


class Engagement(ExpandedRelationship):
    """A relationship with its touchpoints, the newest first."""

    touchpoints: Page[Touchpoint]


@router.get(
    "",
    response_model=Page[ExpandedRelationship],
    summary="Search candidates by engagement",
    responses=answers(RELATIONSHIP_LIST) | problems(paged=True),
)
def list_engagement(  # noqa: PLR0913  # one parameter for each filter
    *,
    reader: Annotated[Reader, reader_of(ExpandedRelationship, "candidacies")],
    page: PageDep,
    chosen: ChosenDep,
    pool: Annotated[Label | None, Query(description="Only who is in this talent pool.")] = None,
    status: Annotated[
        Literal["prospect", "applicant", "hired", "erased"] | None,
        Query(description="Only of this status."),
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
) -> Response:
    """The warmest first; with `updated_after` in the order of their updates. `touched_before` with
    `pool` finds who should hear from us again.
    """
    now_ = now()
    if chosen.updated_after:
        place, order = page.places(seen_at=moment, seen=UUID), ("updated_at", "candidate_id")
    else:
        place = page.places(after=number, after_candidate=UUID)
        order = "warmth_log2", "candidate_id"
    with reader.system.pool.connection() as connection:
        rows = queries.candidates(
            connection,
            page.limit + 1,
            ids=chosen.ids,
            updated_after=chosen.updated_after,
            pool=pool,
            status=status,
            warmth_log2_from=min_warmth and warmth.log2_for(min_warmth, now_),
            touched_after=touched_after,
            touched_before=touched_before,
            **place,
        )
        shown = _shown(reader, connection, rows[: page.limit], now_, reader.view)
    if shown:
        reader.note_list()
    return reader.told(page.page(rows, shown, *order), "items")


@router.get(
    "/{candidate_id}",
    response_model=Engagement,
    summary="Read a candidate's engagement",
    responses=answers(ENGAGEMENT) | problems(errors.CandidateNotFound, paged=True),
    openapi_extra=SAYS_WHY,
)
def read_engagement(
    candidate_id: UUID,
    reader: Annotated[Reader, reader_of(Engagement, "candidacies")],
    page: PageDep,
) -> Response:
    """The relationship and its touchpoints; the page parameters are for the touchpoints."""
    (before,) = page.key(bigint)
    with reader.system.pool.connection() as connection:
        rows = queries.candidates(connection, 1, candidate=candidate_id)
        if not rows:
            raise errors.CandidateNotFound(
                f"candidate {candidate_id} has no engagement; was it put on record just now?"
            )
        points = queries.touchpoints(
            connection, page.limit + 1, candidate=candidate_id, before=before
        )
        (shown,) = _shown(reader, connection, rows, now(), reader.view)
    reader.note_on_thread(candidate_id, What.STATE)
    touchpoints = [Touchpoint.model_validate(point) for point in points]
    known = {name: getattr(shown, name) for name in shown.model_fields_set}
    whole = Engagement.model_construct(
        **known, touchpoints=page.page(points, touchpoints, "version")
    )
    return reader.told(whole)


def _shown(
    reader: Reader,
    connection: psycopg.Connection,
    rows: Sequence[DictRow],
    moment: datetime,
    view: View,
) -> list[ExpandedRelationship]:
    """Each with what the view expands, by one query more for all of them."""
    shown = [
        ExpandedRelationship.model_construct(**vars(each))
        for each in relationships(reader, rows, moment)
    ]
    if "candidacies" in view.expand:
        found = applications_by_candidate(
            reader, connection, [each.candidate_id for each in shown], moment
        )
        for each in shown:
            each.candidacies = found[each.candidate_id]
    return shown
