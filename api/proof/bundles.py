"""Makes the bundle that proves a candidate's history to whoever has only the log's key."""

from uuid import UUID

from api.proof import signing
from api.wiring import System
from domain.errors import CandidateNotFound
from domain.recorded import decode, personal_values
from projections.compliance_audit.merkle import stored
from projections.compliance_audit.merkle.bundle import Bundle, BundledEvent
from projections.compliance_audit.merkle.stored import NotSealed

SELECT_STREAM = """
SELECT notification_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %s
 ORDER BY originator_version
"""


def export(system: System, candidate: UUID, *, with_personal: bool) -> Bundle:
    """The candidate's whole history as it is stored, proven to be covered by a new checkpoint.

    Raises CandidateNotFound, CannotStart without the signing key, and Altered or NotProven where
    the log is not what was signed.
    """
    with system.pool.connection() as connection:
        rows = connection.execute(SELECT_STREAM, (candidate,)).fetchall()
        if not rows:
            raise CandidateNotFound(f"candidate {candidate} is not on record")
        signed = signing.sealer(system.settings, connection).seal(connection)
        key = stored.verifier_key(connection)
        if signed is None or key is None:
            raise NotSealed("the log is not sealed yet")
        rotations = stored.rotations(connection)
        proofs = stored.prove(connection, [position for position, *_ in rows], signed)
    personal: dict[int, dict[str, str]] = {}
    keys: dict[int, dict[str, bytes]] = {}
    if with_personal:
        history = system.recruiting.history(candidate, until=len(rows))
        personal = {each.originator_version: personal_values(each.event) for each in history}
        keys = {version: _keys(system, candidate, *event) for _, version, *event in rows}
    return Bundle(
        candidate=candidate,
        verifier_key=str(key),
        checkpoint=signed.note,
        rotations=rotations,
        events=[
            BundledEvent.of(row, proof, personal.get(row[1], {}), keys.get(row[1], {}))
            for row, proof in zip(rows, proofs, strict=True)
        ],
    )


def _keys(system: System, candidate: UUID, topic: str, state: bytes) -> dict[str, bytes]:
    """The key of each personal value that has one of its own, and is not erased."""
    event, _ = decode(topic, state)
    own = {
        name: system.keyring.key_of(candidate, value)
        for name, value in personal_values(event).items()
    }
    return {name: key for name, key in own.items() if key is not None}
