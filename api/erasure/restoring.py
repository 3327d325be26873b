"""Erases again whoever came back with a backup, before anything is served."""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID, uuid5

import structlog
from eventsourcing.persistence import MapperDeserialisationError

from api.erasure.bases import LEDGER as LEDGER_BASIS
from api.erasure.eraser import Asked, Eraser
from api.erasure.ledger import Destroyed
from domain import errors
from domain.recorded import Metadata
from domain.recruiting import Recruiting
from domain.values import Purpose, now

OWN = Purpose.SELF_IDENTIFICATION

log = structlog.get_logger()


def erase_again(
    eraser: Eraser,
    recruiting: Recruiting,
    owner_of: Callable[[UUID, Purpose], UUID],
    back: Iterable[Destroyed],
) -> None:
    """Destroys keys that the deletion ledger names and the database still has.

    `owner_of` tells the stream under whose id a candidate's key of a purpose is kept.
    """
    by_stream: dict[UUID, set[Purpose]] = {}
    for key in back:
        by_stream.setdefault(key.stream, set()).add(key.purpose)
    if not by_stream:
        return
    keys = [(stream, each) for stream, purposes in by_stream.items() for each in purposes]
    log.warning("keys of erased people came back; they are destroyed again", keys=len(keys))
    for stream in sorted(by_stream):
        asked = Asked(stream, LEDGER_BASIS, _purposes(by_stream, stream, owner_of(stream, OWN)))
        try:
            _erase_in_spite_of_holds(eraser, asked)
        except (errors.CandidateNotFound, errors.CandidateErased):
            continue  # a self-identification, or nobody who is on record here
        except MapperDeserialisationError as error:  # the keys go all the same
            log.error("an erasure is not on record again", error=str(error))
    # Last, so that who is interrupted finds all of them again, and nobody goes without the event.
    recruiting.events.destroy_keys(sorted(keys))


def _purposes(
    by_stream: Mapping[UUID, set[Purpose]], stream: UUID, own: UUID
) -> tuple[Purpose, ...]:
    """Their answers of self-identification went as well, under the id of another stream."""
    return tuple(sorted(by_stream[stream] | ({OWN} & by_stream.get(own, set()))))


def _erase_in_spite_of_holds(eraser: Eraser, asked: Asked) -> None:
    moment = now()
    # Another one each time that a backup is put back.
    erasure_id = uuid5(asked.candidate_id, f"{LEDGER_BASIS} {moment.isoformat()}")
    metadata = Metadata(
        actor="system:deletion-ledger",
        reason="a restored backup brought back what was erased",
        command_id=uuid5(erasure_id, "requested"),
        occurred_at=moment,
        recorded_at=moment,
        provenance="system",
    )
    try:
        eraser.request(erasure_id, asked, metadata)
    except errors.LegalHold:
        # The keys are gone since the first time; a hold of the backup cannot bring them back.
        log.warning("a hold of the backup stands on somebody who was erased since")
