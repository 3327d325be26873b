"""Carries out erasures: on record first, then the keys, then whoever holds something else.

Every step can be repeated. Who was interrupted runs the erasure again, and it goes on where it was.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

import psycopg
import structlog
from eventsourcing.persistence import MapperDeserialisationError
from msgspec import structs
from psycopg_pool import ConnectionPool

from api.erasure import holders, listing
from api.erasure.bases import bases
from api.erasure.holders import Erasing
from api.erasure.ledger import Ledger
from api.erasure.listing import Erasure
from domain import errors
from domain.erasure import EVERY_PURPOSE, Erase, RequestErasure
from domain.recorded import Metadata
from domain.recruiting import Recruiting
from domain.values import NAMESPACE, Purpose, now

INSERT = """
INSERT INTO hirelog.erasures
       (erasure_id, candidate_id, purposes, legal_basis, basis_version, reason, actor)
VALUES (%(erasure)s, %(candidate)s, %(purposes)s, %(basis)s, %(version)s, %(reason)s, %(actor)s)
ON CONFLICT (erasure_id) DO NOTHING
"""
SET_WAITING = """
UPDATE hirelog.erasures SET state = %s, because = %s
 WHERE erasure_id = %s AND state IN ('requested', 'held')
"""
SET_ERASING = """
UPDATE hirelog.erasures
   SET state = 'erasing', because = NULL, position = %s, erased_at = now()
 WHERE erasure_id = %s AND state IN ('requested', 'held')
"""
SET_COMPLETE = """
UPDATE hirelog.erasures SET state = 'complete', completed_at = now()
 WHERE erasure_id = %(erasure)s AND state = 'erasing'
   AND NOT EXISTS (SELECT FROM hirelog.erasure_holders
                    WHERE erasure_id = %(erasure)s AND state = 'pending')
