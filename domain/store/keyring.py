"""The keys that encrypt personal values: one for each candidate and purpose, wrapped by a master.

They are wrapped by AES-256-GCM (NIST SP 800-38D), with a random 96-bit nonce before each
ciphertext; the candidate and purpose are authenticated with it. domain/sealed.py says how they seal
values. Digests are keyed BLAKE2b (RFC 7693), with a key that is derived from the master.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b, sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.application import LRUCache
from eventsourcing.postgres import PostgresDatastore

from domain import sealed
from domain.sealed import KEY_BYTES, NONCE_BYTES, place
from domain.store.patience import patiently
from domain.values import REDACTED, Loss, Purpose

DIGEST_BYTES = 16
DIGEST_KEY_LABEL = b"hirelog command digest"  # another one would make every command a new one
CACHED_CANDIDATES = 50_000

SELECT_KEYS = """
SELECT candidate_id, purpose, wrapped_key
  FROM hirelog.candidate_keys
 WHERE candidate_id = ANY(%s)
"""

SELECT_FINGERPRINT = "SELECT fingerprint FROM hirelog.master_key"
INSERT_FINGERPRINT = """
INSERT INTO hirelog.master_key (fingerprint) VALUES (%s) ON CONFLICT DO NOTHING
"""

Keys = Mapping[Purpose, bytes | Loss]

# For whoever is at it alone: all others are told of the damage.
_PAST_DAMAGE: ContextVar[UUID | None] = ContextVar("past damage", default=None)


DESTROYED = b""  # in the place of a wrapped key


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is to be stored with the first events that it seals, or is to be destroyed."""

    candidate_id: UUID
    purpose: Purpose
    wrapped: bytes


class WrongMasterKey(Exception):  # noqa: N818  # the name of the situation
    """The database's keys were wrapped by another master key."""


