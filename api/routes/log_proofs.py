"""Proofs: the log's signed checkpoint, that it covers an event, and that it continues another."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access.rights import READS_THE_AUDIT, open_to
from api.deps import SystemDep
from api.door.route import Route
from api.examples import proofs as examples
from api.openapi import answers
from api.problem_documents import problems
from projections.compliance_audit.merkle import stored, tree
from projections.compliance_audit.merkle.encoding import to_base64
from projections.compliance_audit.merkle.stored import NoProof, NotSealed, Signed

router = APIRouter(
    prefix="/v1/audit/log",
    tags=["Audit"],
    route_class=Route,
    dependencies=[open_to(*READS_THE_AUDIT)],
)

Position = Annotated[int, Query(ge=1, lt=2**63)]


class LogCheckpoint(BaseModel):
    """How many events the log holds and the root over them, signed."""

    origin: str = Field(description="The log's name.")
    size: int = Field(description="How many events it covers: the position of the last.")
    root: str = Field(description="RFC 6962 root hash, base64.")
    note: str = Field(description="The same as a signed note, C2SP tlog-checkpoint.")
    rotations: list[str] = Field(
        description="Where signing keys were changed: the last checkpoint of each, signed by the "
        "key that followed, too, and naming both."
    )


class Inclusion(BaseModel):
    """That an event is covered by a checkpoint."""

    position: int
    index: int = Field(description="Of its leaf, from 0.")
    size: int = Field(description="How many events the checkpoint covers.")
    leaf_hash: str = Field(description="RFC 6962 leaf hash as it was sealed, base64.")
    proof: list[str] = Field(description="RFC 6962 inclusion proof, base64.")
    tlog_proof: str = Field(description="The whole as one file, C2SP tlog-proof.")


class Consistency(BaseModel):
    """That a log continues an earlier one."""

    size1: int
    size2: int
    proof: list[str] = Field(description="RFC 6962 consistency proof, base64.")


@router.get(
    "/checkpoint",
    summary="Get the log's last signed checkpoint",
    responses=answers(examples.CHECKPOINT) | problems(NotSealed),
)
def get_checkpoint(system: SystemDep) -> LogCheckpoint:
    """Whoever keeps it can prove later that nothing was altered since; see `hirelog audit witness`.

    A new one is signed once a second while events come.
    """
    with system.pool.connection() as connection:
        signed = _latest(stored.latest(connection))
        rotations = stored.rotations(connection)
    made = signed.checkpoint
    return LogCheckpoint(
        origin=made.origin,
        size=made.size,
        root=to_base64(made.root),
        note=signed.note,
        rotations=rotations,
    )


@router.get(
    "/inclusion",
    summary="Prove that an event is on record",
    responses=answers(examples.INCLUSION) | problems(NotSealed),
)
def prove_inclusion(
    system: SystemDep,
    position: Annotated[Position, Query(description="Of the event in the log.")],
) -> Inclusion:
    """The proof leads from the event's leaf to the root of the last checkpoint.

    A leaf is hashed from the stored bytes as `docs/proofs.md` says.
    """
    with system.pool.connection() as connection:
        signed = _latest(stored.latest(connection))
        if position > signed.checkpoint.size:
            raise NotSealed(f"no checkpoint covers position {position} yet")
        (proof,) = stored.prove(connection, [position], signed)
        leaf = stored.StoredTree(connection)(0, position - 1)
    return Inclusion(
        position=position,
        index=proof.index,
        size=signed.checkpoint.size,
        leaf_hash=to_base64(leaf),
        proof=[to_base64(each) for each in proof.hashes],
        tlog_proof=str(proof),
    )


@router.get(
    "/consistency",
    summary="Prove that the log continues an earlier one",
    responses=answers(examples.CONSISTENCY) | problems(NotSealed, NoProof),
)
def prove_consistency(
    system: SystemDep,
    size1: Annotated[Position, Query(description="Events that the earlier checkpoint covers.")],
    size2: Annotated[Position, Query(description="Events that the later checkpoint covers.")],
) -> Consistency:
    """The first `size1` of `size2` events are those of the earlier checkpoint."""
    if size1 > size2:
        raise NoProof(f"{size1} events are more than {size2}; exchange them")
    with system.pool.connection() as connection:
        signed = _latest(stored.latest(connection))
        if size2 > signed.checkpoint.size:
            raise NotSealed(f"no checkpoint covers {size2} events yet")
        proof = tree.consistency_proof(size1, size2, stored.StoredTree(connection))
    return Consistency(size1=size1, size2=size2, proof=[to_base64(each) for each in proof])


def _latest(signed: Signed | None) -> Signed:
    if signed is None:
        raise NotSealed("the log has no checkpoint yet; processes that project sign them")
    return signed
