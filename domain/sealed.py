"""How one personal value is sealed, so that its key can be handed out without any other's.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce before the ciphertext. The candidate,
purpose and field are authenticated with it, so that a sealed value cannot be moved to another
place. The key of a value is the keyed BLAKE2b (RFC 7693) of its nonce, under the candidate's key:
whoever is given it can open that value, which proves what the value is, and no other one.

A sealed value is `purpose:.base64`, or `purpose:` where the candidate's key was destroyed before.
Those of before there were keys of values have no dot: the candidate's key sealed them itself.
"""

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.values import Purpose

NONCE_BYTES = 12
KEY_BYTES = 32
LEAST = 38  # letters of base64 for a nonce and a tag, and for no value at all
MARK = "."  # no letter of base64
LABEL = b"hirelog value"  # another one would make every sealed value unreadable


def seal(key: bytes, candidate: UUID, purpose: Purpose, field: str, value: str) -> str:
    """The value, sealed by a key of its own under the candidate's `key` of 32 bytes."""
    nonce = os.urandom(NONCE_BYTES)
    own = AESGCM(_of_nonce(key, nonce))
    sealed = nonce + own.encrypt(nonce, value.encode(), place(candidate, purpose, field))
    return f"{purpose}:{MARK}{b64encode(sealed).decode()}"


def opened(key: bytes, candidate: UUID, field: str, sealed: str) -> str | None:
    """The value by the candidate's key; None where nothing was sealed any more.

    Raises InvalidTag or ValueError where the value or its place was altered.
    """
    return _opened(key_of(key, sealed) or key, candidate, field, sealed)


def key_of(key: bytes, sealed: str) -> bytes | None:
    """The key of this value alone; None where it has none of its own."""
    if not has_own_key(sealed):
        return None
    _, _, encoded = sealed.partition(":")
    return _of_nonce(key, b64decode(encoded.removeprefix(MARK))[:NONCE_BYTES])


def has_own_key(sealed: str) -> bool:
    """Whether the value was sealed by a key of its own."""
    return sealed.partition(":")[2].startswith(MARK)


def pattern_of(purposes: Iterable[str]) -> str:
    """A regular expression, of PostgreSQL's or Python's, for all that is sealed for these."""
    names = "|".join(map(re.escape, sorted(purposes)))
    return rf"^({names}):\.?[A-Za-z0-9+/]{{{LEAST},}}={{0,2}}$"


def is_sealed_of(own: bytes, candidate: UUID, field: str, sealed: str, value: str) -> bool:
    """Whether `value` is what was sealed, by the key of this value alone."""
    try:
        return _opened(own, candidate, field, sealed) == value
    except (InvalidTag, ValueError):
        return False


def place(candidate: UUID, purpose: Purpose, field: str) -> bytes:
    """What is authenticated with a sealed value; with a wrapped key, which has no field."""
    return candidate.bytes + _named(purpose, field)


@cache
def _named(purpose: Purpose, field: str) -> bytes:
    return f"{purpose}/{field}".encode()


def _opened(key: bytes, candidate: UUID, field: str, sealed: str) -> str | None:
    purpose, _, encoded = sealed.partition(":")
    data = b64decode(encoded.removeprefix(MARK))
    if not data:
        return None
    at = place(candidate, Purpose(purpose), field)
    return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], at).decode()


def _of_nonce(key: bytes, nonce: bytes) -> bytes:
    return blake2b(nonce, key=key, digest_size=KEY_BYTES, person=LABEL).digest()
