"""A new key signs the log, and whoever trusts the old one or the new one can verify all of it."""

from pathlib import Path
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from api import key_files
from api.database import CannotStart
from api.proof import bundles, witness
from api.proof.checking import check_all
from api.proof.rotation import rotate
from api.proof.signing import last_kept, sealer
from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from projections.compliance_audit.merkle import bundle, check, checkpoint, stored, tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from projections.compliance_audit.merkle.rotation import announced, follow
from projections.compliance_audit.merkle.seal import WrongSigningKey
from projections.compliance_audit.merkle.stored import Altered
from tests.databases import Database
from tests.projections.poison import append

FLIP = (
    "UPDATE hirelog.log_checkpoints SET leaves = set_byte(leaves, 0, 1 + get_byte(leaves, 0) % 9)"
)


def grow(system: System, person: UUID | None = None) -> VerifierKey:
    """Seals one event more; returns the key that it was sealed with."""
    append(system, person or uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair", name="Ada"))
    with system.pool.connection() as connection:
        made = sealer(system.settings, connection)
        made.seal(connection)
    return made.key


def rotated(system: System) -> VerifierKey:
    with system.pool.connection() as connection:
        return rotate(system.settings, connection)


def observed(system: System, key: VerifierKey, kept: Path) -> tuple[Checkpoint | None, Checkpoint]:
    with system.pool.connection() as connection:
        signed = stored.latest(connection)
        assert signed is not None
        subtrees = stored.StoredTree(connection)
        log = witness.Log(
            signed.note,
            stored.rotations(connection),
            lambda old, new: tree.consistency_proof(old, new, subtrees),
        )
        return witness.observe(log, key, kept)


def test_either_key_verifies_what_both_have_signed(system: System, tmp_path: Path) -> None:
    one, two, kept = uuid4(), uuid4(), tmp_path / "kept"
    keys = [grow(system, one)]
    before = bundles.export(system, one, with_personal=False).model_dump_json()
    observed(system, keys[0], kept)
    with system.pool.connection() as connection:
        running = sealer(system.settings, connection)
    for _ in range(2):
        keys.append(rotated(system))
        data_dir = system.settings.data_dir
        assert last_kept(system.settings, keys[-1]), "the new key has signed the last checkpoint"
        assert (data_dir / f"signing.key.{keys[-2].id.hex()}").exists()
        assert not (data_dir / "signing.key.next").exists()
        assert (data_dir / "signing.key").stat().st_mode & 0o777 == 0o600
    assert len({*keys}) == 3
    assert {key.name for key in keys} == {keys[0].name}
    assert grow(system, two) == keys[-1]
    with system.pool.connection() as connection, pytest.raises(WrongSigningKey):
        running.seal(connection)

    after = bundles.export(system, two, with_personal=False).model_dump_json()
    for key in keys:
        assert bundle.verify(after, key).failures == []
        with system.pool.connection() as connection:
            trusted = follow(key, stored.rotations(connection))
            earlier = [each.checkpoint for each in trusted.rotations]
            report = check.check(connection, trusted, earlier)
        assert (report.findings, report.sealed, report.checkpoints) == ([], 2, 2)
    assert bundle.verify(before, keys[0]).failures == []
    with pytest.raises(NotProven, match="is not signed by"):
        bundle.verify(before, keys[-1])

    old = kept.read_text()
    for key in keys:
        kept.write_text(old)
        first, last = observed(system, key, kept)
        assert first is not None
        assert (first.size, last.size) == (1, 2)


def test_what_was_interrupted_goes_on(system: System) -> None:
    old = grow(system)
    signing_key = system.settings.data_dir / "signing.key"
    before = signing_key.read_text()
    new = rotated(system)
    signing_key.rename(signing_key.with_name("signing.key.next"))
    (retired,) = system.settings.data_dir.glob(f"signing.key.{old.id.hex()}")
    retired.rename(signing_key)
    with pytest.raises(CannotStart, match="is not the one of this log"):
        grow(system)
    assert rotated(system) == new
    assert retired.read_text() == before
    assert grow(system) == new


def test_nothing_is_handed_over_that_was_altered_or_never_signed(
    system: System, database: Database
) -> None:
    with pytest.raises(CannotStart, match="never signed"):
        rotated(system)
    key = grow(system)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(FLIP)
    with pytest.raises(Altered, match="not those that were signed"):
        rotated(system)
    with system.pool.connection() as connection:
        assert stored.verifier_key(connection) == key


OLD, NEW, STRANGER = (Signer("log.example", seed * 32) for seed in (b"o", b"n", b"s"))
AT_FIVE = Checkpoint("log.example", 5, b"r" * 32)


@pytest.mark.parametrize(
    "notes",
    [
        [AT_FIVE.signed(OLD) + NEW.signature(str(AT_FIVE))],
        [announced(AT_FIVE, OLD, NEW).replace("log.example\n5\n", "log.example\n6\n")],
        [announced(AT_FIVE, STRANGER, NEW).replace(str(STRANGER.key), str(OLD.key))],
        [announced(AT_FIVE, OLD, STRANGER).replace(str(STRANGER.key), str(NEW.key))],
        ["".join(announced(AT_FIVE, OLD, NEW).splitlines(keepends=True)[:-1])],
        [announced(AT_FIVE, STRANGER, NEW)],
        [announced(AT_FIVE, OLD, NEW), announced(AT_FIVE, OLD, STRANGER)],
        [announced(AT_FIVE, OLD, NEW), announced(Checkpoint("log.example", 4, b""), NEW, STRANGER)],
        ["nonsense"],
        [""],
    ],
)
def test_who_is_not_announced_by_a_key_does_not_follow_it(notes: list[str]) -> None:
    with pytest.raises(NotProven):
        follow(OLD.key, notes)


def test_each_key_counts_for_its_time_alone() -> None:
    keys = follow(OLD.key, [announced(AT_FIVE, OLD, NEW)])
    assert follow(NEW.key, [announced(AT_FIVE, OLD, NEW)]) == keys
    for size, signer in (4, OLD), (5, OLD), (5, NEW), (6, NEW):
        made = Checkpoint("log.example", size, b"r" * 32)
        assert checkpoint.opened(made.signed(signer), keys) == made
    for size, signer in (6, OLD), (4, NEW), (5, STRANGER):
        with pytest.raises(NotProven):
            keys.opened(Checkpoint("log.example", size, b"r" * 32).signed(signer))


def test_a_change_of_keys_of_another_log_is_found(
    system: System, database: Database, tmp_path: Path
) -> None:
    """As by somebody who has the old key, and would have the new one vouch for other events."""
    key, kept = grow(system), tmp_path / "kept"
    observed(system, key, kept)
    rotated(system)
    grow(system)
    seeds = [Signer(key.name, _seed(system, name)) for name in (f".{key.id.hex()}", "")]
    forged = announced(Checkpoint(key.name, 1, b"f" * 32), *seeds)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE hirelog.log_rotations SET note = %s", (forged,))
    with pytest.raises(NotProven, match="does not continue"):
        observed(system, key, kept)
    with system.pool.connection() as connection:
        trusted = follow(key, stored.rotations(connection))
        earlier = [each.checkpoint for each in trusted.rotations]
        (found,) = check.check(connection, trusted, earlier).findings
    assert (found.first, found.last) == (1, 1)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE hirelog.log_rotations SET note = 'nonsense'")
    with pytest.raises(CannotStart, match="do not hold"):
        grow(system)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "INSERT INTO hirelog.log_rotations (note) VALUES ('no note on a change of keys')",
            "a stored change of keys does not hold: a note on a change of keys ends with both keys",
        ),
        ("DELETE FROM hirelog.log_rotations", "what is on record of the log's key was altered"),
        ("DELETE FROM hirelog.log_identity", "what is on record of the log's key was altered"),
    ],
)
def test_what_is_wrong_with_keys_hides_no_altered_event(
    system: System, database: Database, statement: LiteralString, told: str
) -> None:
    grow(system)
    rotated(system)
    grow(system)
    grow(system)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(statement)
        connection.execute(
            "UPDATE hirelog.events SET state = state || ' '::bytea WHERE notification_id = 2"
        )
    with system.pool.connection() as connection:
        findings = check_all(system, connection, quiet=True).log.findings
    assert any(each.what.startswith(told) for each in findings[:2])
    assert [each for each in findings if (each.first, each.last) == (2, 2)]


def test_a_name_given_wrong_is_no_alteration(system: System) -> None:
    grow(system)
    system.settings.log_origin = "other.example"
    with (
        system.pool.connection() as connection,
        pytest.raises(CannotStart, match="HIRELOG_LOG_ORIGIN says otherwise"),
    ):
        check_all(system, connection, quiet=True)


def _seed(system: System, suffix: str) -> bytes:
    return key_files.seed(system.settings.data_dir / f"signing.key{suffix}")