"""
TELL = "SELECT pg_notify('hirelog_erased', %s::text)"
HEAD = "SELECT coalesce(max(notification_id), 0) FROM hirelog.events"

LOOK_SECONDS = 60.0
INTERRUPTED = timedelta(minutes=1)  # a request that is younger may be under way
AT_ONCE = 200  # so that the process can say meanwhile that it lives

log = structlog.get_logger()


@dataclass(frozen=True)
class Asked:
    """What is asked for: whose erasure, on which legal basis and for which purposes."""

    candidate_id: UUID
    legal_basis: str
    purposes: tuple[Purpose, ...] = EVERY_PURPOSE


class Eraser:
    """Takes requests for erasure and sees them through. Safe for threads and processes."""

    def __init__(
        self,
        recruiting: Recruiting,
        pool: ConnectionPool[psycopg.Connection],
        ledger: Ledger,
        past_damage: Callable[[UUID], AbstractContextManager[None]],
    ) -> None:
        """`past_damage` has what cannot be opened of a person read as redacted."""
        self._recruiting = recruiting
        self._past_damage = past_damage
        self._pool = pool
        self._ledger = ledger
        self._next_look = 0.0

    def request(self, erasure_id: UUID, asked: Asked, metadata: Metadata) -> Erasure:
        """Puts the request on record and carries it out as far as that goes now.

        The same request again, under the same id, goes on with it. Raises UnknownLegalBasis,
        CandidateNotFound, CandidateErased where nothing is left to erase, KeyUsedBefore where the
        id is another request's, and LegalHold: then the request waits on record.
        """
        bases().basis(asked.legal_basis)
        purposes = tuple(sorted(set(asked.purposes)))
        with self._pool.connection() as connection:
            known = listing.find(connection, erasure_id)
        if known is None:
            with self._past_damage(asked.candidate_id):
                candidate = self._recruiting.candidate(asked.candidate_id)
            if candidate.erased >= set(purposes):
                raise errors.CandidateErased(f"candidate {candidate.id} was erased already")
            row = {
                "erasure": erasure_id,
                "candidate": asked.candidate_id,
                "purposes": list(purposes),
                "basis": asked.legal_basis,
                "version": bases().version,
                "reason": metadata.reason,
                "actor": metadata.actor,
            }
            with self._pool.connection() as connection:
                connection.execute(INSERT, row)
        elif (known.candidate_id, known.legal_basis, tuple(known.purposes)) != (
            asked.candidate_id,
            asked.legal_basis,
            purposes,
        ):
            raise errors.KeyUsedBefore(f"erasure {erasure_id} was requested for something else")
        return self.run(erasure_id, metadata)

    def run(self, erasure_id: UUID, metadata: Metadata | None = None) -> Erasure:
        """Carries a request out as far as it goes now.

        `metadata` says who asks; without it, the system goes on with what was asked for. Raises
        ErasureNotFound, LegalHold, and what the candidate's state refuses.
        """
        erasure = self.one(erasure_id)
        if erasure.state in {"requested", "held"}:
            self._destroy(erasure, metadata or _by_the_system(erasure))
            erasure = self.one(erasure_id)
        if erasure.state == "erasing":
            self._settle(erasure)
            erasure = self.one(erasure_id)
        return erasure

    def run_all(self) -> list[Erasure]:
        """Carries out whatever is open, also what a hold stood against until now.

        One that is refused, or whose person cannot be read, keeps no other waiting.
        """
        with self._pool.connection() as connection:
            found = listing.open_ones(connection, ("requested", "held", "erasing"))
        done = []
        for each in found:
            try:
                done.append(self.run(each.erasure_id))
            except (errors.Refusal, MapperDeserialisationError):
                done.append(self.one(each.erasure_id))
        return done

    def tick(self) -> None:
        """What a process that serves does about every second."""
        self.settle_all()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self.run_waiting()

    def run_waiting(self) -> None:
        """Carries out what no hold stands against any more, and what was interrupted.

        A hold ends by its date, too, and then nobody is there to ask for the erasure again.
        """
        with self._pool.connection() as connection:
            found = listing.open_ones(connection, ("requested", "held"))
        done = 0
        for each in found:
            if each.state == "requested" and now() - each.requested_at < INTERRUPTED:
                continue
            try:
                if self._is_held(each.candidate_id):
                    continue
                self.run(each.erasure_id)
            except errors.Refusal as refusal:
                log.warning("an erasure waits", erasure=str(each.erasure_id), because=refusal.code)
            except MapperDeserialisationError:  # keeps nobody else waiting
                log.error("an erasure waits", erasure=str(each.erasure_id), because="unreadable")
            done += 1
            if done == AT_ONCE:
                break

    def _is_held(self, candidate_id: UUID) -> bool:
        moment = now()
        with self._past_damage(candidate_id), self._recruiting.present(candidate_id) as candidate:
            return any(hold.stands(moment) for hold in candidate.holds.values())

    def settle_all(self) -> None:
        """Asks of every erasure under way who has let go meanwhile."""
        with self._pool.connection() as connection:
            found = listing.open_ones(connection, ("erasing",))
        for each in found:
            self._settle(each)

    def one(self, erasure_id: UUID) -> Erasure:
        """The erasure as it stands. Raises ErasureNotFound."""
        with self._pool.connection() as connection:
            found = listing.find(connection, erasure_id)
        if found is None:
            raise errors.ErasureNotFound(f"there is no erasure {erasure_id}; see GET /v1/erasures")
        return found

    def _destroy(self, erasure: Erasure, metadata: Metadata) -> None:
        """Puts request and erasure on record, and the keys are gone. Raises what refuses it."""
        purposes = tuple(map(Purpose, erasure.purposes))
        ask = RequestErasure(
            erasure_id=erasure.erasure_id,
            legal_basis=erasure.legal_basis,
            basis_version=erasure.basis_version,
            purposes=purposes,
        )
        erase = Erase(erasure_id=erasure.erasure_id, purposes=purposes)
        try:
            position = 0
            for intent in ask, erase:
                command = uuid5(erasure.erasure_id, intent.type)
                said = structs.replace(metadata, command_id=command, command_digest=None)
                with self._past_damage(erasure.candidate_id):
                    outcome = self._recruiting.record(erasure.candidate_id, intent, said)
                position = outcome.position
        except errors.CandidateErased:
            # By another request meanwhile.
            position = self._recruiting.recorder.max_notification_id() or 0
        except errors.Refusal as refusal:
            state = "held" if isinstance(refusal, errors.LegalHold) else "refused"
            if not isinstance(refusal, errors.ConcurrentChange):
                self._execute(SET_WAITING, (state, str(refusal), erasure.erasure_id))
            raise
        except MapperDeserialisationError as error:
            self._execute(SET_WAITING, (erasure.state, str(error), erasure.erasure_id))
            raise
        erasing = Erasing(erasure.erasure_id, erasure.candidate_id, erasure.purposes, position)
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(SET_ERASING, (position, erasure.erasure_id))
            holders.find(connection, erasing)
            connection.execute(TELL, (erasure.candidate_id,))

    def _settle(self, erasure: Erasure) -> None:
        erasing = Erasing(
            erasure.erasure_id, erasure.candidate_id, erasure.purposes, erasure.position or 0
        )
        with self._pool.connection() as connection:
            holders.drop_dead(connection, erasure.erasure_id)
            for holder in holders.pending(connection, erasure.erasure_id):
                kind, _, number = holder.partition(":")
                if kind == "build":
                    holders.clean_build(connection, int(number), erasing)
                elif holder == holders.LEDGER:
                    self._ledger.catch_up(connection, self._ledger.read().destroyed)
                    where = str(self._ledger.path)
                    holders.set_state(connection, erasure.erasure_id, holder, "acknowledged", where)
            connection.execute(SET_COMPLETE, {"erasure": erasure.erasure_id})

    def _execute(self, query: str, given: tuple[object, ...]) -> None:
        with self._pool.connection() as connection:
            connection.execute(query.encode(), given)


def _by_the_system(erasure: Erasure) -> Metadata:
    moment = now()
    return Metadata(
        actor=erasure.actor,
        reason=erasure.reason,
        command_id=uuid5(NAMESPACE, str(erasure.erasure_id)),
        occurred_at=moment,
        recorded_at=moment,
        provenance="system",
    )