class Keyring:
    """Seals and opens the personal values of candidates. Safe for threads."""

    def __init__(self, master_key: bytes, datastore: PostgresDatastore) -> None:
        """`master_key` is 32 bytes. Raises WrongMasterKey when the database knows another one."""
        self._master = AESGCM(master_key)
        self._digest_key = hmac.digest(master_key, DIGEST_KEY_LABEL, "sha256")
        self.datastore = datastore
        self._cache: LRUCache[UUID, Keys] = LRUCache(maxsize=CACHED_CANDIDATES)
        self.forgotten = 0  # how often keys were forgotten; what was read before must not come back
        self._check_master(sha256(b"hirelog master key " + master_key).hexdigest()[:16])

    def make(self, candidate_id: UUID, purpose: Purpose) -> tuple[NewKey, bytes]:
        """A new key, as it is stored and as it is used."""
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        wrapped = nonce + self._master.encrypt(nonce, key, place(candidate_id, purpose, ""))
        return NewKey(candidate_id, purpose, wrapped), key

    def keys(self, candidate_id: UUID, *, begun: bool) -> Keys:
        """The candidate's keys on record, as they were when they were last read.

        Of one who has `begun` just now, and whose keys nobody has read, there are none.
        """
        known = self._cached(candidate_id)
        if known is None:
            known = {} if begun else self._load([candidate_id])[candidate_id]
        return known

    def put(self, candidate_id: UUID, keys: Keys, at: int) -> None:
        """Remembers keys that are on record, unless some were `forgotten` since they were read.

        `at` is what `forgotten` was before they were read.
        """
        self._cache.put(candidate_id, keys)
        if self.forgotten != at:
            self._evict(candidate_id)

    def forget(self, candidate_ids: Iterable[UUID]) -> None:
        """Has the keys of these read anew when they are needed; others made or destroyed some."""
        self.forgotten += 1  # before they go: whoever puts them back meanwhile finds out
        for candidate_id in candidate_ids:
            self._evict(candidate_id)

    def forget_all(self) -> None:
        """The same for all keys."""
        self.forgotten += 1
        self._cache = LRUCache(maxsize=CACHED_CANDIDATES)

    def owner_of(self, candidate_id: UUID, purpose: Purpose) -> UUID:
        """The stream under whose id the candidate's key of this purpose is kept."""
        if purpose is not Purpose.SELF_IDENTIFICATION:
            return candidate_id
        # Out of recruiting's reach (ADR 11): only who has the master key can tell whose it is.
        digest = self.digest(f"self-identification of {candidate_id}")
        return UUID(bytes=urlsafe_b64decode(digest + "=="), version=4)

    def _evict(self, candidate_id: UUID) -> None:
        with suppress(KeyError):
            self._cache.get(candidate_id, evict=True)

    def open(self, candidate_id: UUID, field: str, value: str) -> str:
        """The value in clear, or REDACTED when its key is gone.

        Raises InvalidTag or ValueError where the value or its key was altered.
        """
        try:
            key = self._key_for(candidate_id, value)
            opened = sealed.opened(key, candidate_id, field, value) if key else None
        except (InvalidTag, ValueError):
            if _PAST_DAMAGE.get() != candidate_id:
                raise
            return REDACTED
        return REDACTED if opened is None else opened

    @contextmanager
    def past_damage(self, candidate_id: UUID) -> Iterator[None]:
        """Has what cannot be opened of this candidate read as redacted: it is to be erased."""
        before = _PAST_DAMAGE.set(candidate_id)
        try:
            yield
        finally:
            _PAST_DAMAGE.reset(before)

    def key_of(self, candidate_id: UUID, value: str) -> bytes | None:
        """The key of a sealed value alone, for whom the value is given to.

        None where its key is gone, or sealed it itself. Raises InvalidTag where that was altered.
        """
        key = self._key_for(candidate_id, value)
        return sealed.key_of(key, value) if key else None

    def _key_for(self, candidate_id: UUID, value: str) -> bytes | None:
        purpose = Purpose(value.partition(":")[0])
        keys = self._cached(candidate_id) or {}
        if purpose not in keys:
            keys = self._load([candidate_id])[candidate_id]
        key = keys.get(purpose)
        if key is None or key is Loss.DESTROYED:
            return None
        if isinstance(key, Loss):
            raise InvalidTag
        return key

    def digest(self, text: str) -> str:
        """Tells texts apart, for ever; without the master key nobody can test a guess with it."""
        digest = blake2b(text.encode(), key=self._digest_key, digest_size=DIGEST_BYTES).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def load(self, candidate_ids: Iterable[UUID]) -> None:
        """Reads the keys of many candidates at once, where they are not known yet."""
        missing = [each for each in set(candidate_ids) if self._cached(each) is None]
        if missing:
            self._load(missing)

    def destroyed(self, candidate_ids: Iterable[UUID], purpose: Purpose) -> set[UUID]:
        """Whose key of this purpose is gone for ever, as it is on record now."""
        loaded = self._load(list(candidate_ids))
        return {each for each, keys in loaded.items() if keys.get(purpose) is Loss.DESTROYED}

    def lost(self, values: Iterable[tuple[UUID, Purpose, str, str]]) -> list[Loss | None]:
        """Of values by stream, purpose, field and how they are sealed: why each cannot be opened.

        None stands for one that the keys on record open. Nothing is remembered.
        """
        given = list(values)
        with self.datastore.get_connection() as connection:
            rows = connection.execute(SELECT_KEYS, ([stream for stream, *_ in given],)).fetchall()
        on_record = {(row["candidate_id"], row["purpose"]): row["wrapped_key"] for row in rows}
        return [self._loss(on_record, *each) for each in given]

    def _loss(
        self,
        on_record: Mapping[tuple[UUID, str], bytes | None],
        stream: UUID,
        purpose: Purpose,
        field: str,
        value: str,
    ) -> Loss | None:
        if (stream, purpose) not in on_record:
            return Loss.MISSING
        key = self._unwrap(stream, purpose, on_record[stream, purpose])
        if isinstance(key, Loss):
            return key
        if value.partition(":")[0] != purpose:
            return Loss.USELESS
        try:
            sealed.opened(key, stream, field, value)
        except (InvalidTag, ValueError):
            return Loss.USELESS
        return None

    def _cached(self, candidate_id: UUID) -> Keys | None:
        try:
            return self._cache.get(candidate_id)
        except KeyError:
            return None

    @patiently
    def _load(self, candidate_ids: list[UUID]) -> Mapping[UUID, Keys]:
        loaded: dict[UUID, dict[Purpose, bytes | Loss]] = {each: {} for each in candidate_ids}
        at = self.forgotten
        with self.datastore.get_connection() as connection:
            rows = connection.execute(SELECT_KEYS, (candidate_ids,)).fetchall()
        for row in rows:
            purpose = Purpose(row["purpose"])
            loaded[row["candidate_id"]][purpose] = self._unwrap(
                row["candidate_id"], purpose, row["wrapped_key"]
            )
        for candidate_id, keys in loaded.items():
            self.put(candidate_id, keys, at)
        return loaded

    def _unwrap(self, candidate_id: UUID, purpose: Purpose, wrapped: bytes | None) -> bytes | Loss:
        if wrapped is None:
            return Loss.DESTROYED
        try:
            key = self._master.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place(candidate_id, purpose, "")
            )
        except (InvalidTag, ValueError):  # the others of the same page can be read all the same
            return Loss.USELESS
        return key if len(key) == KEY_BYTES else Loss.USELESS

    def _check_master(self, fingerprint: str) -> None:
        with self.datastore.get_connection() as connection:
            connection.execute(INSERT_FINGERPRINT, (fingerprint,))
            row = connection.execute(SELECT_FINGERPRINT).fetchone()
        if row is None or row["fingerprint"] != fingerprint:
            raise WrongMasterKey(
                "the master key is not the one that wraps this database's keys; give the right one "
                "in HIRELOG_MASTER_KEY or as master.key in the data directory"
            )


__all__ = ["InvalidTag", "Keyring", "NewKey", "WrongMasterKey"]
