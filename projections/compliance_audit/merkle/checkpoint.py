"""Signed checkpoints and portable proofs of inclusion: c2sp.org/tlog-checkpoint and tlog-proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.compliance_audit.merkle import note
from projections.compliance_audit.merkle.encoding import (
    NotProven,
    from_base64,
    from_decimal,
    hash_from_base64,
    to_base64,
)
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from projections.compliance_audit.merkle.tree import verify_inclusion

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63  # of a tree of 2^63 leaves


@dataclass(frozen=True)
class Checkpoint:
    """What was signed: the log's name, how many events it held, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    def signed(self, signer: Signer) -> str:
        """The signed note."""
        return signer.sign(str(self))


class Keys(Protocol):
    """Whose signatures count, where one key of a log followed another."""

    def opened(self, text: str) -> Checkpoint:
        """The checkpoint in a note that the key of its time has signed. Raises NotProven."""


@dataclass(frozen=True)
class InclusionProof:
    """That the leaf `index`, from 0, is in the tree of a checkpoint, whose note is part of it."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str

    def __str__(self) -> str:
        """As a file of the format tlog-proof."""
        lines = [PROOF_HEADER, f"index {self.index}", *map(to_base64, self.hashes), ""]
        return "\n".join(lines) + "\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "InclusionProof":
        """The proof that `str` wrote, or another log's; extra data is passed over.

        Raises NotProven.
        """
        head, blank, checkpoint = text.partition("\n\n")
        header, *lines = head.split("\n")
        if not blank or header != PROOF_HEADER or not lines:
            raise NotProven(f"a proof begins with {PROOF_HEADER} and ends with a checkpoint")
        if lines[0].startswith("extra "):
            from_base64(lines.pop(0).removeprefix("extra "), "the extra data of a proof")
        if not lines or not lines[0].startswith("index "):
            raise NotProven("the proof has no index")
        index = from_decimal(lines[0].removeprefix("index "), "the index of a proof")
        if len(lines) - 1 > MAX_HASHES:
            raise NotProven("the proof is too long")
        hashes = [hash_from_base64(line, "a line of a proof") for line in lines[1:]]
        return cls(index, hashes, checkpoint)

    def verify(self, leaf: bytes, key: VerifierKey | Keys) -> Checkpoint:
        """Checks the signature and the way from the leaf's hash to the root. Raises NotProven."""
        signed = opened(self.checkpoint, key)
        verify_inclusion(self.index, signed.size, leaf, self.hashes, signed.root)
        return signed


def opened(text: str, key: VerifierKey | Keys) -> Checkpoint:
    """The checkpoint in a note that `key` has signed, whose name is the log's. Raises NotProven."""
    if not isinstance(key, VerifierKey):
        return key.opened(text)
    lines = note.opened(text, key).removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise NotProven("a checkpoint is an origin, a size and a root, a line for each")
    if lines[0] != key.name:
        raise NotProven("the checkpoint is of another log than the key")
    size = from_decimal(lines[1], "the size in a checkpoint")
    return Checkpoint(lines[0], size, hash_from_base64(lines[2], "the root in a checkpoint"))
