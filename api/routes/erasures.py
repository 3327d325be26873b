"""Erasure: ask for it, and see who has let go of the person's data."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from api.access.rights import OVERSEES, open_to
from api.deps import CallerDep, SystemDep
from api.door.route import Route
from api.erasure import disclosures, listing
from api.erasure.bases import bases
from api.erasure.eraser import Asked
from api.erasure.schemas import Erasure, ErasureRequest, ErasureState
from api.examples.erasures import ERASURE, ERASURE_LIST, ERASURE_REQUESTS
from api.openapi import answers
from api.paging import Page, PageDep
from api.problem_documents import problems
from domain import errors
from domain.erasure import RequestErasure

router = APIRouter(
    prefix="/v1/erasures",
    tags=["Erasure"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)


@router.post(
    "",
    status_code=202,
    response_description="The keys are destroyed; the holders are told.",
    summary="Erase a person",
    responses=answers(ERASURE, 202, {"Location": "Where its progress can be read."})
    | problems(
        errors.CandidateNotFound,
        errors.CandidateErased,
        errors.LegalHold,
        errors.UnknownLegalBasis,
        errors.KeyUsedBefore,
        errors.ConcurrentChange,
        takes_body=True,
    ),
)
def request_erasure(
    given: Annotated[ErasureRequest, Body(openapi_examples=ERASURE_REQUESTS)],
    system: SystemDep,
    caller: CallerDep,
    response: Response,
) -> ErasureState:
    """Destroys the keys of these purposes, all where none are named, and has every holder of data
    let go of it. The events stay, without what was personal in them. While a legal hold stands, the
    answer is `legal-hold`, and the request waits on record until the hold ends.
    """
    erasure_id = caller.new_id("erasure")
    intent = RequestErasure(
        erasure_id=erasure_id,
        legal_basis=given.legal_basis,
        basis_version=bases().version,
        purposes=given.purposes,
        reason=given.reason,
    )
    metadata = caller.metadata(given.candidate_id, intent)
    asked = Asked(given.candidate_id, given.legal_basis, given.purposes)
    system.eraser.request(erasure_id, asked, metadata)
    response.headers["Location"] = f"/v1/erasures/{erasure_id}"
    return _whole(system, erasure_id)


@router.get("", summary="List erasures", responses=answers(ERASURE_LIST) | problems(paged=True))
def list_erasures(
    system: SystemDep,
    page: PageDep,
    state: Annotated[
        Literal["requested", "held", "refused", "erasing", "complete"] | None,
        Query(description="Only in this state."),
    ] = None,
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None,
) -> Page[Erasure]:
    """The latest request first."""
    before, before_id = page.key(datetime.fromisoformat, UUID)
    with system.pool.connection() as connection:
        found = listing.listed(
            connection,
            page.limit + 1,
            state=state,
            candidate_id=candidate,
            before=(before, before_id) if before else None,
        )
    rows = [vars(each) for each in found]
    return page.page(rows, [Erasure.of(each) for each in found], "requested_at", "erasure_id")


@router.get(
    "/{erasure_id}",
    summary="See how far an erasure is",
    responses=answers(ERASURE) | problems(errors.ErasureNotFound),
)
def get_erasure(erasure_id: UUID, system: SystemDep) -> ErasureState:
    """The state of each holder of data, and who received data before and is owed a notice."""
    return _whole(system, erasure_id)


@router.post(
    "/{erasure_id}/run",
    status_code=202,
    response_description="It goes on.",
    summary="Go on with an erasure",
    responses=answers(ERASURE, 202)
    | problems(errors.ErasureNotFound, errors.LegalHold, errors.CandidateErased),
)
def run_erasure(erasure_id: UUID, system: SystemDep) -> ErasureState:
    """Carries out a request that waited, or asks the holders again. Repeating it does no harm."""
    system.eraser.run(erasure_id)
    return _whole(system, erasure_id)


def _whole(system: SystemDep, erasure_id: UUID) -> ErasureState:
    erasure = system.eraser.one(erasure_id)
    with system.pool.connection() as connection:
        holders = listing.holders(connection, erasure_id)
        recipients = disclosures.of_candidate(connection, erasure.candidate_id)
    return ErasureState.whole(erasure, holders, recipients)
