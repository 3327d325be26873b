"""Rebuilds: begin, pause, resume and give up; see the builds there are, switch back, and drop."""

from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, model_validator

from api import upkeep
from api.access.rights import OPERATES, open_to
from api.deps import Caller, SenderDep, SystemDep
from api.door.route import Route
from api.examples.rebuilds import ABANDONED, BUILD_LIST, GOING, GOING_LIST, KEPT, RETIRED
from api.openapi import answers
from api.problem_documents import problems
from api.wiring import System
from domain.given import GivenMoment, Label
from domain.recorded import Metadata
from domain.values import Moment, now
from projections import READ_MODELS, read_model
from projections.runtime import control
from projections.runtime.control import Going
from projections.runtime.outside import NoReadModel
from projections.runtime.rebuild import NotPossible, Rebuild
from projections.runtime.selection import AsOf
from projections.runtime.switch import NothingRetired

router = APIRouter(
    prefix="/v1/projections",
    tags=["Projections"],
    dependencies=[open_to(*OPERATES)],
    route_class=Route,
)

Name = Annotated[str, Path(max_length=63, examples=["ats_pipeline"])]


class NewRebuild(BaseModel):
    """What to rebuild: these read models in one pass, as they are or as they stood at a moment."""

    model_config = {"extra": "forbid"}

    models: Annotated[list[str], Field(max_length=50)] = Field(
        default=[], description="Names; all where there are none.", examples=[["ats_pipeline"]]
    )
    as_of: GivenMoment | None = Field(
        default=None, description="Build beside the live tables what they were then, and keep it."
    )
    by: Literal["recorded", "occurred"] | None = Field(
        default=None, description="Which time `as_of` means; `recorded` where it is not said."
    )

    reason: Label | None = None

    @model_validator(mode="after")
    def _not_in_future(self) -> "NewRebuild":
        if self.as_of and self.as_of > now():
            raise ValueError("as_of lies in the future; name a moment that has passed")
        if self.by and not self.as_of:
            raise ValueError("by says which time as_of means; give that one too")
        return self


class RebuildGoing(BaseModel):
    """A rebuild that is not done. `waiting` while no process is at work on it."""

    rebuild: int
    models: list[str]
    purpose: Literal["live", "as-of", "scratch"]
    state: Literal["running", "waiting", "paused", "stopped"]
    percent: float = Field(description="Of the events that were on record when it began.")
    as_of: Moment | None
    as_of_by: str | None
    error: str | None = Field(description="At which event it stopped, and what to do.")
    started_at: Moment


class RebuildsGoing(BaseModel):
    """All rebuilds that are not done."""

    items: list[RebuildGoing]


class BuildListed(BaseModel):
    """A set of tables of a read model, in a schema of its own."""

    build: int
    model: str
    version: int
    state: Literal["live", "building", "retired", "kept"]
    schema_name: str = Field(description="Where an analyst can query it.")
    position: int
    made_at: Moment
    purpose: str | None
    as_of: Moment | None
    as_of_by: str | None
    bytes: int


class Builds(BaseModel):
    """All builds."""

    items: list[BuildListed]


class Abandoned(BaseModel):
    """What was dropped, and the models that the same rebuild still has to make, paused."""

    dropped: list[str]
    left: list[str]


class BuildStands(BaseModel):
    """A build after what was done to it."""

    model: str
    version: int
    state: str
    schema_name: str
    position: int


@router.get(
    "/builds",
    summary="List the builds of the read models",
    responses=answers(BUILD_LIST) | problems(),
)
def list_builds(system: SystemDep) -> Builds:
    """Live ones, those that are being built, retired ones to which one can switch back, and those
    kept as of a moment.
    """
    with system.pool.connection() as connection:
        listed = control.inventory(connection)
    return Builds(items=[BuildListed.model_validate(vars(each)) for each in listed])


