"""What somebody who may do everything in the database does to a log, at random, and where."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.note import Signer
from projections.compliance_audit.merkle.seal import Sealer
from projections.compliance_audit.merkle.stored import WIDTH
from tests.projections.merkle.sealed import AT, FLIP, Sealed, insert, rehash, renumber, swap

MOST_CUT = 300  # events at the end of the log
VERSION_BITS = 64
SET_NOTE = "UPDATE hirelog.log_checkpoints SET note = %s WHERE size = %s"

Range = tuple[int, int]


@dataclass(frozen=True)
class Altered:
    """Where something must be found, in each of these ranges; and where else it may be."""

    places: Sequence[Range]
    beside: Sequence[Range] = ()


@dataclass(frozen=True)
class Tampering:
    """A log of `head` events, sealed by checkpoints, and the dice of whoever alters it."""

    log: Sealed
    pick: Random
    signer: Signer
    head: int
    segments: Sequence[Range]  # what each checkpoint added: the size of the one before, and its own
    first_sealed: Mapping[tuple[UUID, str], int]  # by key: the first event with a value of it
    erased: Mapping[
        int, Sequence[int]
    ]  # by erasure: the first events of the keys that it destroyed

    def one(self, query: str, *given: Any) -> Any:
        """The row of which there is one; its value where it has one column."""
        with psycopg.connect(self.log.database.superuser) as connection:
            row = connection.execute(query.encode(), given).fetchone()
        assert row is not None
        return row[0] if len(row) == 1 else row

    def position(self) -> int:
        """Of some event."""
        return self.pick.randint(1, self.head)

    def set(self, column: str, value: Any, position: int) -> None:
        """Alters an event."""
        self.log.by_hand(f"UPDATE hirelog.events SET {column} = %s" + AT, value, position)

    def around(self, position: int) -> Range:
        """The events that were sealed together with this one."""
        return next((since + 1, size) for since, size in self.segments if position <= size)

    def flipped(self, text: str) -> str:
        """A text with one bit flipped, such that PostgreSQL takes it for a text."""
        while True:
            data = bytearray(text.encode())
            bit = self.pick.randrange(8 * len(data))
            data[bit // 8] ^= 1 << bit % 8
            with suppress(UnicodeDecodeError):
                if all(data):
                    return data.decode()


Kind = Callable[[Tampering], Altered]


def at(position: int) -> Altered:
    """Just there."""
    return Altered([(position, position)])


# Events


def flip_state(log: Tampering) -> Altered:
    position = log.position()
    length = log.one("SELECT octet_length(state) FROM hirelog.events" + AT, position)
    bit = log.pick.randrange(8 * length)
    log.log.by_hand(FLIP + AT, bit, bit, position)
    return at(position)


def flip_topic(log: Tampering) -> Altered:
    position = log.position()
    topic = log.one("SELECT topic FROM hirelog.events" + AT, position)
    log.set("topic", log.flipped(topic), position)
    return at(position)


def flip_stream(log: Tampering) -> Altered:
    position = log.position()
    stream = log.one("SELECT originator_id FROM hirelog.events" + AT, position)
    log.set("originator_id", UUID(int=stream.int ^ 1 << log.pick.randrange(128)), position)
    return at(position)


def flip_version(log: Tampering) -> Altered:
    position = log.position()
    version = log.one("SELECT originator_version FROM hirelog.events" + AT, position)
    log.set("originator_version", _flipped(version, log.pick), position)
    return at(position)


def flip_position(log: Tampering) -> Altered:
    position = log.position()
    other = _flipped(position, log.pick)
    log.set("notification_id", other, position)
    if other <= log.head:
        return Altered([(position, position), (other, other)])
    return Altered([(position, position)], [(log.head + 1, other - 1)])


def _flipped(number: int, pick: Random) -> int:
    data = bytearray(number.to_bytes(VERSION_BITS // 8))
    bit = pick.randrange(VERSION_BITS)
    data[bit // 8] ^= 1 << bit % 8
    return int.from_bytes(data, signed=True)


def delete(log: Tampering) -> Altered:
    position = log.position()
    log.log.by_hand("DELETE FROM hirelog.events" + AT, position)
    return at(position)


def delete_and_close_the_gap(log: Tampering) -> Altered:
    position = log.position()
    log.log.by_hand("DELETE FROM hirelog.events" + AT, position)
    renumber(log.log, position, -1)
    return Altered([(position, position)], [(position + 1, log.head)])


def insert_a_second_one(log: Tampering) -> Altered:
    position = log.position()
    insert(log.log, position)
    return at(position)


def insert_and_make_room(log: Tampering) -> Altered:
    position = log.position()
    renumber(log.log, position - 1, 1)
    insert(log.log, position)
    return Altered([(position, position)], [(position + 1, log.head)])


def swap_two(log: Tampering) -> Altered:
    a, b = log.pick.sample(range(1, log.head + 1), 2)
    swap(log.log, a, b)
    return Altered([(a, a), (b, b)])


def truncate(log: Tampering) -> Altered:
    last = log.head - log.pick.randint(1, MOST_CUT)
    log.log.by_hand("DELETE FROM hirelog.events WHERE notification_id > %s", last)
    return Altered([(each, each) for each in range(last + 1, log.head + 1)])


def roll_back(log: Tampering) -> Altered:
    """To an earlier checkpoint, as if nothing had come later."""
    _, size = log.pick.choice(log.segments[:-1])
    log.log.by_hand("DELETE FROM hirelog.events WHERE notification_id > %s", size)
    log.log.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size > %s", size)
    log.log.by_hand(
        "DELETE FROM hirelog.log_subtrees WHERE (number + 1) * %s ^ level > %s", WIDTH, size
    )
    return Altered([(size + 1, log.head)])


# What was signed


def flip_checkpoint(log: Tampering) -> Altered:
    since, size = log.pick.choice(log.segments)
    note = log.one("SELECT note FROM hirelog.log_checkpoints WHERE size = %s", size)
    log.log.by_hand(SET_NOTE, log.flipped(note), size)
    return Altered([(since + 1, size)])


def flip_hash(log: Tampering) -> Altered:
    since, size = log.pick.choice(log.segments)
    bit = log.pick.randrange(256 * (size - since))
    log.log.by_hand(
        "UPDATE hirelog.log_checkpoints SET leaves = set_bit(leaves, %s, 1 - get_bit(leaves, %s))"
        " WHERE size = %s",
        *(bit, bit, size),
    )
    return at(since + 1 + bit // 256)


def delete_checkpoint(log: Tampering) -> Altered:
    since, size = log.pick.choice(log.segments)
    log.log.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size = %s", size)
    first, _ = _block(since + 1)
    return Altered([(since + 1, size)], [(first, size)])


def flip_subtree(log: Tampering) -> Altered:
    number, bit = log.pick.randrange(log.head // WIDTH), log.pick.randrange(256)
    log.log.by_hand(
        "UPDATE hirelog.log_subtrees SET hash = set_bit(hash, %s, 1 - get_bit(hash, %s))"
        " WHERE level = 1 AND number = %s",
        *(bit, bit, number),
    )
    return Altered([_block(number * WIDTH + 1)])


def _block(position: int) -> Range:
    """The events of the same subtree."""
    before = (position - 1) // WIDTH * WIDTH
    return before + 1, before + WIDTH


def forge_root(log: Tampering) -> Altered:
    """With a key that is not the log's, or with the log's own."""
    since, size = log.pick.choice(log.segments)
    signer = log.pick.choice([_stranger(log), log.signer])
    forged = Checkpoint(signer.key.name, size, log.pick.randbytes(32))
    log.log.by_hand(SET_NOTE, forged.signed(signer), size)
    return Altered([(since + 1, size)])


def forge_hash(log: Tampering) -> Altered:
    """An event is altered, and the hash that is stored of it."""
    altered = flip_state(log)
    ((position, _),) = altered.places
    rehash(log.log, position)
    first, last = log.around(position)
    return Altered([(first, last)], [_block(position), (first, log.head)])


def forge_log(log: Tampering) -> Altered:
    """An event is altered, and all is signed anew: by another key, or by the log's own."""
    altered = flip_state(log)
    ((position, _),) = altered.places
    signer = log.pick.choice([_stranger(log), log.signer])
    log.log.by_hand("TRUNCATE hirelog.log_checkpoints, hirelog.log_subtrees")
    log.log.by_hand("UPDATE hirelog.log_identity SET verifier_key = %s", str(signer.key))
    with psycopg.connect(log.log.database.service, autocommit=True) as connection:
        Sealer(signer).seal(connection)
    first, last = log.around(position)
    return Altered([(first, last)], [(first, log.head)])


def _stranger(log: Tampering) -> Signer:
    return Signer(log.signer.key.name, log.pick.randbytes(32))


EVENTS: Sequence[Kind] = (
    *(flip_state, flip_topic, flip_stream, flip_version, flip_position),
    *(delete, delete_and_close_the_gap, insert_a_second_one, insert_and_make_room),
    *(swap_two, truncate, roll_back),
)
SIGNED: Sequence[Kind] = (
    *(flip_checkpoint, flip_hash, delete_checkpoint, flip_subtree),
    *(forge_root, forge_hash, forge_log),
)
