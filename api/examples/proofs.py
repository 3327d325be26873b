"""Example answers of the routes that prove what is on record, made by the real thing."""

from uuid import UUID

from projections.compliance_audit.merkle import tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint, InclusionProof
from projections.compliance_audit.merkle.encoding import to_base64
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import Signer

_SIGNER = Signer(
    "hirelog/553f8b28-45b1-42b3-9c4a-4f80e3b8b666", b"an example, not a secret key ..."
)
_LEAVES = [event_hash(at, UUID(int=7), at, "candidate.noted", b"{}") for at in range(1, 5)]


def _subtrees(height: int, number: int) -> bytes:
    return tree.complete_root(_LEAVES[number << height : (number + 1) << height])


_MADE = Checkpoint(_SIGNER.key.name, 4, tree.root(4, _subtrees))
_PROOF = InclusionProof(1, tree.inclusion_proof(1, 4, _subtrees), _MADE.signed(_SIGNER))

CHECKPOINT = {
    "origin": _MADE.origin,
    "size": _MADE.size,
    "root": to_base64(_MADE.root),
    "note": _PROOF.checkpoint,
    "rotations": [],
}
INCLUSION = {
    "position": 2,
    "index": 1,
    "size": _MADE.size,
    "leaf_hash": to_base64(_LEAVES[1]),
    "proof": [to_base64(each) for each in _PROOF.hashes],
    "tlog_proof": str(_PROOF),
}
CONSISTENCY = {
    "size1": 3,
    "size2": 4,
    "proof": [to_base64(each) for each in tree.consistency_proof(3, 4, _subtrees)],
}
