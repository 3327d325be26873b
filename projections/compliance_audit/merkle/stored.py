"""Reads what is stored of the Merkle tree: leaf hashes, subtrees, signed checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.errors import DoesNotFit, NotOnRecord
from projections.compliance_audit.merkle import tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint, InclusionProof
from projections.compliance_audit.merkle.encoding import HASH_BYTES
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.rotation import History, follow
from projections.compliance_audit.merkle.tree import LEVEL, Frontier

WIDTH = 1 << LEVEL  # of a subtree's children one level below

SELECT_KEY = "SELECT verifier_key FROM hirelog.log_identity"
SELECT_ROTATIONS = "SELECT note FROM hirelog.log_rotations ORDER BY rotation"
SELECT_LATEST = "SELECT note FROM hirelog.log_checkpoints ORDER BY size DESC LIMIT 1"
SELECT_UNSEALED = """
SELECT (SELECT coalesce(max(notification_id), 0) FROM hirelog.events)
       - (SELECT coalesce(max(size), 0) FROM hirelog.log_checkpoints)
"""
SELECT_COVERING = """
SELECT note FROM hirelog.log_checkpoints WHERE size >= %s ORDER BY size LIMIT 1
"""
# The hashes of leaves number start to stop, each row giving its share of them.
SELECT_LEAVES = """
SELECT substring(leaves FROM (32 * (greatest(since, %(start)s) - since) + 1)::int
                         FOR (32 * (least(size, %(stop)s) - greatest(since, %(start)s)))::int)
  FROM hirelog.log_checkpoints
 WHERE size > %(start)s AND since < %(stop)s
 ORDER BY size
"""
SELECT_SUBTREES = """
SELECT hash FROM hirelog.log_subtrees
 WHERE level = %s AND number >= %s AND number < %s
 ORDER BY number
"""


class Altered(Exception):  # noqa: N818  # the name of the situation
    """What is stored of the log contradicts what was signed of it; says what and where."""


class NotSealed(NotOnRecord):
    """No signed checkpoint covers this yet."""


class NoProof(DoesNotFit):
    """A larger log is never the beginning of a smaller one."""


@dataclass(frozen=True)
class Signed:
    """A checkpoint with the note that holds it."""

    checkpoint: Checkpoint
    note: str


class StoredTree:
    """The tree over all leaves whose hashes are stored, for the functions of `tree`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._rows: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, height: int, number: int) -> bytes:
        """The hash of a complete subtree. Raises Altered when what it is made of is missing."""
        level, within = divmod(height, LEVEL)
        row, place = divmod(number << within, WIDTH)
        if (level, row) not in self._rows:
            self._rows[level, row] = self._read(level, row)
        hashes = self._rows[level, row][place : place + (1 << within)]
        if len(hashes) != 1 << within:
            first = (number << height) + 1
            raise Altered(f"stored hashes are missing from position {first} on")
        return tree.complete_root(hashes)

    def _read(self, level: int, row: int) -> list[bytes]:
        start, stop = row * WIDTH, (row + 1) * WIDTH
        if level:
            found = self._connection.execute(SELECT_SUBTREES, (level, start, stop)).fetchall()
            return [each for (each,) in found]
        given = {"start": start, "stop": stop}
        found = self._connection.execute(SELECT_LEAVES, given).fetchall()
        return hashes_in(b"".join(each for (each,) in found))


def hashes_in(leaves: bytes) -> list[bytes]:
    """The hashes that follow one another."""
    return [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]


def rotations(connection: psycopg.Connection[Any]) -> list[str]:
    """The notes by which one key of the log was followed by another, in order."""
    return [note for (note,) in connection.execute(SELECT_ROTATIONS)]


def keys(connection: psycopg.Connection[Any]) -> History | None:
    """The keys of the log; None until the first is made. Raises NotProven when they do not hold."""
    row = connection.execute(SELECT_KEY).fetchone()
    return follow(VerifierKey.parse(row[0]), rotations(connection)) if row else None


def verifier_key(connection: psycopg.Connection[Any]) -> VerifierKey | None:
    """The key that signs now; likewise."""
    known = keys(connection)
    return known.current if known else None


def latest(connection: psycopg.Connection[Any]) -> Signed | None:
    """The checkpoint that covers most, its signature verified; None while there is none.

    Raises Altered or NotProven when it is not one of this log.
    """
    return _signed(connection, connection.execute(SELECT_LATEST, prepare=True).fetchone())


def unsealed(connection: psycopg.Connection[Any]) -> int:
    """How many events no checkpoint covers yet; below zero where the log was cut off."""
    row = connection.execute(SELECT_UNSEALED, prepare=True).fetchone()
    return int(row[0]) if row else 0


def covering(connection: psycopg.Connection[Any], position: int) -> Signed:
    """The first checkpoint that covers the position. Raises NotSealed, Altered, NotProven."""
    signed = _signed(connection, connection.execute(SELECT_COVERING, (position,)).fetchone())
    if signed is None:
        raise NotSealed(
            f"no checkpoint covers position {position} yet; they are signed by the processes "
            "that project, once a second"
        )
    return signed


def prove(
    connection: psycopg.Connection[Any], positions: Sequence[int], signed: Signed
) -> list[InclusionProof]:
    """That the events at these positions are covered by the checkpoint.

    Raises Altered, and NotProven for a position that it does not cover.
    """
    subtrees, size = StoredTree(connection), signed.checkpoint.size
    return [
        InclusionProof(
            position - 1, tree.inclusion_proof(position - 1, size, subtrees), signed.note
        )
        for position in positions
    ]


def frontier(connection: psycopg.Connection[Any], signed: Signed | None) -> Frontier:
    """The tree of a checkpoint, to be continued. Raises Altered when its root is another one."""
    if signed is None:
        return Frontier()
    size = signed.checkpoint.size
    subtrees = StoredTree(connection)
    edge = Frontier(size, [subtrees(*each) for each in tree.complete_subtrees(0, size)])
    if edge.root() != signed.checkpoint.root:
        raise Altered(f"the stored hashes up to position {size} are not those that were signed")
    return edge


def _signed(connection: psycopg.Connection[Any], row: tuple[str] | None) -> Signed | None:
    if row is None:
        return None
    known = keys(connection)
    if known is None:
        raise Altered("there are checkpoints, but no key that signed them")
    return Signed(known.opened(row[0]), row[0])
