"""Projections: where each read model stands against the log."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access.rights import EVERYBODY, open_to
from api.deps import SystemDep
from api.door.route import Route
from api.examples.answers import PROJECTIONS
from api.openapi import answers
from api.problem_documents import problems
from domain.values import Moment
from projections import READ_MODELS
from projections.runtime import builds
from projections.runtime.status import status

router = APIRouter(
    prefix="/v1/projections",
    tags=["Projections"],
    dependencies=[open_to(*EVERYBODY)],
    route_class=Route,
)


class Projection(BaseModel):
    """One read model."""

    model: str = Field(examples=["ats_pipeline"])
    version: int
    position: int = Field(description="The last event of the log that it reflects.")
    lag_events: int = Field(description="How many events it is behind.")
    lag_seconds: float = Field(description="Age of the oldest event that it does not reflect.")
    parked: int = Field(description="Events that could not be folded, or wait behind such a one.")
    oldest_parked_seconds: float = Field(description="How long the longest of them has waited.")
    is_stalled: bool = Field(description="Behind, and without a move for half a minute.")
    is_changed: bool = Field(
        description="Its code has changed since its tables were made, but not its version."
    )
    updated_at: Moment


class Projections(BaseModel):
    """All read models."""

    items: list[Projection]


@router.get(
    "", summary="See how far the read models are", responses=answers(PROJECTIONS) | problems()
)
def list_projections(system: SystemDep) -> Projections:
    """A query reflects a command once the model's `position` has reached the command's."""
    with system.pool.connection() as connection:
        rows = status(connection)
        changed = builds.changed_without_version(connection, READ_MODELS)
    return Projections(
        items=[
            Projection.model_validate(vars(row) | {"is_changed": row.model in changed})
            for row in rows
        ]
    )