@router.delete(
    "/builds/{schema}",
    summary="Drop a retired or kept build",
    responses=answers(KEPT) | problems(NotPossible),
)
def drop_build(
    schema: Annotated[str, Path(max_length=63)], system: SystemDep, caller: SenderDep
) -> BuildStands:
    """The answer is what it was."""
    return BuildStands.model_validate(vars(upkeep.drop(system, schema, metadata_of(caller))))


@router.get(
    "/rebuilds", summary="See the rebuilds that go on", responses=answers(GOING_LIST) | problems()
)
def list_rebuilds(system: SystemDep) -> RebuildsGoing:
    """With how far they are."""
    with system.pool.connection() as connection:
        going = control.going(connection)
    return RebuildsGoing(items=[_shown(each) for each in going])


@router.post(
    "/rebuilds",
    status_code=202,
    summary="Begin a rebuild",
    responses=answers(GOING, 202) | problems(NoReadModel, NotPossible, takes_body=True),
)
def begin_rebuild(given: NewRebuild, system: SystemDep, caller: SenderDep) -> RebuildGoing:
    """Builds beside the live tables, in the background of a process that projects, while queries
    and appends go on; then switches in. A rebuild of the same models that was begun before goes on.
    """
    models = [read_model(name) for name in given.models] or list(READ_MODELS)
    as_of = AsOf(given.as_of, given.by or "recorded") if given.as_of else None
    return _now(system, upkeep.begin(system, models, as_of, metadata_of(caller, given.reason)))


@router.post(
    "/{model}/pause",
    summary="Pause a rebuild",
    responses=answers(GOING | {"state": "paused"}) | problems(NoReadModel, NotPossible),
)
def pause_rebuild(model: Name, system: SystemDep, caller: SenderDep) -> RebuildGoing:
    """Its workers leave off within moments; nothing that is done is lost."""
    return _now(system, upkeep.pause(system, read_model(model), metadata_of(caller)))


@router.post(
    "/{model}/resume",
    status_code=202,
    summary="Go on with a rebuild",
    responses=answers(GOING, 202) | problems(NoReadModel, NotPossible),
)
def resume_rebuild(model: Name, system: SystemDep, caller: SenderDep) -> RebuildGoing:
    """One that was paused or that stopped goes on where it was, in a process that projects."""
    resumed, _ = upkeep.resume(system, read_model(model), metadata_of(caller))
    return _now(system, resumed)


@router.post(
    "/{model}/abandon",
    summary="Give up a rebuild",
    responses=answers(ABANDONED) | problems(NoReadModel, NotPossible),
)
def abandon_rebuild(model: Name, system: SystemDep, caller: SenderDep) -> Abandoned:
    """Drops what there is of it. The live tables stay as they are. What the same rebuild still has
    to make of other models stays paused, until it is resumed.
    """
    abandoned = upkeep.abandon(system, read_model(model), metadata_of(caller))
    return Abandoned(dropped=list(abandoned.dropped), left=list(abandoned.left))


@router.post(
    "/{model}/switch-back",
    summary="Return to the tables that were live before",
    responses=answers(RETIRED) | problems(NoReadModel, NothingRetired),
)
def switch_back(model: Name, system: SystemDep, caller: SenderDep) -> BuildStands:
    """They catch up with the log first, where they are of the same version."""
    live = upkeep.switch_back(system, read_model(model), metadata_of(caller))
    return BuildStands.model_validate(vars(live))


def metadata_of(caller: Caller, reason: str | None = None) -> Metadata:
    """Who looks after a read model, for whom, why and when."""
    moment = now()
    return Metadata(
        actor=caller.actor,
        on_behalf_of=caller.on_behalf_of,
        reason=reason,
        command_id=uuid4(),
        correlation_id=caller.correlation_id,
        occurred_at=moment,
        recorded_at=moment,
    )


def _now(system: System, changed: Rebuild) -> RebuildGoing:
    with system.pool.connection() as connection:
        going = control.going(connection)
    return next(_shown(each) for each in going if each.rebuild == changed.rebuild)


def _shown(going: Going) -> RebuildGoing:
    return RebuildGoing.model_validate(vars(going))
