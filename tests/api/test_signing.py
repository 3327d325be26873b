"""The log is sealed wherever a process projects, with one key and one name for its whole life."""

import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from api import logs
from api.database import CannotStart
from api.projecting import projecting
from api.proof.rotation import rotate
from api.proof.signing import last_kept, sealer
from api.settings import Settings
from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from projections.compliance_audit.merkle import checkpoint, note, stored
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.stored import Altered, Signed
from tests.databases import Database
from tests.projections.poison import append

KEY = SecretStr(b64encode(b"k" * 32).decode())


def key_of(settings: Settings, database: Database) -> VerifierKey:
    """The key with which the log is signed under these settings."""
    with psycopg.connect(database.service, autocommit=True) as connection:
        sealer(settings, connection).seal(connection)
        key = stored.verifier_key(connection)
        assert key is not None
        return key


def test_whoever_projects_seals_the_log_also_with_a_new_key_and_hands_its_checkpoints_out(
    system: System, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoints"
    system.settings.checkpoint_file = kept
    with projecting(system):
        for _ in range(2):
            head = append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
            wait_until_sealed(system, head)
        with system.pool.connection() as connection:
            key = stored.verifier_key(connection)
            new = rotate(system.settings, connection)
        head = append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
        wait_until_sealed(system, head)
    assert key is not None
    assert key.name.startswith("hirelog/")
    *signed, announced, last = note.split(kept.read_text())
    assert [checkpoint.opened(each, key).size for each in (*signed, announced)] == [1, 2, 2]
    assert [checkpoint.opened(each, new).size for each in (announced, last)] == [2, 3]


CUT_OFF = """
DELETE FROM hirelog.log_checkpoints WHERE size > 2;
DELETE FROM hirelog.log_subtrees WHERE (number + 1) << level > 2;
DELETE FROM hirelog.events WHERE notification_id > 2
"""
BEGIN_ANEW = "TRUNCATE hirelog.log_checkpoints, hirelog.log_subtrees, hirelog.log_identity"


def test_a_log_that_was_cut_off_with_its_checkpoints_is_not_signed_again(
    system: System, database: Database
) -> None:
    with psycopg.connect(database.service, autocommit=True) as connection:
        running = sealer(system.settings, connection)
        for _ in range(2):
            append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 2)
            running.seal(connection)
        kept = last_kept(system.settings, running.key)
        assert kept is not None
        assert kept.size == 4
        with psycopg.connect(database.superuser) as superuser:
            superuser.execute(CUT_OFF)
        for each in running, sealer(system.settings, connection):
            with pytest.raises(Altered, match="4 events were signed"):
                each.seal(connection)
        append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 3)
        with pytest.raises(Altered):
            running.seal(connection)
        assert last_kept(system.settings, running.key) == kept


def test_the_last_checkpoint_is_kept_where_the_environment_holds_all_keys(
    system: System, database: Database, tmp_path: Path
) -> None:
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    settings = system.settings.model_copy(
        update={"data_dir": tmp_path / "not" / "there", "signing_key": KEY}
    )
    key = key_of(settings, database)
    kept = last_kept(settings, key)
    assert kept is not None
    assert kept.size == 1


def test_others_are_told_also_where_nothing_can_be_kept(
    system: System, database: Database, tmp_path: Path
) -> None:
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    directory, told = tmp_path / "directory", tmp_path / "told"
    update = {"data_dir": directory, "signing_key": KEY, "checkpoint_file": told}
    settings = system.settings.model_copy(update=update)
    with psycopg.connect(database.service, autocommit=True) as connection:
        made = sealer(settings, connection)
        directory.touch()  # nothing can be in it
        with pytest.raises(CannotStart, match="cannot be read"):
            made.seal(connection)
        assert len(note.split(told.read_text())) == 1
        with pytest.raises(CannotStart, match="cannot be read"):
            sealer(settings, connection)


def test_a_log_whose_name_and_key_were_taken_away_is_not_begun_anew(
    system: System, database: Database
) -> None:
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    key_of(system.settings, database)
    with psycopg.connect(database.superuser) as connection:
        connection.execute(BEGIN_ANEW)
    with (
        psycopg.connect(database.service, autocommit=True) as connection,
        pytest.raises(CannotStart, match="is no checkpoint of this log"),
    ):
        sealer(system.settings, connection)


class _Keeps(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, _Elsewhere)
        self.server.kept.append(body.decode())
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


class _Elsewhere(HTTPServer):
    """Somebody else's server, which keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keeps)
        self.kept: list[str] = []
        self.answer = 204


def test_checkpoints_are_sent_elsewhere_and_a_server_that_fails_holds_nothing_up(
    system: System,
) -> None:
    with _Elsewhere() as elsewhere:
        thread = Thread(target=elsewhere.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{elsewhere.server_port}/kept?secret=1"
        system.settings.checkpoint_url = SecretStr(address)
        with system.pool.connection() as connection:
            made = sealer(system.settings, connection)
            for answer in 204, 500:
                elsewhere.answer = answer
                append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
                logs.configure("error")
                with capture_logs() as logged:
                    made.seal(connection)
                logs.configure("critical")
                assert bool(logged) is (answer == 500)
                assert "secret" not in str(logged)
            key = stored.verifier_key(connection)
        elsewhere.shutdown()
        thread.join()
    append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    with system.pool.connection() as connection:
        assert key is not None
        signed = made.seal(connection)  # nobody listens any more
        assert signed is not None
        assert signed.checkpoint.size == 3
    assert [checkpoint.opened(each, key).size for each in elsewhere.kept] == [1, 2]


def wait_until_sealed(system: System, head: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with system.pool.connection() as connection:
            signed: Signed | None = stored.latest(connection)
        if signed and signed.checkpoint.size == head:
            return
        time.sleep(0.05)
    raise AssertionError("the log was not sealed")


def test_the_signing_key_is_made_once_for_its_owner_alone(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    made = key_of(settings, database)
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600
    assert key_of(settings, database) == made


def test_the_name_and_the_key_can_be_given_and_stay(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, signing_key=KEY, log_origin="acme.example/hiring")
    made = key_of(settings, database)
    assert made.name == "acme.example/hiring"
    assert not (tmp_path / "signing.key").exists()
    settings.log_origin = None
    assert key_of(settings, database) == made
    settings.log_origin = "other.example"
    with pytest.raises(CannotStart, match=r"called acme\.example/hiring"):
        key_of(settings, database)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"signing_key": SecretStr("secret")}, "HIRELOG_SIGNING_KEY is not a signing key"),
        ({"signing_key": KEY}, "the signing key is not the one of this log"),
        ({"data_dir": Path("elsewhere")}, "signing.key is missing"),
    ],
)
def test_another_key_or_none_is_refused(
    database: Database, tmp_path: Path, given: dict[str, object], said: str
) -> None:
    key_of(Settings(data_dir=tmp_path), database)
    with pytest.raises(CannotStart, match=said) as refused:
        key_of(Settings(data_dir=tmp_path).model_copy(update=given), database)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("origin", [" ", "with space", "a+b"])
def test_a_name_that_no_note_can_hold_is_refused(
    database: Database, tmp_path: Path, origin: str
) -> None:
    with pytest.raises(CannotStart, match="HIRELOG_LOG_ORIGIN"):
        key_of(Settings(data_dir=tmp_path, log_origin=origin), database)


def test_a_key_that_others_can_read_is_refused(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key_of(settings, database)
    (tmp_path / "signing.key").chmod(0o640)
    with pytest.raises(CannotStart, match="can be read by others"):
        key_of(settings, database)
