"""Signed notes as C2SP has them (c2sp.org/signed-note), with Ed25519 keys."""

import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from projections.compliance_audit.merkle.encoding import NotProven, from_base64, to_base64

ED25519 = b"\x01"  # the type of signature
ID_BYTES, KEY_BYTES, SIGNATURE_BYTES = 4, 32, 64
MAX_CHARACTERS = 100_000
MAX_SIGNATURES = 100
DASH = "\N{EM DASH} "
SIGNATURE = re.compile(DASH + r"(\S+) (\S+)")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
NAME = re.compile(r"[^\s+]+")


@dataclass(frozen=True)
class VerifierKey:
    """Whose signature it must be: a name and a public key. All that a verifier has to trust."""

    name: str
    public_key: bytes  # 32 bytes, RFC 8032

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key of that name."""
        named = f"{self.name}\n".encode() + ED25519 + self.public_key
        return sha256(named).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """`name+id+key`, the id in hexadecimal, the key in base64 behind its type."""
        return f"{self.name}+{self.id.hex()}+{to_base64(ED25519 + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key that `str` wrote. Raises NotProven."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not is_name(parts[0]):
            raise NotProven("a verifier key is name+id+key, as hirelog audit key prints it")
        name, key_id, encoded = parts
        data = from_base64(encoded, "the key in a verifier key")
        if data[:1] != ED25519 or len(data) != 1 + KEY_BYTES:
            raise NotProven("the key in a verifier key is not one of Ed25519")
        key = cls(name, data[1:])
        if key.id.hex() != key_id:
            raise NotProven("the id in a verifier key is not that of the key; one of them is wrong")
        return key


class Signer:
    """Signs notes in a name."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed` is the private key of RFC 8032, 32 bytes. Raises NotProven for a bad name."""
        if not is_name(name):
            raise NotProven("the name of a key has no spaces and no +")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = VerifierKey(name, public)

    def sign(self, text: str) -> str:
        """The note: the text, which ends with a newline, and its signature."""
        return f"{text}\n{self.signature(text)}"

    def signature(self, text: str) -> str:
        """The line that a note with this text ends with, for another signature beside others."""
        signature = self._private.sign(text.encode())
        return f"{DASH}{self.key.name} {to_base64(self.key.id + signature)}\n"


def is_name(text: str) -> bool:
    """Whether a key may be called so: no spaces of any kind, no plus."""
    return bool(NAME.fullmatch(text)) and not CONTROL.search(text)


def opened(note: str, key: VerifierKey) -> str:
    """The text of a note that `key` has signed.

    Signatures of other keys are passed over. Raises NotProven for a malformed note, one without a
    signature of the key, or with one that does not hold.
    """
    text, signatures = _parts(note)
    ours = [data for name, data in signatures if (name, data[:ID_BYTES]) == (key.name, key.id)]
    if not ours:
        raise NotProven(f"the note is not signed by {key.name} with this key")
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    for data in ours:
        try:
            public.verify(data[ID_BYTES:], text.encode())
        except InvalidSignature:
            raise NotProven(f"the signature of {key.name} does not hold") from None
    return text


def split(notes: str) -> list[str]:
    """The notes of a file to which one was appended after the other; their text may be anything."""
    found: list[str] = []
    before = ""
    for line in notes.splitlines(keepends=True):
        if not found or (before.startswith(DASH) and not line.startswith(DASH)):
            found.append("")
        found[-1] += line
        before = line
    return found


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > MAX_CHARACTERS or CONTROL.search(note):
        raise NotProven("the note is too long or holds control characters")
    text, blank, block = note.rpartition("\n\n")
    if not blank or not text or not block.endswith("\n"):
        raise NotProven("a note is a text, an empty line and lines of signatures")
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NotProven(f"the note has more than {MAX_SIGNATURES} signatures")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    parts = SIGNATURE.fullmatch(line)
    if parts is None or not is_name(parts[1]):
        raise NotProven("a line of a signature is an em dash, a name and base64")
    data = from_base64(parts[2], "a signature")
    if len(data) <= ID_BYTES:
        raise NotProven("a signature is too short")
    return parts[1], data
