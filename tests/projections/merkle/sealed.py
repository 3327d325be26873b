"""A sealed log, and what somebody who may do everything in the database does to it."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg

from projections.compliance_audit.merkle import check, stored
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.findings import Report
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import Signer
from projections.compliance_audit.merkle.seal import Sealer
from tests.databases import Database

SIGNER = Signer("hirelog.example/log", b"s" * 32)
SIZES = [3, 4, 300, 530]  # of the checkpoints of `sealed`

FLIP = "UPDATE hirelog.events SET state = set_bit(state, %s, 1 - get_bit(state, %s))"
AT = " WHERE notification_id = %s"
SWAP = """
UPDATE hirelog.events SET (originator_id, originator_version, topic, state) =
       (SELECT o.originator_id, -o.originator_version, o.topic, o.state FROM hirelog.events AS o
         WHERE o.notification_id = %s + %s - events.notification_id)
 WHERE notification_id IN (%s, %s)
"""
TURN = "UPDATE hirelog.events SET originator_version = -originator_version"


@dataclass
class Sealed:
    """A sealed log, and what somebody who may do everything does to it."""

    database: Database
    kept: list[Checkpoint]

    def by_hand(self, statement: str, *given: Any) -> None:
        with psycopg.connect(self.database.superuser) as connection:
            connection.execute(statement, given)

    def check(self, *kept: Checkpoint) -> Report:
        with psycopg.connect(self.database.service, autocommit=True) as connection:
            return check.check(connection, SIGNER.key, kept)

    def found(self, *kept: Checkpoint) -> list[str]:
        return [str(each) for each in self.check(*kept).findings]

    def seal(self, signer: Signer = SIGNER) -> Checkpoint | None:
        with psycopg.connect(self.database.service, autocommit=True) as connection:
            signed = Sealer(signer).seal(connection)
        return signed.checkpoint if signed else None


def hashes(database: Database) -> list[bytes]:
    with psycopg.connect(database.service) as connection:
        rows = connection.execute("SELECT leaves FROM hirelog.log_checkpoints ORDER BY size")
        return stored.hashes_in(b"".join(leaves for (leaves,) in rows))


def renumber(sealed: Sealed, after: int, by: int) -> None:
    """Moves what follows, by way of negative positions: they are unique in between."""
    move = "UPDATE hirelog.events SET notification_id = {} WHERE notification_id {}"
    sealed.by_hand(move.format(f"-(notification_id + {by}) - 10000", f"> {after}"))
    sealed.by_hand(move.format("-notification_id - 10000", "< -9000"))


def insert(sealed: Sealed, position: int) -> None:
    sealed.by_hand(
        "INSERT INTO hirelog.events VALUES (%s, %s, 1, 'candidate.sourced', '{}')",
        position,
        uuid4(),
    )


def swap(sealed: Sealed, a: int, b: int) -> None:
    """Two events change places, by way of negative versions: they are unique in between."""
    sealed.by_hand(SWAP, a, b, a, b)
    sealed.by_hand(TURN + " WHERE originator_version < 0")


def rehash(sealed: Sealed, position: int) -> None:
    """As somebody does who alters an event and knows how it is hashed."""

    with psycopg.connect(sealed.database.superuser) as connection:
        row = connection.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state"
            " FROM hirelog.events" + AT,
            (position,),
        ).fetchone()
        assert row is not None
        connection.execute(
            "UPDATE hirelog.log_checkpoints"
            " SET leaves = overlay(leaves PLACING %s FROM (32 * (%s - since - 1) + 1)::int)"
            " WHERE size >= %s AND since < %s",
            (event_hash(*row), position, position, position),
        )
