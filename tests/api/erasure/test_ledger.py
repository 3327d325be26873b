"""The deletion ledger: who came back with a backup is erased again; each server has the same."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.erasure import known_ledger
from api.erasure.eraser import Eraser
from api.erasure.ledger import Ledger
from api.settings import Settings
from api.wiring import System, assembled
from domain import errors
from domain.candidate.intents import Note, Source
from domain.retention import facts_of
from domain.values import REDACTED, now
from tests.api.erasure.people import NAME, applicant, erase
from tests.databases import Database
from tests.scenario import by


def test_a_restored_backup_is_erased_again_before_anything_is_served(
    system: System, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, gone, other = applicant(system), uuid4(), applicant(system)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for table in "events", "candidate_keys":
            connection.execute(f"CREATE TABLE backup_{table} AS TABLE hirelog.{table}".encode())
        erase(system, person)
        system.recruiting.record(gone, Source(source="Fair", name=NAME), by(), begin=True)
        erase(system, gone)
        connection.execute(
            "TRUNCATE hirelog.events, hirelog.candidate_keys, hirelog.erasures CASCADE"
        )
        for table in "events", "candidate_keys":
            connection.execute(f"INSERT INTO hirelog.{table} SELECT * FROM backup_{table}".encode())
    with monkeypatch.context() as broken:
        broken.setattr(Eraser, "request", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError), assembled(system.settings, database.service):
            pass
    with assembled(system.settings, database.service) as restored:
        assert restored.recruiting.candidate(person).details["name"] == REDACTED
        assert restored.recruiting.candidate(other).details["name"] == NAME
        last = list(restored.recruiting.history(person))[-1]
        assert (last.event.wire_name(), last.metadata.actor) == ("erased", "system:deletion-ledger")
        facts = facts_of(restored.recruiting.history(person), (), now())
        assert facts is not None
        assert facts.is_erased, "or retention would list them again"
        with pytest.raises(errors.CandidateErased):
            restored.recruiting.record(person, Note(text="Again"), by())
        restored.recruiting.record(gone, Source(source="Fair", name=NAME), by(), begin=True)
        assert restored.recruiting.candidate(gone).details["name"] == REDACTED
        version = restored.recruiting.candidate(person).version
    with assembled(system.settings, database.service) as again:
        assert again.recruiting.candidate(person).version == version


def test_a_ledger_that_was_lost_is_written_anew(
    system: System, database: Database, tmp_path: Path
) -> None:
    erase(system, applicant(system))
    path = system.settings.data_dir / "erasures.ledger"
    path.unlink()
    with assembled(system.settings, database.service) as again:
        assert len(Ledger(path).read().destroyed) == 3
        assert trouble(again) is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_command_that_only_looks_makes_no_ledger_known(
    database: Database, tmp_path: Path
) -> None:
    at_hand, real = (
        Settings(data_dir=tmp_path, erasure_ledger=tmp_path / name) for name in ("at-hand", "real")
    )
    with assembled(at_hand, database.service):
        assert not (tmp_path / "at-hand").exists()
    with assembled(real, database.service, serving=True) as system:
        assert trouble(system) is None


def test_another_ledger_than_the_known_one_is_noticed(
    system: System, database: Database, tmp_path: Path
) -> None:
    known, path = system.settings.data_dir / "erasures.ledger", tmp_path / "elsewhere" / "ledger"
    settings = system.settings.model_copy(update={"erasure_ledger": path})
    assert trouble(system) is None
    with assembled(settings, database.service) as other:
        said = trouble(other) or ""
        assert f"{path} is not the one that this database knows, which was {known} on" in said
        path.parent.mkdir()
        path.write_bytes(known.read_bytes())
        assert trouble(other) is None
        path.write_text("")
        with other.pool.connection() as connection:
            known_ledger.adopt(connection, other.ledger)
        assert trouble(other) is None
        assert f"which was {path} on" in (trouble(system) or "")
    path.rename(tmp_path / "moved")
    moved = settings.model_copy(update={"erasure_ledger": tmp_path / "moved"})
    with assembled(moved, database.service) as other:
        assert trouble(other) is None


def trouble(system: System) -> str | None:
    with system.pool.connection() as connection:
        return known_ledger.trouble(connection, system.ledger, system.ledger.read().names)


def test_a_line_that_was_cut_off_costs_no_other(system: System, tmp_path: Path) -> None:
    erase(system, applicant(system))
    path = system.settings.data_dir / "erasures.ledger"
    path.write_bytes(path.read_bytes() + b'{"stream": "1234')
    erase(system, applicant(system))
    assert len(Ledger(path).read().destroyed) == 6
    assert NAME not in path.read_text()
