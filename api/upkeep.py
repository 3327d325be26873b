"""What operators do to parked events of the read models: on record first, then done."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from api.wiring import System
from domain.recorded import Metadata
from domain.upkeep import ParkedRetried, ParkedSkipped
from projections.runtime import control, parking, selection
from projections.runtime.contract import ReadModel
from projections.runtime.parking import Drained, NotParked, Waiting


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
