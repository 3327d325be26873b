"""Legal holds: nothing of the person may be destroyed while one stands."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from api.access.rights import OVERSEES, open_to
from api.deps import CallerDep, SystemDep
from api.door.route import Route
from api.erasure import holds
from api.erasure.schemas import HoldRelease, HoldRequest, LegalHoldState
from api.examples.erasures import HELD, HOLD_LIST, HOLD_RELEASES, HOLD_REQUESTS, RELEASED
from api.freshness import reflects
from api.openapi import answers, records
from api.paging import Page, PageDep, bigint
from api.problem_documents import problems
from api.schemas import Recording, answer
from domain import errors
from domain.erasure import PlaceHold, ReleaseHold

router = APIRouter(
    prefix="/v1/holds",
    tags=["Erasure"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)


@router.post(
    "",
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Place a legal hold",
    responses=records(HELD)
    | problems(
        errors.CandidateNotFound,
        errors.CandidateErased,
        errors.AlreadyOnRecord,
        errors.AlreadyExpired,
        errors.KeyUsedBefore,
        errors.ConcurrentChange,
        takes_body=True,
    ),
)
def place_hold(
    given: Annotated[HoldRequest, Body(openapi_examples=HOLD_REQUESTS)],
    system: SystemDep,
    caller: CallerDep,
) -> Response:
    """An erasure is refused while it stands, until its release or its end. The event's data hold
    the `hold_id`.
    """
    intent = PlaceHold(
        hold_id=caller.new_id("hold"),
        legal_reference=given.legal_reference,
        expires_at=given.expires_at,
        reason=given.reason,
    )
    metadata = caller.metadata(given.candidate_id, intent)
    outcome = system.recruiting.record(given.candidate_id, intent, metadata)
    return answer("candidates", outcome)


@router.post(
    "/{hold_id}/release",
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Release a legal hold",
    responses=records(RELEASED)
    | problems(
        errors.CandidateNotFound,
        errors.HoldNotFound,
        errors.AlreadyReleased,
        errors.KeyUsedBefore,
        errors.ConcurrentChange,
        takes_body=True,
    ),
)
def release_hold(
    hold_id: UUID,
    given: Annotated[HoldRelease, Body(openapi_examples=HOLD_RELEASES)],
    system: SystemDep,
    caller: CallerDep,
) -> Response:
    """Erasures that waited for it are carried out by `POST /v1/erasures/{id}/run`."""
    intent = ReleaseHold(hold_id=hold_id, reason=given.reason)
    metadata = caller.metadata(given.candidate_id, intent)
    outcome = system.recruiting.record(given.candidate_id, intent, metadata)
    return answer("candidates", outcome)


@router.get(
    "",
    dependencies=[reflects("compliance_audit")],
    summary="List legal holds",
    responses=answers(HOLD_LIST) | problems(paged=True),
)
def list_holds(
    system: SystemDep,
    page: PageDep,
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None,
) -> Page[LegalHoldState]:
    """All that were ever placed, the latest first, and whether they stand."""
    (before,) = page.key(bigint)
    with system.pool.connection() as connection:
        rows = holds.placed(connection, page.limit + 1, candidate, before)
    shown = holds.states(system.recruiting, rows[: page.limit])
    return page.page(rows, shown, "position")
