"""Access bundles: a person's own data, for who asks for it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.access.rights import OVERSEES, open_to
from api.compliance import bundle
from api.compliance.register import register
from api.door.route import Route
from api.errors import NotPermitted
from api.examples.officers import ACCESS_BUNDLE
from api.openapi import MADE_ANEW, answers
from api.problem_documents import problems
from api.reading import SAYS_WHY, ReaderDep
from api.readings import What
from domain import errors
from domain.values import now

router = APIRouter(
    prefix="/v1/candidates",
    tags=["Audit"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)


@router.get(
    "/{candidate_id}/access-bundle",
    response_model=bundle.AccessBundle,
    summary="Hand a person their own data",
    responses=answers(ACCESS_BUNDLE) | problems(errors.CandidateNotFound),
    openapi_extra=SAYS_WHY | MADE_ANEW,
)
def read_access_bundle(candidate_id: UUID, reader: ReaderDep, request: Request) -> Response:
    """Everything that is on record of one person, as GDPR Art. 15 lists it: the data themselves,
    with a profile in JSON Resume's schema, their sources, purposes and legal grounds, who may be
    given them and who read them, until when they are kept, and the person's rights. Staff stand in
    it by their roles. What the person said of themselves (sex, race, disability) no route can read:
    `hirelog access` gives it, and writes the rest as well with a page to read. The texts may speak
    of others: read it before it is handed on.
    """
    if not reader.personal:
        raise NotPermitted("the bundle is nothing but personal; use a key with the scope personal")
    history = reader.system.recruiting.whole_history(candidate_id)
    made_at = now()
    with reader.system.pool.connection() as connection:
        readers = bundle.read_by(connection, history[0])
    made = bundle.make(
        history, register(request.app.state.routers, made_at.date()), readers, made_at
    )
    reader.note_on_thread(candidate_id, What.ACCESS_BUNDLE)
    return reader.answered(made.model_dump_json().encode())
