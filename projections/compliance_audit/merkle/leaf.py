"""What a leaf of the log commits to: one event, exactly as it is stored.

A leaf is these bytes, numbers big-endian, the event at position p being leaf p - 1:

    bytes   what
    17      "hirelog event v1" in ASCII and a zero byte
    8       position in the log, from 1
    16      the candidate, job or other stream
    8       number of the event on its stream, from 1
    4       length of the topic in bytes
    ...     topic, UTF-8
    32      SHA-256 of the stored state

The state is there by its hash, so that the leaves of a whole log can be shown to somebody who may
not see what happened to whom; the leaf's own hash is that of RFC 6962.
"""

from hashlib import sha256
from struct import Struct
from uuid import UUID

from projections.compliance_audit.merkle.tree import leaf_hash

HEAD = Struct(">17sq16sqI")
DOMAIN = b"hirelog event v1\0"


def leaf(position: int, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
    """The bytes of an event's leaf."""
    name = topic.encode()
    head = HEAD.pack(DOMAIN, position, stream.bytes, version, len(name))
    return head + name + sha256(state).digest()


def event_hash(position: int, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
    """The hash of an event's leaf."""
    return leaf_hash(leaf(position, stream, version, topic, state))
