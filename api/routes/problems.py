"""Problems: the list of all codes with which a request can be refused."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.rights import open_to_all
from api.door.route import Route
from api.openapi import answers
from api.problem_documents import problems
from api.problems import PUBLISHED

router = APIRouter(
    prefix="/v1/problems", tags=["Problems"], dependencies=[open_to_all()], route_class=Route
)


class ProblemKind(BaseModel):
    """A kind of problem."""

    code: str = Field(examples=["already-rejected"], description="Stable; meant for programs.")
    status: int = Field(examples=[409], description="The HTTP status that it comes with.")
    meaning: str = Field(examples=["The application was rejected."])


class ProblemKinds(BaseModel):
    """All kinds of problems."""

    items: list[ProblemKind]


EXAMPLE = {
    "items": [vars(PUBLISHED[code]) for code in ("not-found", "already-rejected", "unknown-stage")]
}


@router.get("", summary="List the codes of problems", responses=answers(EXAMPLE) | problems())
async def list_problems() -> ProblemKinds:
    """Every code that a problem document can have, with its status and what it means. A code never
    changes its meaning; new ones are added as rules are.
    """
    return ProblemKinds(
        items=[ProblemKind.model_validate(vars(each)) for each in PUBLISHED.values()]
    )
