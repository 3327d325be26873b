"""Health: whether the process lives and whether it can serve.

On threads of their own, so that these answer also while requests keep all others busy.
"""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.access.rights import open_to_all
from api.deps import SystemDep
from api.door.route import LenientRoute
from api.examples.answers import HEALTH
from api.openapi import answers
from api.problem_documents import problem, problem_answers
from api.wiring import System
from projections.runtime.status import ModelStatus, status

router = APIRouter(tags=["Health"], dependencies=[open_to_all()], route_class=LenientRoute)

UNREACHABLE = ("database-unavailable", "too-slow")


class Health(BaseModel):
    """A sign of life."""

    status: str = Field(examples=["ok"])


def models_of(system: System) -> list[ModelStatus]:
    """Where the read models stand."""
    with system.pool.connection() as connection:
        return status(connection)


@router.get("/healthz", summary="Whether the process lives", responses=answers(HEALTH))
async def healthz() -> Health:
    """Answers without touching the database."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether requests can be served",
    responses=answers(HEALTH) | problem_answers(*UNREACHABLE),
)
async def readyz(system: SystemDep) -> Health:
    """Answers once the database can be reached and the read models exist; else 503."""
    await asyncio.to_thread(models_of, system)
    return Health(status="ok")


@router.get(
    "/healthz/projections",
    summary="Whether the read models follow the log",
    response_model=Health,
    responses=answers(HEALTH) | problem_answers(*UNREACHABLE, "projection-stalled"),
)
async def healthz_projections(system: SystemDep) -> Response | Health:
    """503 when a read model is behind and has not moved for half a minute: then no projector runs,
    or it is stuck.
    """
    stalled = [each for each in await asyncio.to_thread(models_of, system) if each.is_stalled]
    if stalled:
        said = ", ".join(
            f"{model.model} stands at position {model.position}, {model.lag_events} events behind"
            for model in stalled
        )
        return problem(503, "projection-stalled", f"{said}; see that hirelog project runs")
    return Health(status="ok")
