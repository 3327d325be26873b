"""The record is proven, verified, checked and witnessed from the command line."""

import json
from pathlib import Path

import psycopg
import pytest

from domain.store.embedded import SUPERUSER, attach
from migrations.bootstrap import DATABASE
from tests.api.cli.processes import WHY, Home, Shell, complaint

CANDIDATE = "SELECT originator_id FROM hirelog.events WHERE topic = 'candidate.hired' LIMIT 1"
FLIP = """
UPDATE hirelog.events SET state = set_bit(state, 40, 1 - get_bit(state, 40))
 WHERE notification_id = 77
"""


@pytest.fixture(scope="module")
def key(shell: Shell, company: Home) -> str:
    return shell.done("audit", "key", *company.at()).strip()


@pytest.fixture(scope="module")
def bundle(shell: Shell, company: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with psycopg.connect(company.conninfo) as connection:
        row = connection.execute(CANDIDATE).fetchone()
    assert row is not None
    file = tmp_path_factory.mktemp("bundle") / "bundle.json"
    said = shell.done("audit", "export", *WHY, row[0], "--out", file, *company.at())
    assert "it holds personal data in clear" in said
    assert file.stat().st_mode & 0o777 == 0o600
    return file


def test_a_bundle_is_verified_with_the_file_and_the_key_alone(
    shell: Shell, bundle: Path, key: str
) -> None:
    nowhere = {"HIRELOG_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    said = shell.done("audit", "verify", bundle, "--key", key, environ=nowhere)
    events = len(json.loads(bundle.read_text())["events"])
    assert said.count("proven ") == events
    assert f"all {events} events are on record" in said
    assert "Hired" in said


def test_an_altered_bundle_fails_and_says_where(
    shell: Shell, bundle: Path, key: str, tmp_path: Path
) -> None:
    altered = json.loads(bundle.read_text())
    altered["events"][1]["topic"] = "candidate.hired"
    file = tmp_path / "altered.json"
    file.write_text(json.dumps(altered))
    ended = shell.run("audit", "verify", file, "--key", key)
    assert ended.returncode == 1
    assert ended.stdout.count("FAILS") == 1
    assert f"event 2 (position {altered['events'][1]['position']}): the inclusion proof" in (
        ended.stdout
    )
    report = json.loads(shell.run("audit", "verify", file, "--key", key, "--json").stdout)
    assert [each["version"] for each in report["failures"]] == [2]


def test_mistakes_are_one_line(shell: Shell, company: Home, bundle: Path, key: str) -> None:
    at = company.at()
    for said, containing in (
        (("audit", "verify", bundle.parent / "none", "--key", key), "No such file"),
        (("audit", "export", *WHY, "0" * 32, "--out", bundle, *at), "is not on record"),
        (("audit", "witness", "--state", bundle, "--key", key, "--url", "x", *at), "give either"),
        (("audit", "check", "--checkpoint", bundle.parent, *at), "directory"),
        (("audit", "verify", bundle, "--key", "x"), "--key"),
    ):
        assert complaint(shell.run(*said), containing) is None
    ended = shell.run("audit", "verify", __file__, "--key", key)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_the_log_goes_on_under_a_new_key(
    shell: Shell, company: Home, bundle: Path, key: str, tmp_path: Path
) -> None:
    new = shell.done("audit", "rotate-key", *company.at()).strip()
    assert new == shell.done("audit", "key", *company.at()).strip() != key
    file = tmp_path / "later.json"
    candidate = json.loads(bundle.read_text())["candidate"]
    shell.done("audit", "export", *WHY, candidate, "--out", file, *company.at())
    for made, trusted in (bundle, key), (file, key), (file, new):
        assert "are on record" in shell.done("audit", "verify", made, "--key", trusted)
    assert "not signed by" in shell.run("audit", "verify", bundle, "--key", new).stderr


def test_a_witness_keeps_the_checkpoint_with_which_a_check_finds_what_was_altered(
    shell: Shell, company: Home, key: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    watch = ("audit", "witness", "--state", kept, "--key", key, *company.at())
    assert "the first checkpoint of hirelog/" in shell.done(*watch)
    assert " continues: " in shell.done(*watch)
    check = ("audit", "check", "--checkpoint", kept, "--key", key, *company.at())
    assert shell.result(*check)["findings"] == []
    with attach(company.data_dir) as server:
        superuser = server.conninfo(SUPERUSER, DATABASE)
        with psycopg.connect(superuser) as connection:
            connection.execute(FLIP)
    ended = shell.run(*check)
    assert ended.returncode == 1
    assert ended.stdout == "position 77: the event was altered or replaced\n"

    # Cut off together with the checkpoints, and checked with what the data directory keeps.
    with attach(company.data_dir) as server, psycopg.connect(superuser) as connection:
        connection.execute(FLIP)  # back
        connection.execute("DELETE FROM hirelog.events WHERE notification_id > 50")
        for table in "log_checkpoints", "log_subtrees":
            connection.execute(f"DELETE FROM hirelog.{table}".encode())
    ended = shell.run("audit", "check", *company.at())
    assert ended.returncode == 1
    assert "position" in ended.stdout
