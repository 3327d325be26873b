"""The keys that encrypt personal values: one for each candidate and purpose, wrapped by a master.

AES-256-GCM (NIST SP 800-38D) throughout, with a random 96-bit nonce before each ciphertext. The
candidate, purpose and field are authenticated with it, so that a sealed value cannot be moved to
another place.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from threading import Lock
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.application import LRUCache
from eventsourcing.postgres import PostgresDatastore

from domain.errors import CandidateErased
from domain.values import REDACTED, Purpose

NONCE_BYTES = 12
KEY_BYTES = 32
CACHED_CANDIDATES = 50_000

SELECT_KEYS = """
SELECT candidate_id, purpose, wrapped_key
  FROM hirelog.candidate_keys
 WHERE candidate_id = ANY(%s)
"""

INSERT_KEYS = """
INSERT INTO hirelog.candidate_keys (candidate_id, purpose, wrapped_key)
SELECT given.candidate_id, given.purpose, given.wrapped_key
  FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS given (candidate_id, purpose, wrapped_key)
    ON CONFLICT (candidate_id, purpose) DO NOTHING
"""

SELECT_FINGERPRINT = "SELECT fingerprint FROM hirelog.master_key"
INSERT_FINGERPRINT = """
INSERT INTO hirelog.master_key (fingerprint) VALUES (%s) ON CONFLICT DO NOTHING
"""

Keys = Mapping[Purpose, AESGCM | None]  # None stands for a destroyed key


class WrongMasterKey(Exception):  # noqa: N818  # the name of the situation
    """The database's keys were wrapped by another master key."""


class Keyring:
    """Seals and opens the personal values of candidates. Safe for threads."""

    def __init__(self, master_key: bytes, datastore: PostgresDatastore) -> None:
        """`master_key` is 32 bytes. Raises WrongMasterKey when the database knows another one."""
        self._master = AESGCM(master_key)
        self._datastore = datastore
        self._cache: LRUCache[UUID, Keys] = LRUCache(maxsize=CACHED_CANDIDATES)
        self._lock = Lock()
        self._check_master(sha256(b"hirelog master key " + master_key).hexdigest()[:16])

    def seal(self, candidate_id: UUID, purpose: Purpose, field: str, value: str) -> str:
        """`value` as `purpose:base64`; makes the candidate's keys when there are none yet."""
        key = self._keys(candidate_id, create=True).get(purpose)
        if key is None:
            raise CandidateErased(
                f"candidate {candidate_id} was erased; nothing personal can be recorded any more"
            )
        nonce = os.urandom(NONCE_BYTES)
        sealed = key.encrypt(nonce, value.encode(), _place(candidate_id, purpose, field))
        return f"{purpose}:{b64encode(nonce + sealed).decode()}"

    def open(self, candidate_id: UUID, field: str, sealed: str) -> str:
        """The value in clear, or REDACTED when its key is gone. Raises InvalidTag if altered."""
        purpose = Purpose(sealed.partition(":")[0])
        key = self._keys(candidate_id, create=False).get(purpose)
        if key is None:
            return REDACTED
        data = b64decode(sealed.partition(":")[2])
        place = _place(candidate_id, purpose, field)
        return key.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], place).decode()

    def provide(self, candidate_ids: Iterable[UUID]) -> None:
        """Loads the keys of many candidates at once and makes those that are missing."""
        with self._lock:
            missing = [each for each in set(candidate_ids) if self._cached(each) is None]
        if missing:
            self._load(missing, create=True)

    def load(self, candidate_ids: Iterable[UUID]) -> None:
        """Loads the keys of many candidates at once, for a page of results to open."""
        with self._lock:
            missing = [each for each in set(candidate_ids) if self._cached(each) is None]
        if missing:
            self._load(missing, create=False)

    def _keys(self, candidate_id: UUID, *, create: bool) -> Keys:
        with self._lock:
            keys = self._cached(candidate_id)
        if keys is None or (create and not keys):
            self._load([candidate_id], create=create)
            with self._lock:
                keys = self._cached(candidate_id) or {}
        return keys

    def _cached(self, candidate_id: UUID) -> Keys | None:
        try:
            return self._cache.get(candidate_id)
        except KeyError:
            return None

    def _load(self, candidate_ids: list[UUID], *, create: bool) -> None:
        # Missing keys are committed before any event that needs them: two writers who make the
        # same candidate's keys at once both go on with the ones that were stored first.
        loaded: dict[UUID, dict[Purpose, AESGCM | None]] = {each: {} for each in candidate_ids}
        with self._datastore.get_connection() as connection:
            rows = connection.execute(SELECT_KEYS, (candidate_ids,)).fetchall()
            known = {(row["candidate_id"], row["purpose"]) for row in rows}
            erased = {row["candidate_id"] for row in rows if row["wrapped_key"] is None}
            made = [
                (each, purpose)
                for each in candidate_ids
                for purpose in Purpose
                if create and each not in erased and (each, purpose) not in known
            ]
            if made:
                connection.execute(
                    INSERT_KEYS,
                    (
                        [candidate_id for candidate_id, _ in made],
                        [str(purpose) for _, purpose in made],
                        [self._wrap(candidate_id, purpose) for candidate_id, purpose in made],
                    ),
                )
                rows = connection.execute(SELECT_KEYS, (candidate_ids,)).fetchall()
        for row in rows:
            purpose = Purpose(row["purpose"])
            loaded[row["candidate_id"]][purpose] = self._unwrap(
                row["candidate_id"], purpose, row["wrapped_key"]
            )
        with self._lock:
            for candidate_id, keys in loaded.items():
                if keys:
                    self._cache.put(candidate_id, keys)

    def _wrap(self, candidate_id: UUID, purpose: Purpose) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        place = _place(candidate_id, purpose, "")
        return nonce + self._master.encrypt(nonce, os.urandom(KEY_BYTES), place)

    def _unwrap(self, candidate_id: UUID, purpose: Purpose, wrapped: bytes | None) -> AESGCM | None:
        if wrapped is None:
            return None
        place = _place(candidate_id, purpose, "")
        return AESGCM(self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place))

    def _check_master(self, fingerprint: str) -> None:
        with self._datastore.get_connection() as connection:
            connection.execute(INSERT_FINGERPRINT, (fingerprint,))
            row = connection.execute(SELECT_FINGERPRINT).fetchone()
        if row is None or row["fingerprint"] != fingerprint:
            raise WrongMasterKey(
                "the master key is not the one that wraps this database's keys; give the right one "
                "in HIRELOG_MASTER_KEY or as master.key in the data directory"
            )


def _place(candidate_id: UUID, purpose: Purpose, field: str) -> bytes:
    return candidate_id.bytes + f"{purpose}/{field}".encode()


__all__ = ["InvalidTag", "Keyring", "WrongMasterKey"]
