"""The Merkle tree of RFC 6962, section 2.1: hashes, roots, proofs of inclusion and consistency.

Nothing here holds all leaves. A tree is what `Subtrees` tells of it: the hash of a complete
subtree, named by its height and its number from the left, so that subtree (h, n) covers the leaves
from n * 2^h on, 2^h of them; (0, n) is a leaf. A proof asks for O(log n) of these.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from projections.compliance_audit.merkle.encoding import HASH_BYTES, NotProven

Subtrees = Callable[[int, int], bytes]

EMPTY_ROOT = sha256(b"").digest()
LEVEL = 8  # heights between the subtrees that are worth storing


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(size: int, subtrees: Subtrees) -> bytes:
    """The root over the first `size` leaves."""
    return _range_hash(0, size, subtrees) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """PATH(index, D[size]): proves that leaf `index`, from 0, is in the tree of `size` leaves.

    Raises NotProven when there is no such leaf.
    """
    if not 0 <= index < size:
        raise NotProven(f"a tree of {size} leaves has no leaf {index}")
    beside = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            beside.append((middle, stop))
            stop = middle
        else:
            beside.append((start, middle))
            start = middle
    return [_range_hash(*each, subtrees) for each in reversed(beside)]


def consistency_proof(old: int, new: int, subtrees: Subtrees) -> list[bytes]:
    """PROOF(old, D[new]): proves that the tree of `old` leaves is the beginning of that of `new`.

    Raises NotProven unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise NotProven(f"there is no proof that {old} leaves are the first of {new}")
    beside = []
    start, stop = 0, new
    while old < stop:
        middle = start + _split(stop - start)
        if old <= middle:
            beside.append((middle, stop))
            stop = middle
        else:
            beside.append((start, middle))
            start = middle
    if start:  # else the old root itself is where the path begins, and the verifier has it
        beside.append((start, stop))
    return [_range_hash(*each, subtrees) for each in reversed(beside)]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected: bytes
) -> None:
    """RFC 9162, section 2.1.3.2; `leaf` is the leaf's hash. Raises NotProven."""
    _check_hashes([leaf, expected, *proof])
    if not 0 <= index < size:
        raise NotProven(f"a tree of {size} leaves has no leaf {index}")
    place, last, made = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise NotProven("the inclusion proof is too long")
        if place & 1 or place == last:
            made = node_hash(each, made)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            made = node_hash(made, each)
        place, last = place >> 1, last >> 1
    if last:
        raise NotProven("the inclusion proof is too short")
    if made != expected:
        raise NotProven(f"the inclusion proof of leaf {index} does not lead to the root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162, section 2.1.4.2; an empty old tree proves nothing. Raises NotProven."""
    _check_hashes(proof)
    if not 0 < old <= new:
        raise NotProven(f"no proof shows that {old} leaves are the first of {new}")
    if old == new:
        if proof:
            raise NotProven("the consistency proof of a tree with itself must be empty")
        if old_root != new_root:
            raise NotProven(f"two roots for the same {old} leaves")
        return
    path = list(proof)
    if not old & (old - 1):
        path.insert(0, old_root)
    if not path:
        raise NotProven("the consistency proof is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    made_old = made_new = path[0]
    for each in path[1:]:
        if last == 0:
            raise NotProven("the consistency proof is too long")
        if place & 1 or place == last:
            made_old, made_new = node_hash(each, made_old), node_hash(each, made_new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            made_new = node_hash(made_new, each)
        place, last = place >> 1, last >> 1
    if last:
        raise NotProven("the consistency proof is too short")
    if made_old != old_root or made_new != new_root:
        raise NotProven(f"{old} leaves are not the first of {new}: the log was rewritten")


class Frontier:
    """A tree that grows at its right edge; it holds one hash for each bit of its size.

    `completed` collects the subtrees of whole levels as (level, number, hash), level n being the
    subtrees of height 8 * n, until the caller takes them away.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """`hashes` are those of `complete_subtrees(0, size)`."""
        self.size = size
        self.hashes = list(hashes)
        self.completed: list[tuple[int, int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        """One leaf more, by its hash."""
        made, height, number = leaf, 0, self.size
        while number & 1:
            made = node_hash(self.hashes.pop(), made)
            height, number = height + 1, number >> 1
            if height % LEVEL == 0:
                self.completed.append((height // LEVEL, number, made))
        self.hashes.append(made)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _from_the_right(self.hashes) if self.size else EMPTY_ROOT

    def copy(self) -> "Frontier":
        """Another one that grows for itself, with nothing completed."""
        return Frontier(self.size, self.hashes)


def complete_subtrees(start: int, stop: int) -> list[tuple[int, int]]:
    """The complete subtrees from left to right, largest first, that make up leaves of RFC 6962.

    The range must be one that the RFC splits a tree into: `start` is a multiple of them all.
    """
    found = []
    for height in reversed(range((stop - start).bit_length())):
        if (stop - start) >> height & 1:
            found.append((height, start >> height))
            start += 1 << height
    return found


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _range_hash(start: int, stop: int, subtrees: Subtrees) -> bytes:
    return _from_the_right([subtrees(*each) for each in complete_subtrees(start, stop)])


def _from_the_right(hashes: Sequence[bytes]) -> bytes:
    made = hashes[-1]
    for left in reversed(hashes[:-1]):
        made = node_hash(left, made)
    return made


def _split(size: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (size - 1).bit_length() - 1


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise NotProven(f"a hash has {HASH_BYTES} bytes")
