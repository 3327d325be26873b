"""Whatever is altered in the database by hand is detected and located."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.events import Sourced
from projections.compliance_audit.merkle import check, checkpoint, stored, tree
from projections.compliance_audit.merkle.check import Report
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import Signer
from projections.compliance_audit.merkle.seal import Sealer, WrongSigningKey
from projections.compliance_audit.merkle.stored import Altered
from tests.databases import Database
from tests.projections.poison import append
from tests.projections.rebuilding import add_garbage

SIGNER = Signer("hirelog.example/log", b"s" * 32)
SIZES = [3, 4, 300, 530]  # of the checkpoints of `sealed`


@dataclass
class Sealed:
    """A sealed log, and what somebody who may do everything does to it."""

    database: Database
    kept: list[Checkpoint]

    def by_hand(self, statement: str, *given: Any) -> None:
        with psycopg.connect(self.database.superuser) as connection:
            connection.execute(statement, given)

    def check(self, *kept: Checkpoint) -> Report:
        with psycopg.connect(self.database.service, autocommit=True) as connection:
            return check.check(connection, SIGNER.key, kept)

    def found(self, *kept: Checkpoint) -> list[str]:
        return [str(each) for each in self.check(*kept).findings]

    def seal(self, signer: Signer = SIGNER) -> Checkpoint | None:
        with psycopg.connect(self.database.service, autocommit=True) as connection:
            signed = Sealer(signer).seal(connection)
        return signed.checkpoint if signed else None


@pytest.fixture
def sealed(system: System, database: Database) -> Sealed:
    made = Sealed(database, [])
    length = 0
    for size in SIZES:
        while length < size:
            events = [Sourced(origin="sourced", source="Fair")] * min(50, size - length)
            length = append(system, uuid4(), 1, *events)
        covered = made.seal()
        assert covered is not None
        made.kept.append(covered)
    return made


def hashes(database: Database) -> list[bytes]:
    with psycopg.connect(database.service) as connection:
        rows = connection.execute("SELECT leaves FROM hirelog.log_checkpoints ORDER BY size")
        return stored.hashes_in(b"".join(leaves for (leaves,) in rows))


# An intact log


def test_a_log_that_nobody_touched_is_intact(sealed: Sealed) -> None:
    report = sealed.check(*sealed.kept)
    assert report.findings == []
    assert (report.events, report.sealed, report.checkpoints) == (530, 530, 4)
    assert [each.size for each in sealed.kept] == SIZES


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


def test_events_that_no_read_model_can_take_are_sealed_as_all_others(
    system: System, sealed: Sealed
) -> None:
    append(system, person := uuid4(), 1, *[Sourced(origin="sourced", source="Fair")] * 2)
    position = add_garbage(sealed.database, person)
    covered = sealed.seal()
    assert covered is not None
    assert covered.size == position
    assert sealed.found() == []


def test_an_empty_log_is_not_signed(database: Database) -> None:
    empty = Sealed(database, [])
    assert empty.seal() is None
    assert empty.check() == Report()


def test_a_log_has_one_key_for_its_whole_life(sealed: Sealed) -> None:
    for other in (Signer(SIGNER.key.name, b"t" * 32), Signer("other.example", b"s" * 32)):
        with pytest.raises(WrongSigningKey):
            sealed.seal(other)


def test_what_was_signed_is_kept_for_ever_by_the_service(sealed: Sealed) -> None:
    for table in ("log_checkpoints", "log_subtrees", "log_identity"):
        for statement in (f"DELETE FROM hirelog.{table}", f"TRUNCATE hirelog.{table}"):
            with (
                psycopg.connect(sealed.database.service) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(statement)
    with (
        psycopg.connect(sealed.database.service) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE hirelog.log_checkpoints SET note = ''")


# Events altered by hand

FLIP = "UPDATE hirelog.events SET state = set_bit(state, %s, 1 - get_bit(state, %s))"
AT = " WHERE notification_id = %s"
SWAP = """
UPDATE hirelog.events SET (originator_id, originator_version, topic, state) =
       (SELECT o.originator_id, -o.originator_version, o.topic, o.state FROM hirelog.events AS o
         WHERE o.notification_id = %(a)s + %(b)s - events.notification_id)
 WHERE notification_id IN (%(a)s, %(b)s)
