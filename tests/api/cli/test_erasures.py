"""A person is erased, and searched for in every file, table, export and log afterwards."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest

from api.erasure.ledger import Ledger
from domain.store.embedded import SUPERUSER, attach
from migrations.bootstrap import DATABASE
from tests import searching
from tests.api.cli.conftest import attached
from tests.api.cli.histories import fact
from tests.api.cli.processes import WHY, Home, Shell, address, complaint, known_at, process, stopped
from tests.databases import wait_until_projected
from tests.searching import Found, in_files, in_tables, live, needles, search, secrets
from tests.waiting import until

MARKS = searching.MARKS | {
    "import-name": "Qzximport Ûnmistakable",
    "import-note": "Qzximportnote of long ago",
}
BASIS = "gdpr-art-17-1-a"
IMPORTED = "c9aa7e1c-8a5f-4f6e-9d4f-7d1b6b1c9e55"


@pytest.fixture
def place(shell: Shell, tmp_path: Path) -> Iterator[Home]:
    file = tmp_path / "facts.ndjson"
    file.write_text(
        fact(
            "2026-01-10T09:00:00Z",
            {"type": "sourced", "source": "Fair", "name": MARKS["import-name"]},
            candidate=IMPORTED,
        )
        + fact(
            "2026-01-11T09:00:00Z",
            {"type": "noted", "text": MARKS["import-note"]},
            candidate=IMPORTED,
        )
    )
    data_dir = tmp_path / "data"
    shell.result("import", file, "--format", "ndjson", "--data-dir", data_dir)
    with attached(data_dir) as home:
        yield home


def erase(http: httpx.Client, candidate: str) -> str:
    asked = {"candidate_id": candidate, "legal_basis": BASIS, "reason": "Letter"}
    answer = http.post("/v1/erasures", json=asked)
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["Location"]

    def waits() -> set[str]:
        holders = http.get(path).json()["holders"]
        return {each["holder"] for each in holders if each["state"] == "pending"}

    until(lambda: waits() == {"database-files"})
    return path


def test_nobody_who_was_erased_is_found_anywhere(shell: Shell, place: Home, tmp_path: Path) -> None:
    before, after = tmp_path / "before.ndjson", tmp_path / "after.ndjson"
    with (
        attach(place.data_dir) as server,
        process("serve", "--port", 0, *place.at()) as serving,
        httpx.Client(base_url=address(serving), headers=known_at(place), timeout=30) as http,
    ):
        superuser = server.conninfo(SUPERUSER, DATABASE)
        candidate = live(http, MARKS)
        wait_until_projected(place.conninfo)
        everybody = [candidate, IMPORTED]
        shown = http.get(f"/v1/candidates/{candidate}").json()
        assert shown["details"]["name"] == MARKS["new-name"]
        shell.done("export", *WHY, before, "--for", "Auditors Ltd", *place.at())
        exported: Found = {}
        search("export", before.read_bytes(), needles(MARKS), exported)
        assert exported.keys() == MARKS.keys()
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("ANALYZE")
            connection.execute("CHECKPOINT")
        rows = before.read_text().count("\n")
        sealed = secrets(superuser, everybody)
        assert in_files(place.data_dir, sealed).keys() == sealed.keys()
        with psycopg.connect(superuser) as connection:
            log = connection.execute(
                "SELECT notification_id, topic, md5(state) FROM hirelog.events ORDER BY 1"
            ).fetchall()

        # Those who were erased are redacted, and no error.
        paths = [erase(http, each) for each in everybody]
        for each in everybody:
            state = http.get(f"/v1/candidates/{each}").json()
            assert set(state["details"].values()) == {"[redacted]"}
            history = http.get(f"/v1/candidates/{each}/interactions").json()["items"]
            assert [item["type"] for item in history][-2:] == ["erasure-requested", "erased"]
            note = {"type": "noted", "text": "Again"}
            refused = http.post(f"/v1/candidates/{each}/interactions", json=note)
            assert (refused.status_code, refused.json()["code"]) == (409, "candidate-erased")
        assert "[redacted]" in shell.done("replay", *WHY, candidate, *place.at())
        shown = http.get(paths[0]).json()
        assert [each["recipient"] for each in shown["recipients"]] == ["Auditors Ltd"]
        assert shown["state"] == "erasing"

        done = shell.result("erasures", "maintain", *place.at())
        assert done["log_is_cut"], done
        assert {http.get(path).json()["state"] for path in paths} == {"complete"}
        their_own_data_names_nobody(shell, place, candidate, tmp_path / "own")
        shell.done("export", *WHY, after, *place.at())
        assert after.read_text().count("\n") == rows + 4
        tables = in_tables(superuser, needles(MARKS) | sealed)
        assert tables == {"sealed": ["hirelog.events", "hirelog.events"]}  # whose key is gone
        with psycopg.connect(superuser) as connection:
            now = connection.execute(
                "SELECT notification_id, topic, md5(state) FROM hirelog.events ORDER BY 1"
            ).fetchall()
        assert now[: len(log)] == log
        said = stopped(serving)
    found = in_files(place.data_dir, needles(MARKS) | {"wrapped": sealed["wrapped"]})
    search("export", after.read_bytes(), needles(MARKS) | sealed, found)
    search("log", said.encode(), needles(MARKS) | sealed, found)
    assert found == {}


def their_own_data_names_nobody(shell: Shell, place: Home, candidate: str, own: Path) -> None:
    said = shell.done("access", candidate, "--out", own, "--why", "Letter", *place.at())
    assert "it holds no personal data" in said
    readers = json.loads((own / "access.json").read_text())["read_by"]
    assert ("operator", "export", True, 1) in [tuple(each.values())[:4] for each in readers]
    assert in_files(own, needles(MARKS)) == {}


def test_holds_and_erasures_at_the_command_line(shell: Shell, place: Home) -> None:
    at = place.at()
    hold = shell.result("holds", "place", IMPORTED, "--reference", "Case 7", *at)["hold"]
    (listed,) = shell.result("holds", "list", *at)
    assert (listed["id"], listed["stands"], listed["legal_reference"]) == (hold, True, "Case 7")
    refused = shell.run("erasures", "request", IMPORTED, "--basis", BASIS, *at)
    assert refused.returncode == 2
    assert "Case 7" in refused.stderr
    (waiting,) = shell.result("erasures", "list", *at)
    assert (waiting["state"], waiting["candidate_id"]) == ("held", IMPORTED)
    assert "held" in shell.done("erasures", "show", waiting["id"], *at)
    shell.done("holds", "release", IMPORTED, hold, "--reason", "Settled", *at)
    elsewhere = {"HIRELOG_ERASURE_LEDGER": str(place.data_dir / "other.ledger")}
    due = ("retention", "run", "--yes")
    for erasing in ("erasures", "run"), ("erasures", "maintain"), due:
        refused = shell.run(*erasing, *at, environ=elsewhere)
        assert not complaint(refused, "is not the one that this database knows"), erasing
    (done,) = shell.result("erasures", "run", *at)
    assert done["state"] == "erasing"
    with psycopg.connect(place.conninfo) as connection:
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        left = place.data_dir / f"postgres/base/{row.fetchone()[0]}/987654321"  # type: ignore[index]
    left.write_bytes(b"keys")
    os.utime(left, (0, 0))
    maintained = shell.done("erasures", "maintain", *at)
    assert f"{left}, which a crash of the database left" in maintained
    assert "0 erasure(s) acknowledged" in maintained
    assert shell.result("erasures", "show", waiting["id"], *at)["state"] == "erasing"
    left.unlink()
    maintained = shell.done("erasures", "maintain", *at)
    assert "1 erasure(s) acknowledged" in maintained
    assert "HIRELOG_ERASURE_LEDGER" in maintained, "a backup would replace it"
    shown = shell.result("erasures", "show", waiting["id"], *at)
    assert shown["state"] == "complete"
    assert {each["state"] for each in shown["holders"]} <= {"acknowledged", "gone"}
    assert BASIS in shell.done("erasures", "bases")
    shell.done("erasures", "adopt-ledger", *at, environ=elsewhere)
    assert not complaint(shell.run("erasures", "run", *at), "hirelog erasures adopt-ledger")
    shell.done("erasures", "adopt-ledger", *at)
    unknown = shell.run("erasures", "request", IMPORTED, "--basis", "because", *at)
    assert "there is no legal basis" in unknown.stderr


def test_an_erasure_that_was_killed_is_completed_by_the_next_run(shell: Shell, place: Home) -> None:
    begun = "SELECT count(*) FROM hirelog.erasures"
    destroyed = "SELECT count(*) FROM hirelog.candidate_keys WHERE destroyed_at IS NOT NULL"
    asked = ("request", IMPORTED, "--basis", BASIS)
    with psycopg.connect(place.conninfo, autocommit=True) as connection:
        for arguments, reached in (asked, begun), (("run",), destroyed):
            with process("erasures", *arguments, *place.at()) as erasing:
                until(lambda: connection.execute(reached).fetchone() != (0,))  # noqa: B023  # asked at once
                erasing.send_signal(signal.SIGKILL)
                erasing.wait()
    (interrupted,) = shell.result("erasures", "list", *place.at())
    assert interrupted["state"] != "complete"
    shell.done("erasures", "run", *place.at())
    shell.done("erasures", "maintain", *place.at())
    # Nobody waits a minute for those that were killed but the erasure itself.
    with psycopg.connect(place.conninfo, autocommit=True) as connection:
        connection.execute("UPDATE hirelog.processes SET seen_at = now() - interval '2 minutes'")
    shell.done("erasures", "run", *place.at())
    states = {each["state"] for each in shell.result("erasures", "list", *place.at())}
    assert states <= {"complete"}
    assert "[redacted]" in shell.done("replay", *WHY, IMPORTED, *place.at())


def test_a_data_directory_that_is_put_back_is_erased_again(shell: Shell, tmp_path: Path) -> None:
    data_dir, copy = tmp_path / "data", tmp_path / "copy"
    environ = {"HIRELOG_ERASURE_LEDGER": str(tmp_path / "ledger")}
    file = tmp_path / "facts.ndjson"
    person = {"type": "sourced", "source": "Fair", "name": MARKS["import-name"]}
    file.write_text(fact("2026-01-10T09:00:00Z", person, candidate=IMPORTED))
    at = ("--data-dir", data_dir)
    shell.done("import", file, "--format", "ndjson", *at, environ=environ)
    at_rest(data_dir)
    subprocess.run(["cp", "-a", data_dir, copy], check=True)
    shell.done("erasures", "request", IMPORTED, "--basis", BASIS, *at, environ=environ)
    at_rest(data_dir)
    shutil.rmtree(data_dir)
    copy.rename(data_dir)

    replayed = shell.result("replay", *WHY, IMPORTED, *at, environ=environ)
    assert replayed[0]["data"]["name"] == "[redacted]"
    assert replayed[-1]["actor"] == "system:deletion-ledger"
    export = tmp_path / "export.ndjson"
    shell.done("export", *WHY, export, *at, environ=environ)
    assert MARKS["import-name"] not in export.read_text()
    assert UUID(IMPORTED) in {each.stream for each in Ledger(tmp_path / "ledger").read().destroyed}


def at_rest(data_dir: Path) -> None:
    until(lambda: not (data_dir / "postgres/postmaster.pid").exists())
    time.sleep(0.2)
