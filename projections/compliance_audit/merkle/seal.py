"""Seals the log: hashes what is stored of new events, in order, and signs checkpoints over them.

Hashes need the stored bytes and nothing of a fold, so an event that a read model has parked is
sealed as every other one.
"""

from collections.abc import Callable
from threading import Event
from typing import Any

import psycopg
import structlog

from projections.compliance_audit.merkle import stored
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from projections.compliance_audit.merkle.rotation import announced
from projections.compliance_audit.merkle.stored import Altered, Signed
from projections.runtime.log import END, HEAD, SELECT_EVENTS

MOST = 4_096  # events between two checkpoints
SECONDS = 1.0  # between two checkpoints, while events come one by one
RECONNECT_SECONDS = 5.0

LOCK = "SELECT pg_advisory_xact_lock(7230417203844118890)"
INSERT_KEY = """
INSERT INTO hirelog.log_identity (verifier_key) VALUES (%s) ON CONFLICT DO NOTHING
"""
INSERT_ROTATION = "INSERT INTO hirelog.log_rotations (note) VALUES (%s)"
INSERT_SUBTREE = "INSERT INTO hirelog.log_subtrees (level, number, hash) VALUES (%s, %s, %s)"
INSERT_CHECKPOINT = """
INSERT INTO hirelog.log_checkpoints (size, since, leaves, note) VALUES (%s, %s, %s, %s)
"""

logger = structlog.get_logger()

Sink = Callable[[str], None]


class WrongSigningKey(Exception):  # noqa: N818  # the name of the situation
    """The log is signed with another key, or under another name."""


def register(connection: psycopg.Connection[Any], signer: Signer) -> VerifierKey:
    """Puts the signer's key on record as that of the log, unless there is one; returns that."""
    connection.execute(INSERT_KEY, (str(signer.key),))
    return stored.verifier_key(connection) or signer.key


class Sealer:
    """Signs checkpoints of one log."""

    def __init__(self, signer: Signer, sink: Sink = lambda _: None, signed: int = 0) -> None:
        """`sink` is given each note after it was committed; so many events were `signed` before."""
        self._signer = signer
        self._sink = sink
        self._signed = signed

    @property
    def key(self) -> VerifierKey:
        """With which others verify what is signed here."""
        return self._signer.key

    def seal(self, connection: psycopg.Connection[Any]) -> Signed | None:
        """Covers all events that the log holds now; returns the last checkpoint, None if empty.

        Any number of processes may try. Raises Altered and NotProven when what is stored is not
        what was signed, and WrongSigningKey.
        """
        row = connection.execute(HEAD).fetchone()
        head = row[0] if row else 0
        while True:
            signed = self._seal_some(connection, head)
            if signed is None or signed.checkpoint.size >= head:
                return signed

    def hand_over(self, connection: psycopg.Connection[Any], new: Signer) -> Checkpoint | None:
        """Has the log signed by `new` from now on; returns the last checkpoint, None if empty.

        Raises as `seal`; whoever still signs with the old key is refused from then on.
        """
        self.seal(connection)
        with connection.transaction():
            connection.execute(LOCK)
            self._check_key(connection)
            last = stored.latest(connection)
            if last is None:
                return None
            stored.frontier(connection, last)  # the new key must not vouch for what was altered
            note = announced(last.checkpoint, self._signer, new)
            connection.execute(INSERT_ROTATION, (note,))
        self._hand_out(note)
        return last.checkpoint

    def run(self, conninfo: str, stop: Event) -> None:
        """Seals once a second until `stop` is set, and then once more.

        Survives the loss of the database. Where the log was altered it signs nothing more, and says
        so once. Raises WrongSigningKey as soon as another key signs the log.
        """
        said = ""
        while not stop.is_set():
            try:
                with psycopg.connect(conninfo, autocommit=True) as connection:
                    while not stop.is_set():
                        self.seal(connection)
                        said = ""
                        stop.wait(SECONDS)
                    self.seal(connection)  # what came last
            except WrongSigningKey:
                raise
            except (Altered, NotProven) as error:
                if said != str(error):
                    logger.error("log is not sealed", error=str(error))
                said = str(error)
            except psycopg.OperationalError as error:
                logger.warning("sealer lost the database", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # nobody would start the thread again
                logger.error("sealer failed", error=type(error).__name__)
            stop.wait(RECONNECT_SECONDS)

    def _seal_some(self, connection: psycopg.Connection[Any], head: int) -> Signed | None:
        with connection.transaction():
            connection.execute(LOCK)
            self._check_key(connection)
            last = stored.latest(connection)
            since = last.checkpoint.size if last else 0
            if since < self._signed:
                raise Altered(
                    f"{self._signed} events were signed, and the checkpoints on record end at "
                    f"{since}; some were deleted, or an older copy was put back"
                )
            if since == head:
                return last
            if since > head:
                row = connection.execute(HEAD).fetchone()
                if row and row[0] >= since:  # another process has sealed what came meanwhile
                    return last
                raise Altered(f"the log ends at position {head}, but {since} events were signed")
            edge = stored.frontier(connection, last)
            leaves = _new_leaves(connection, since)
            for leaf in leaves:
                edge.append(leaf)
            checkpoint = Checkpoint(self._signer.key.name, edge.size, edge.root())
            signed = Signed(checkpoint, checkpoint.signed(self._signer))
            given = (edge.size, since, b"".join(leaves), signed.note)
            connection.execute(INSERT_CHECKPOINT, given)
            with connection.cursor() as cursor:
                cursor.executemany(INSERT_SUBTREE, edge.completed)
        self._signed = signed.checkpoint.size
        self._hand_out(signed.note)
        return signed

    def _hand_out(self, note: str) -> None:
        try:
            self._sink(note)
        except OSError as error:  # the next one will do
            logger.error("checkpoint is not written", error=error.strerror)

    def _check_key(self, connection: psycopg.Connection[Any]) -> None:
        key = register(connection, self._signer)
        if key != self._signer.key:
            raise WrongSigningKey(
                f"this log is signed with the key {key}, and the signing key given is another one"
            )


def _new_leaves(connection: psycopg.Connection[Any], since: int) -> list[bytes]:
    """The hashes of the next events, at most MOST. Raises Altered at a gap."""
    leaves: list[bytes] = []
    for position, *rest in connection.execute(SELECT_EVENTS, (since, END, MOST), binary=True):
        expected = since + len(leaves) + 1
        if position != expected:
            raise Altered(f"the event at position {expected} is missing from the log")
        leaves.append(event_hash(position, *rest))
    return leaves
