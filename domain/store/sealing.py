"""Seals the personal values of one append."""

from collections.abc import Collection, Iterable
from uuid import UUID

from cryptography.exceptions import InvalidTag

from domain import sealed
from domain.store.keyring import DESTROYED, Keyring, Keys, NewKey
from domain.values import Loss, Purpose


class Sealing:
    """Seals the personal values of one append, with keys on record and with new ones.

    Nobody else sees the new keys before they are on record, or what they seal could be lost.
    """

    def __init__(self, keyring: Keyring, begun: Collection[UUID]) -> None:
        """Candidates who have `begun` just now have no keys on record that were worth a look."""
        self.new: list[NewKey] = []
        self._keyring = keyring
        self._begun = begun
        self._keys: dict[UUID, Keys] = {}
        self._at = keyring.forgotten

    def seal(self, candidate_id: UUID, purpose: Purpose, field: str, value: str) -> str:
        """The sealed value; with nothing behind the colon where the key is destroyed.

        A fact of an erased person is kept without what was personal in it. Raises InvalidTag where
        the key on record is of no use: another one beside it would hide that.
        """
        key = self._keys_of(candidate_id).get(purpose) or self._new(candidate_id, purpose)
        if isinstance(key, bytes):
            return sealed.seal(key, candidate_id, purpose, field, value)
        if key is Loss.DESTROYED:
            return f"{purpose}:"
        raise InvalidTag

    def destroy(self, candidate_id: UUID, purposes: Iterable[Purpose]) -> None:
        """Has the keys of these purposes destroyed with this append, and never made again."""
        for purpose in purposes:
            owner = self._keyring.owner_of(candidate_id, purpose)
            self.new[:] = [
                each for each in self.new if (each.candidate_id, each.purpose) != (owner, purpose)
            ]
            self.new.append(NewKey(owner, purpose, DESTROYED))
            self._keys[owner] = {**self._keys_of(owner), purpose: Loss.DESTROYED}

    def keep(self, candidate_ids: Iterable[UUID]) -> None:
        """Lets everyone use the keys of candidates whose new ones are on record now."""
        for candidate_id in candidate_ids:
            self._keyring.put(candidate_id, self._keys[candidate_id], self._at)

    def _keys_of(self, candidate_id: UUID) -> Keys:
        keys = self._keys.get(candidate_id)
        if keys is None:
            begun = candidate_id in self._begun
            keys = self._keys[candidate_id] = self._keyring.keys(candidate_id, begun=begun)
        return keys

    def _new(self, candidate_id: UUID, purpose: Purpose) -> bytes:
        made, key = self._keyring.make(candidate_id, purpose)
        self.new.append(made)
        self._keys[candidate_id] = {**self._keys[candidate_id], purpose: key}
        return key