"""
ALTERED = "the event was altered or replaced"


@pytest.mark.parametrize("position", [1, 3, 4, 5, 256, 257, 300, 301, 529, 530])
def test_a_flipped_bit_is_located(sealed: Sealed, position: int) -> None:
    sealed.by_hand(FLIP + AT, 77, 77, position)
    report = sealed.check()
    assert [str(each) for each in report.findings] == [f"position {position}: {ALTERED}"]
    assert report.sealed == max(size for size in [0, *SIZES] if size < position)


@pytest.mark.parametrize(
    "change",
    [
        "topic = 'candidate.noted'",
        "topic = topic || ' '",
        "originator_id = '00000000-0000-0000-0000-000000000001'",
        "originator_version = originator_version + 7000",
        "originator_version = -1",
        "state = ''",
        "state = state || '\\x00'",
    ],
)
def test_every_column_is_covered(sealed: Sealed, change: str) -> None:
    sealed.by_hand(f"UPDATE hirelog.events SET {change}" + AT, 42)
    assert sealed.found() == [f"position 42: {ALTERED}"]


@pytest.mark.parametrize("position", [1, 4, 256, 529])
def test_a_deleted_event_is_located(sealed: Sealed, position: int) -> None:
    sealed.by_hand("DELETE FROM hirelog.events" + AT, position)
    assert sealed.found() == [f"position {position}: the event is missing"]


@pytest.mark.parametrize("position", [1, 250, 528])
def test_an_event_that_closes_its_gap_does_not_hide_a_deletion(
    sealed: Sealed, position: int
) -> None:
    sealed.by_hand("DELETE FROM hirelog.events" + AT, position)
    renumber(sealed, position, -1)
    found = sealed.check().findings
    assert (found[0].first, found[0].what) == (position, ALTERED)
    assert (found[-1].first, found[-1].what) == (530, "the event is missing")


@pytest.mark.parametrize("position", [1, 250, 530])
def test_an_inserted_event_is_located(sealed: Sealed, position: int) -> None:
    renumber(sealed, position - 1, 1)
    insert(sealed, position)
    found = sealed.check().findings
    assert (found[0].first, found[0].what) == (position, ALTERED)


@pytest.mark.parametrize("position", [0, -5])
def test_an_event_before_the_first_is_located(sealed: Sealed, position: int) -> None:
    insert(sealed, position)
    assert sealed.found() == [f"position {position}: an event was inserted before the first"]


def test_an_event_far_beyond_the_last_is_no_append(sealed: Sealed) -> None:
    insert(sealed, 2**62)
    assert sealed.found() == [f"positions 531 to {2**62 - 1}: events are missing"]
    insert(sealed, 533)
    assert sealed.found() == ["positions 531 to 532: events are missing"]
    with pytest.raises(Altered, match="position 531 is missing"):
        sealed.seal()


@pytest.mark.parametrize(("a", "b"), [(1, 2), (3, 4), (17, 400), (529, 530)])
def test_two_that_changed_places_are_located(sealed: Sealed, a: int, b: int) -> None:
    sealed.by_hand(SWAP.replace("%(a)s", str(a)).replace("%(b)s", str(b)))
    sealed.by_hand(
        "UPDATE hirelog.events SET originator_version = -originator_version"
        " WHERE originator_version < 0"
    )
    assert sealed.found() == [f"position {each}: {ALTERED}" for each in (a, b)]


def test_a_truncated_log_is_located_and_not_continued(system: System, sealed: Sealed) -> None:
    sealed.by_hand("DELETE FROM hirelog.events WHERE notification_id > 527")
    assert sealed.found() == [f"position {each}: the event is missing" for each in (528, 529, 530)]
    with pytest.raises(Altered, match="ends at position 527, but 530 events were signed"):
        sealed.seal()
    append(system, uuid4(), 1, *[Sourced(origin="sourced", source="Fair")] * 5)
    sealed.seal()  # of new events alone
    assert sealed.found() == [f"position {each}: {ALTERED}" for each in (528, 529, 530)]


def renumber(sealed: Sealed, after: int, by: int) -> None:
    """Moves what follows, by way of negative positions: they are unique in between."""
    move = "UPDATE hirelog.events SET notification_id = {} WHERE notification_id {}"
    sealed.by_hand(move.format(f"-(notification_id + {by}) - 10000", f"> {after}"))
    sealed.by_hand(move.format("-notification_id - 10000", "< -9000"))


def insert(sealed: Sealed, position: int) -> None:
    sealed.by_hand(
        "INSERT INTO hirelog.events VALUES (%s, %s, 1, 'candidate.sourced', '{}')",
        position,
        uuid4(),
    )


# Evidence altered by hand


def test_an_altered_leaf_hash_is_told_from_an_altered_event(sealed: Sealed) -> None:
    sealed.by_hand(
        "UPDATE hirelog.log_checkpoints SET leaves = set_byte(leaves, 32 * 6, 1) WHERE size = 300"
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
    sealed.by_hand("UPDATE hirelog.log_subtrees SET hash = set_byte(hash, 0, 1) WHERE number = 1")
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


def test_events_that_are_not_sealed_yet_miss_no_subtree(system: System, sealed: Sealed) -> None:
    append(system, uuid4(), 1, *[Sourced(origin="sourced", source="Fair")] * 250)
    assert sealed.found() == []


def test_the_last_checkpoint_cannot_be_altered_and_built_upon(sealed: Sealed) -> None:
    insert(sealed, 531)
    sealed.by_hand(
        "UPDATE hirelog.log_checkpoints SET leaves = set_byte(leaves, 32 * 229, 1) WHERE size = 530"
    )
    with pytest.raises(Altered, match="up to position 530 are not those that were signed"):
        sealed.seal()


# Checkpoints kept elsewhere


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


def rehash(sealed: Sealed, position: int) -> None:
    """As somebody does who alters an event and knows how it is hashed."""

    with psycopg.connect(sealed.database.superuser) as connection:
        row = connection.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state"
            " FROM hirelog.events" + AT,
            (position,),
        ).fetchone()
        assert row is not None
        connection.execute(
            "UPDATE hirelog.log_checkpoints"
            " SET leaves = overlay(leaves PLACING %s FROM (32 * (%s - since - 1) + 1)::int)"
            " WHERE size >= %s AND since < %s",
            (event_hash(*row), position, position, position),
        )


def test_the_checkpoints_are_what_was_handed_out(sealed: Sealed) -> None:
    with psycopg.connect(sealed.database.service) as connection:
        rows = connection.execute("SELECT note FROM hirelog.log_checkpoints ORDER BY size")
        assert [checkpoint.opened(note, SIGNER.key) for (note,) in rows] == sealed.kept


def test_two_events_at_one_position_are_located(sealed: Sealed) -> None:
    sealed.by_hand("DROP INDEX hirelog.events_notification_id_idx")
    insert(sealed, 42)
    assert "position 42: there are two events at this position" in sealed.found()
