"""RFC 6962, section 2.1, word by word: slow, recursive, and with all leaves in hand."""

from collections.abc import Sequence
from hashlib import sha256

Hashes = Sequence[bytes]


def leaves(count: int) -> list[bytes]:
    """Hashes of so many different leaves."""
    return [sha256(b"\0" + str(number).encode()).digest() for number in range(count)]


def root(hashes: Hashes) -> bytes:
    """MTH(D[n]), of the hashes of the leaves."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\1" + root(hashes[:k]) + root(hashes[k:])).digest()


def path(m: int, hashes: Hashes) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), root(hashes[k:])]
    return [*path(m - k, hashes[k:]), root(hashes[:k])]


def proof(m: int, hashes: Hashes, *, known: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], known)."""
    if m == len(hashes):
        return [] if known else [root(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*proof(m, hashes[:k], known=known), root(hashes[k:])]
    return [*proof(m - k, hashes[k:], known=False), root(hashes[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
