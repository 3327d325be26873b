"""What operators do to read models, with who did it on record.

Parked events are retried and left out on record first. Of rebuilds it is on record once it is sure
to be done: what was refused must not stand there for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from api.wiring import System
from domain.recorded import Metadata
from domain.upkeep import (
    BuildDropped,
    ParkedRetried,
    ParkedSkipped,
    RebuildAbandoned,
    RebuildBegun,
    RebuildEvent,
    RebuildPaused,
    RebuildResumed,
    SwitchedBack,
)
from domain.values import to_utc
from projections import READ_MODELS
from projections.runtime import control, parking, rebuild, selection, switch
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.control import Abandoned
from projections.runtime.parking import Drained, NotParked, Waiting
from projections.runtime.rebuild import Rebuild
from projections.runtime.selection import AsOf


@dataclass(frozen=True)
class Retried:
    """How many parked events were let in, how many still wait, and the first of these."""

    drained: Drained
    first: Waiting | None


def retry(system: System, model: ReadModel, stream: UUID | None, metadata: Metadata) -> Retried:
    """Gives what is parked for the model another try, of one stream or of all.

    Raises NotParked.
    """
    with system.pool.connection() as connection:
        live = parking.live_build(connection, model)
        waiting = parking.streams(connection, live.build)
        if stream is not None and stream not in waiting:
            raise NotParked(
                f"no event of stream {stream} is parked for {model.name}; "
                "see hirelog projections parked"
            )
        if not waiting:
            raise NotParked(f"no event is parked for {model.name}")
        retried = ParkedRetried(model=model.name, model_version=model.version, stream=stream)
        system.recruiting.record_upkeep(retried, metadata)
        drained = parking.retry(connection, model, stream)
        return Retried(drained, _first(connection, model, stream))


def skip(system: System, model: ReadModel, position: int, metadata: Metadata) -> Retried | None:
    """Leaves the event out of this version of the model for good, and lets in what waits behind it.

    The event is parked, the first of its stream, or the one at which a rebuild of the model
    stopped; then the rebuild can go on, and there is nothing to let in. Raises NotParked.
    """
    with system.pool.connection() as connection:
        try:
            parking.live_build(connection, model)
            waiting = parking.first_of_stream(connection, model.name, position)
        except NotParked:
            if position in selection.skipped(connection, model):
                raise NotParked(
                    f"the event at position {position} is left out of {model.name} already"
                ) from None
            stopped = control.stopped_at(connection, model, position)
            if stopped is None:
                raise
            _record_skip(system, model, position, stopped, metadata)
            return None
        _record_skip(system, model, position, (waiting.stream, waiting.topic), metadata)
        drained = parking.retry(connection, model, waiting.stream, skip=position)
        behind = Drained(max(drained.let_in - 1, 0), drained.left)
        return Retried(behind, _first(connection, model, waiting.stream))


def _record_skip(
    system: System,
    model: ReadModel,
    position: int,
    event: tuple[UUID, str],
    metadata: Metadata,
) -> None:
    stream, topic = event
    skipped = ParkedSkipped(
        model=model.name,
        model_version=model.version,
        stream=stream,
        topic=topic,
        position=position,
    )
    system.recruiting.record_upkeep(skipped, metadata)


def _first(
    connection: psycopg.Connection[Any], model: ReadModel, stream: UUID | None
) -> Waiting | None:
    waiting = parking.streams(connection, parking.live_build(connection, model).build)
    positions = [first for each, first in waiting.items() if stream in {None, each}]
    return parking.first_of_stream(connection, model.name, min(positions)) if positions else None


def begin(
    system: System, models: Sequence[ReadModel], as_of: AsOf | None, metadata: Metadata
) -> Rebuild:
    """Begins a rebuild of these models, or goes on with it. Raises NotPossible."""
    units = system.settings.rebuild_unit_events
    with system.pool.connection() as connection, connection.transaction():
        begun = rebuild.begin(connection, models, as_of=as_of, unit_events=units)
        for model in models:
            event = RebuildBegun(
                model=model.name,
                model_version=model.version,
                rebuild=begun.rebuild,
                as_of=begun.as_of and to_utc(begun.as_of),
                as_of_by=begun.as_of_by,
            )
            system.recruiting.record_upkeep(event, metadata)
    return begun


def pause(system: System, model: ReadModel, metadata: Metadata) -> Rebuild:
    """Has whoever makes the model leave off within moments. Raises NotPossible."""
    with system.pool.connection() as connection, connection.transaction():
        paused = control.pause(connection, model.name)
        _record(system, RebuildPaused, model, paused.rebuild, metadata)
    return paused


def interrupted(
    system: System, begun: Rebuild, models: Sequence[ReadModel], metadata: Metadata
) -> None:
    """Leaves a rebuild of these models paused that its own process does not go on with."""
    with system.pool.connection() as connection, connection.transaction():
        rebuild.set_state(connection, begun.rebuild, "paused")
        left = rebuild.one(connection, begun.rebuild).models
        for model in models:
            if model.name in left:
                _record(system, RebuildPaused, model, begun.rebuild, metadata)


def resume(
    system: System, model: ReadModel, metadata: Metadata
) -> tuple[Rebuild, Sequence[ReadModel]]:
    """Goes on with the rebuild of the model; returns it with all its models. Raises NotPossible."""
    units = system.settings.rebuild_unit_events
    with system.pool.connection() as connection, connection.transaction():
        resumed, models = control.resume(connection, READ_MODELS, model.name, unit_events=units)
        _record(system, RebuildResumed, model, resumed.rebuild, metadata)
    return resumed, models


def abandon(system: System, model: ReadModel, metadata: Metadata) -> Abandoned:
    """Gives up the rebuild of this model and drops what there is of it. Raises NotPossible."""
    with system.pool.connection() as connection:
        number = rebuild.of_model(connection, model.name).rebuild
        abandoned = control.abandon(connection, model.name)
    _record(system, RebuildAbandoned, model, number, metadata)
    return abandoned


def switch_back(system: System, model: ReadModel, metadata: Metadata) -> Build:
    """Returns to the build that was live before. Raises NothingRetired."""
    with system.pool.connection() as connection:
        live = switch.switch_back(connection, model)
    switched = SwitchedBack(model=model.name, model_version=live.version, build=live.build)
    system.recruiting.record_upkeep(switched, metadata)
    return live


def drop(system: System, schema: str, metadata: Metadata) -> Build:
    """Drops a retired or kept build. Raises NotPossible."""
    with system.pool.connection() as connection:
        was = control.drop(connection, schema)
    dropped = BuildDropped(model=was.model, model_version=was.version, build=was.build)
    system.recruiting.record_upkeep(dropped, metadata)
    return was


def _record(
    system: System, what: type[RebuildEvent], model: ReadModel, number: int, metadata: Metadata
) -> None:
    event = what(model=model.name, model_version=model.version, rebuild=number)
    system.recruiting.record_upkeep(event, metadata)
