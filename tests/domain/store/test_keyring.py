"""The keyring and the mapper: sealed in the store, opened for us, redacted once a key is gone."""

import base64
import stat
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from pydantic import SecretStr

from api.database import CannotStart
from api.settings import Settings
from api.wiring import System, assembled
from domain.candidate.intents import Apply, Note, Source, UpdateProfile
from domain.job import OpenJob
from domain.store.sealing import Sealing
from domain.values import REDACTED, Purpose
from tests.databases import Database, all_rows, wait_until_projected
from tests.scenario import by

NAME, EMAIL, NOTE = "Zoë Quintessa", "zoe.quintessa@example.org", "Speaks Basque fluently"


def stored_bytes(conninfo: str) -> bytes:
    with psycopg.connect(conninfo) as connection:
        return b"".join(
            row[0] for row in connection.execute("SELECT state FROM hirelog.events").fetchall()
        )


def test_personal_values_are_ciphertext_from_the_first_event(
    system: System, database: Database
) -> None:
    candidate = uuid4()
    system.recruiting.record(candidate, Source(source="Fair", name=NAME, email=EMAIL), by("ana"))
    system.recruiting.record(candidate, Note(text=NOTE), by("ana"))

    stored = stored_bytes(database.service)
    for value in (NAME, EMAIL, NOTE, "Quintessa"):
        assert value.encode() not in stored
    assert b"Fair" in stored
    assert system.recruiting.candidate(candidate).details == {"name": NAME, "email": EMAIL}


def test_a_destroyed_key_reads_as_redacted_and_only_for_its_purpose(
    system: System, database: Database
) -> None:
    candidate = uuid4()
    metadata = by("ana")
    system.recruiting.record(candidate, Source(source="Fair", name=NAME), metadata)
    system.recruiting.record(candidate, Note(text=NOTE), by("ana"))
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "UPDATE hirelog.candidate_keys SET wrapped_key = NULL, destroyed_at = now()"
            " WHERE candidate_id = %s AND purpose = 'contact'",
            (candidate,),
        )
    with assembled(system.settings, database.service) as later:
        sourced, noted = later.recruiting.history(candidate)
        assert getattr(sourced.event, "name", None) == REDACTED
        assert getattr(noted.event, "text", None) == NOTE
        assert later.recruiting.candidate(candidate).details == {"name": REDACTED}


def seal(system: System, candidate: UUID, value: str) -> str:
    sealing = Sealing(system.keyring, begun=())
    sealed = sealing.seal(candidate, Purpose.CONTACT, "name", value)
    sealing.keep([candidate])
    return sealed


def test_a_sealed_value_cannot_be_moved_to_another_person_or_field(system: System) -> None:
    one, other = uuid4(), uuid4()
    sealed = seal(system, one, NAME)
    seal(system, other, NAME)
    assert system.keyring.open(one, "name", sealed) == NAME
    with pytest.raises(InvalidTag):
        system.keyring.open(other, "name", sealed)
    with pytest.raises(InvalidTag):
        system.keyring.open(one, "email", sealed)


def test_two_processes_that_make_the_same_keys_agree(system: System, database: Database) -> None:
    candidate = uuid4()
    system.recruiting.record(candidate, Source(source="Fair"), by("ana"))
    with assembled(system.settings, database.service) as other:
        other.keyring.load([candidate])
        system.keyring.load([candidate])  # both know that there are none yet
        system.recruiting.record(candidate, UpdateProfile(name=NAME), by("ana"))
        other.recruiting.record(candidate, UpdateProfile(email=EMAIL), by("ben"))
        for each in (system, other):
            assert each.recruiting.candidate(candidate).details == {"name": NAME, "email": EMAIL}


def test_a_key_that_another_process_made_later_is_found(system: System, database: Database) -> None:
    candidate = uuid4()
    system.recruiting.record(candidate, Source(source="Fair", name=NAME), by("ana"))
    with assembled(system.settings, database.service) as other:
        other.recruiting.record(candidate, Note(text=NOTE), by("ben"))
    _, noted = system.recruiting.history(candidate)
    assert getattr(noted.event, "text", None) == NOTE


def test_a_digest_is_the_same_for_ever_and_another_with_another_master_key(
    system: System, database: Database, tmp_path: Path
) -> None:
    digests = set()
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for byte in b"\x00\x01":
            connection.execute("DELETE FROM hirelog.master_key")
            key = SecretStr(base64.b64encode(bytes([byte]) * 32).decode())
            settings = Settings(data_dir=tmp_path / "other", master_key=key)
            with assembled(settings, database.service) as other:
                digests.add(other.keyring.digest("Ünïcode"))
    assert digests == {"I8Z2eL5o5wEuHOH8iLDb-Q", "Wpg4uWy82f_RYX9CQUYXPQ"}
    assert system.keyring.digest("Ünïcode") not in digests
    assert system.keyring.digest("a") != system.keyring.digest("b")


def test_keys_without_events_are_used_by_the_first_event(
    system: System, database: Database
) -> None:
    candidate = uuid4()
    made, _ = system.keyring.make(candidate, Purpose.CONTACT)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "INSERT INTO hirelog.candidate_keys (candidate_id, purpose, wrapped_key)"
            " VALUES (%s, 'contact', %s)",
            (candidate, made.wrapped),
        )
    begin = Source(source="Fair", name=NAME)
    assert system.recruiting.record(candidate, begin, by("ana"), begin=True).version == 1
    assert system.recruiting.candidate(candidate).details == {"name": NAME}


def test_the_master_key_file_is_private_and_kept(system: System) -> None:
    path: Path = system.settings.data_dir / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.b64decode(path.read_text())) == 32


def test_another_master_key_is_refused(system: System, database: Database, tmp_path: Path) -> None:
    del system  # it has recorded its key's fingerprint
    with (
        pytest.raises(CannotStart, match="master key is not the one"),
        assembled(
            Settings(
                data_dir=tmp_path / "other",
                master_key=SecretStr(base64.b64encode(bytes(32)).decode()),
            ),
            database.service,
        ),
    ):
        pass


def test_a_lost_master_key_is_not_replaced(
    system: System, database: Database, tmp_path: Path
) -> None:
    del system
    with (
        pytest.raises(CannotStart, match="missing, and with it the master key"),
        assembled(Settings(data_dir=tmp_path / "other"), database.service),
    ):
        pass
    assert not (tmp_path / "other" / "master.key").exists()


def test_a_name_in_the_read_models_is_sealed(projected: System, database: Database) -> None:
    job, candidate = uuid4(), uuid4()
    projected.recruiting.record_job(job, OpenJob(title="Analyst"), by("ana"))
    projected.recruiting.record(candidate, Apply(job_id=job, source="Site", name=NAME), by("ana"))
    wait_until_projected(database.service)
    assert NAME not in repr(all_rows(database.service))
