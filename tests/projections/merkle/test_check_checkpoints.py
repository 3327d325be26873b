"""Checkpoints and hashes altered by hand are detected, and so is a log that is another one."""

from uuid import uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from projections.compliance_audit.merkle import checkpoint, stored, tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.note import Signer
from projections.compliance_audit.merkle.stored import Altered
from tests.projections.merkle.sealed import AT, FLIP, SIGNER, SIZES, Sealed, hashes, insert, rehash
from tests.projections.poison import append


def test_every_event_is_proven_to_be_covered_and_every_checkpoint_to_be_continued(
    sealed: Sealed,
) -> None:
    leaves = hashes(sealed.database)
    with psycopg.connect(sealed.database.service) as connection:
        signed = stored.latest(connection)
        assert signed is not None
        subtrees = stored.StoredTree(connection)
        for position in (1, 3, 4, 256, 257, 511, 512, 513, 530):
            (proof,) = stored.prove(connection, [position], signed)
            proof.verify(leaves[position - 1], SIGNER.key)
        for earlier in sealed.kept:
            way = tree.consistency_proof(earlier.size, 530, subtrees)
            tree.verify_consistency(earlier.size, 530, earlier.root, signed.checkpoint.root, way)


def flipped(column: str, offset: int) -> str:
    """The column with another byte at this place, whatever it is now."""
    return f"set_byte({column}, {offset}, 255 - get_byte({column}, {offset}))"


def test_an_altered_leaf_hash_is_told_from_an_altered_event(sealed: Sealed) -> None:
    sealed.by_hand(
        f"UPDATE hirelog.log_checkpoints SET leaves = {flipped('leaves', 32 * 6)} WHERE size = 300"
    )
    assert sealed.found() == [
        "position 11: the stored hash was altered; the event is the one that was signed",
    ]


def test_an_event_altered_with_its_hash_is_located_between_two_checkpoints(
    sealed: Sealed,
) -> None:
    sealed.by_hand(FLIP + AT, 77, 77, 310)
    rehash(sealed, 310)
    assert sealed.found() == [
        "positions 301 to 530: the root over these events is not the one that was signed",
        "positions 257 to 512: the stored hash of subtree 1 of level 1 is missing or altered",
    ]


def test_a_forged_root_is_located(sealed: Sealed) -> None:
    stranger = Signer(SIGNER.key.name, b"t" * 32)
    forged = Checkpoint(SIGNER.key.name, 300, b"r" * 32)
    for note in (
        forged.signed(stranger),
        "no note",
        "",
        sealed.kept[2].signed(SIGNER).replace("\n300\n", "\n299\n"),
    ):
        sealed.by_hand("UPDATE hirelog.log_checkpoints SET note = %s WHERE size = 300", note)
        (found,) = sealed.check().findings
        assert (found.first, found.last) == (300, 300)
        assert found.what.startswith("the checkpoint does not hold: ")
    sealed.by_hand(
        "UPDATE hirelog.log_checkpoints SET note = %s WHERE size = 300",
        sealed.kept[1].signed(SIGNER),
    )
    assert sealed.found() == [
        "position 300: the checkpoint stands here, but was signed for 4 events"
    ]


def test_an_altered_or_a_deleted_subtree_is_located(sealed: Sealed) -> None:
    sealed.by_hand(f"UPDATE hirelog.log_subtrees SET hash = {flipped('hash', 0)} WHERE number = 1")
    sealed.by_hand("DELETE FROM hirelog.log_subtrees WHERE number = 0")
    where = "the stored hash of subtree {} of level 1 is missing or altered"
    assert sealed.found() == [
        f"positions 1 to 256: {where.format(0)}",
        f"positions 257 to 512: {where.format(1)}",
    ]
    insert(sealed, 531)
    with pytest.raises(Altered, match="hashes are missing from position 1 on"):
        sealed.seal()


def test_a_deleted_checkpoint_is_located(sealed: Sealed) -> None:
    sealed.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size = 300")
    assert sealed.found() == [
        "positions 5 to 300: the checkpoints that covered these events were deleted"
    ]


DROP_CHECK = "ALTER TABLE hirelog.log_checkpoints DROP CONSTRAINT log_checkpoints_check"
SHORTEN = "UPDATE hirelog.log_checkpoints SET leaves = substring(leaves FOR 9000) WHERE size = 300"
SHORTENED = (
    "positions 5 to 300: the stored checkpoint of 300 events that follows one of 4 was altered: "
    "it has 9000 bytes of hashes, not 32 for each event"
)
NO_ROOT = "the root over these events is not the one that was signed"


def test_a_checkpoint_with_too_few_hashes_is_named(sealed: Sealed) -> None:
    sealed.by_hand(DROP_CHECK)
    sealed.by_hand(SHORTEN)
    assert sealed.found(*sealed.kept) == [SHORTENED]


