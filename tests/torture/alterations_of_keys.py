"""What somebody who may do everything in the database does to the keys of people, at random."""

from collections.abc import Sequence
from uuid import UUID

from tests.torture.alterations import Altered, Kind, Tampering, at


def flip_key(log: Tampering) -> Altered:
    (person, purpose), position = _key(log)
    where = " FROM hirelog.candidate_keys WHERE candidate_id = %s AND purpose = %s"
    length = log.one("SELECT octet_length(wrapped_key)" + where, person, purpose)
    bit = log.pick.randrange(8 * length)
    log.log.by_hand(
        "UPDATE hirelog.candidate_keys"
        " SET wrapped_key = set_bit(wrapped_key, %s, 1 - get_bit(wrapped_key, %s))"
        " WHERE candidate_id = %s AND purpose = %s",
        *(bit, bit, person, purpose),
    )
    return at(position)


def delete_key(log: Tampering) -> Altered:
    (person, purpose), position = _key(log)
    log.log.by_hand(
        "DELETE FROM hirelog.candidate_keys WHERE candidate_id = %s AND purpose = %s",
        *(person, purpose),
    )
    return at(position)


def destroy_key(log: Tampering) -> Altered:
    """As an erasure does, without one."""
    (person, purpose), position = _key(log)
    log.log.by_hand(
        "UPDATE hirelog.candidate_keys SET wrapped_key = NULL, destroyed_at = now()"
        " WHERE candidate_id = %s AND purpose = %s",
        *(person, purpose),
    )
    return at(position)


def exchange_keys(log: Tampering) -> Altered:
    ((one, purpose), _), ((other, its), _) = log.pick.sample([*log.first_sealed.items()], 2)
    log.log.by_hand(
        "UPDATE hirelog.candidate_keys AS key SET wrapped_key = other.wrapped_key"
        "  FROM hirelog.candidate_keys AS other"
        " WHERE (key.candidate_id, key.purpose, other.candidate_id, other.purpose)"
        "    IN ((%s, %s, %s, %s), (%s, %s, %s, %s))",
        *(one, purpose, other, its, other, its, one, purpose),
    )
    places = {log.first_sealed[each] for each in ((one, purpose), (other, its))}
    return Altered([(position, position) for position in sorted(places)])


def _key(log: Tampering) -> tuple[tuple[UUID, str], int]:
    return log.pick.choice([*log.first_sealed.items()])


KEYS: Sequence[Kind] = (flip_key, delete_key, destroy_key, exchange_keys)
