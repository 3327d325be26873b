"""With which keys a log is signed and checked."""

import psycopg
import pytest

from projections.compliance_audit.merkle.note import Signer
from projections.compliance_audit.merkle.seal import WrongSigningKey
from tests.projections.merkle.sealed import SIGNER, Sealed


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
