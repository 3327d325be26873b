"""Health: whether the process lives and whether it can serve."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import SystemDep
from api.errors import problems
from api.examples.answers import HEALTH
from api.openapi import answers
from projections.runtime.status import status

router = APIRouter(tags=["Health"])


class Health(BaseModel):
    """A sign of life."""

    status: str = Field(examples=["ok"])


@router.get("/healthz", summary="Whether the process lives", responses=answers(HEALTH))
def healthz() -> Health:
    """Answers without touching the database."""
    return Health(status="ok")


@router.get(
    "/readyz", summary="Whether requests can be served", responses=answers(HEALTH) | problems()
)
def readyz(system: SystemDep) -> Health:
    """Answers once the database can be reached and the read models exist; else 503."""
    with system.pool.connection() as connection:
        status(connection)
    return Health(status="ok")