def test_events_without_hashes_are_still_located_between_two_checkpoints(sealed: Sealed) -> None:
    sealed.by_hand(DROP_CHECK)
    sealed.by_hand(SHORTEN)
    sealed.by_hand(FLIP + AT, 77, 77, 290)
    assert sealed.found()[:2] == [SHORTENED, f"positions 5 to 300: {NO_ROOT}"]
    sealed.by_hand("DELETE FROM hirelog.events" + AT, 290)
    assert sealed.found()[:2] == [SHORTENED, "position 290: the event is missing"]
    sealed.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size = 300")
    assert sealed.found()[:3] == [
        "positions 5 to 300: the checkpoints that covered these events were deleted",
        "position 290: the event is missing",
        f"positions 5 to 530: {NO_ROOT}",
    ]


def test_a_checkpoint_that_claims_events_of_others_still_proves_its_own(sealed: Sealed) -> None:
    sealed.by_hand(DROP_CHECK)
    sealed.by_hand("UPDATE hirelog.log_checkpoints SET since = 298 WHERE size = 530")
    assert sealed.found(*sealed.kept) == [
        (
            "positions 299 to 530: the stored checkpoint of 530 events that follows one of 298 was "
            "inserted or altered: others cover some of these events"
        )
    ]


@pytest.mark.parametrize(
    ("since", "size"), [(1, 2), (5, 213), (4, 213), (5, 700), (2**40, 2**40 + 1)]
)
def test_an_inserted_checkpoint_is_named_and_spoils_no_other(
    sealed: Sealed, since: int, size: int
) -> None:
    sealed.by_hand("ALTER TABLE hirelog.log_checkpoints DROP CONSTRAINT log_checkpoints_since_key")
    sealed.by_hand(
        "INSERT INTO hirelog.log_checkpoints (size, since, leaves, note)"
        " SELECT %s, %s, decode(repeat('00', %s), 'hex'), note FROM hirelog.log_checkpoints"
        " WHERE size = 4",
        size,
        since,
        32 * (size - since),
    )
    report = sealed.check(*sealed.kept)
    (found,) = report.findings
    assert (found.first, found.last) == (since + 1, size)
    assert found.what.startswith(
        f"the stored checkpoint of {size} events that follows one of {since} was inserted or"
    )
    assert (report.sealed, report.checkpoints) == (530, 4)


def test_deleting_the_last_checkpoints_leaves_their_subtrees(sealed: Sealed) -> None:
    sealed.by_hand("TRUNCATE hirelog.log_checkpoints")
    where = "the stored hash of subtree {} of level 1 is of no checkpoint"
    assert sealed.found() == [
        f"positions 1 to 256: {where.format(0)}",
        f"positions 257 to 512: {where.format(1)}",
    ]


def test_a_kept_checkpoint_tells_that_the_last_ones_were_deleted(
    system: System, sealed: Sealed
) -> None:
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    last = sealed.seal()  # it completes no subtree
    assert last
    assert sealed.found(last) == []
    sealed.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size > 530")
    assert sealed.found() == []
    assert sealed.found(*sealed.kept, last) == [
        (
            "position 531: the checkpoints that covered these events were deleted: one was kept "
            "elsewhere"
        )
    ]


def test_events_that_are_not_sealed_yet_miss_no_subtree(system: System, sealed: Sealed) -> None:
    append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 250)
    assert sealed.found() == []


def test_the_last_checkpoint_cannot_be_altered_and_built_upon(sealed: Sealed) -> None:
    insert(sealed, 531)
    sealed.by_hand(
        f"UPDATE hirelog.log_checkpoints SET leaves = {flipped('leaves', 32 * 229)}"
        " WHERE size = 530"
    )
    with pytest.raises(Altered, match="up to position 530 are not those that were signed"):
        sealed.seal()


@pytest.mark.parametrize("rewrite", [3, 200])
def test_a_log_rewritten_with_its_own_key_is_not_that_of_a_kept_checkpoint(
    sealed: Sealed, rewrite: int
) -> None:
    sealed.by_hand(FLIP + AT, 77, 77, rewrite)
    sealed.by_hand("TRUNCATE hirelog.log_checkpoints, hirelog.log_subtrees")
    sealed.seal()
    assert sealed.found() == []
    differs = "these events are not those of a checkpoint that was kept elsewhere"
    good = max(size for size in [0, *SIZES] if size < rewrite)
    assert sealed.found(*sealed.kept) == [
        f"positions {good + 1} to {size}: {differs}" for size in SIZES if size >= rewrite
    ]


def test_a_log_rolled_back_with_its_checkpoints_is_shorter_than_a_kept_one(
    sealed: Sealed,
) -> None:
    sealed.by_hand("DELETE FROM hirelog.events WHERE notification_id > 300")
    sealed.by_hand("DELETE FROM hirelog.log_checkpoints WHERE size > 300")
    sealed.by_hand("DELETE FROM hirelog.log_subtrees WHERE number > 0")
    assert sealed.found() == []
    assert sealed.found(sealed.kept[-1]) == [
        "positions 301 to 530: missing: a checkpoint that was kept elsewhere covers 530 events"
    ]


def test_the_checkpoints_are_what_was_handed_out(sealed: Sealed) -> None:
    with psycopg.connect(sealed.database.service) as connection:
        rows = connection.execute("SELECT note FROM hirelog.log_checkpoints ORDER BY size")
        assert [checkpoint.opened(note, SIGNER.key) for (note,) in rows] == sealed.kept
