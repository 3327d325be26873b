"""What is on record is told and handed out; what cannot be is one line on standard error."""

import re
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.api.cli.histories import ADA, BEN, EMAIL, NAME, TEXT
from tests.api.cli.processes import ENVIRON, WHY, Home, Shell, command, complaint, head, own_server
from tests.databases import Database, all_rows

LOADED = "import sys, api.cli.main; print(*sorted({*sys.modules} & {'fastapi', 'api.app'}))"
OTHER_KEY = b64encode(bytes(32)).decode()


def test_commands_come_up_without_the_api() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, check=True)
    assert not loaded.stdout.strip()


def test_status(shell: Shell, home: Home) -> None:
    events = head(home.conninfo)
    told = shell.done("status", *home.at())
    assert told.startswith(f"{events} events in {home.data_dir}\n")
    known = shell.result("status", *home.at())
    assert known["events"] == events
    for model in known["models"]:
        assert model["model"] in told
        assert (model["position"], model["lag_events"], model["parked"]) == (events, 0, 0)


def test_data_directory_is_private(shell: Shell, home: Home) -> None:
    key = home.data_dir / "master.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert home.data_dir.stat().st_mode & 0o777 == 0o700
    assert shell.done("migrate", *home.at()) == "the database is up to date\n"
    assert shell.result("migrate", *home.at()) == {"applied": []}


def test_replay(shell: Shell, home: Home) -> None:
    told = shell.done("replay", *WHY, ADA, *home.at())
    assert told.startswith(f"{NAME}  candidate {ADA}\n3 events\n")
    for words in (
        *("2026-01-06 09:00:00 UTC", "candidate:self", f"email: {EMAIL}", "why: In a hurry"),
        *("recruiter:ana", "breaks the rule: unknown-stage", "import:history.ndjson"),
        *(f"text: {TEXT}", "2026-01-09 08:00:00 UTC", "Now: applicant; Designer: active in Lunch"),
    ):
        assert words in told, words

    earlier = shell.done("replay", *WHY, ADA, "--version", "1", *home.at())
    assert "1 of 3 events, as of that point" in earlier
    assert "Then: " in earlier
    assert "Now: " not in earlier

    history = shell.result("replay", *WHY, ADA, *home.at())
    assert [step["version"] for step in history] == [1, 2, 3]
    assert [step["state"]["version"] for step in history] == [1, 2, 3]
    assert history[0]["data"]["name"] == history[2]["state"]["details"]["name"] == NAME
    assert history[1]["broken_rules"] == ["unknown-stage"]

    def versions(*options: str) -> list[int]:
        return [step["version"] for step in shell.result("replay", *WHY, ADA, *options, *home.at())]

    assert versions("--version", "2") == [1, 2]
    assert versions("--as-of", "2026-01-08T09:00:00Z") == [1, 2]
    assert versions("--as-of", "2026-01-08T09:59:59+01:00") == [1]
    assert versions("--known-at", "2999-01-01T00:00:00Z") == [1, 2, 3]
    early = shell.run("replay", *WHY, ADA, "--known-at", "2026-06-01T00:00:00Z", *home.at())
    assert not complaint(early, "not on record at that time")


def test_replay_sends_nothing_to_the_terminal_but_text(shell: Shell, home: Home) -> None:
    """What an applicant calls himself must not move the cursor of a compliance officer."""
    told = shell.done("replay", *WHY, BEN, *home.at())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", told), ascii(told)


def same_but_sealed_anew(rows: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows to compare with those of another system, which sealed the same names by other keys."""
    return {
        table: [
            tuple("sealed" if str(value).startswith("contact:") else value for value in row)
            for row in found
        ]
        for table, found in rows.items()
    }


def test_export_and_import_again(
    shell: Shell, home: Home, database: Database, tmp_path: Path
) -> None:
    file, second = tmp_path / "export.ndjson", tmp_path / "second.ndjson"
    events = head(home.conninfo)
    assert shell.result("export", *WHY, file, *home.at())["events"] == events
    assert file.stat().st_mode & 0o777 == 0o600
    assert NAME in file.read_text()
    assert not complaint(shell.run("export", *WHY, file, *home.at()), "File exists")

    there, environ = ("--data-dir", tmp_path / "there"), own_server(database)
    arguments = ("import", file, "--format", "ndjson", *there)
    assert shell.result(*arguments, environ=environ)["added_events"] == events
    rows = all_rows(database.service)
    assert same_but_sealed_anew(rows) == same_but_sealed_anew(all_rows(home.conninfo))
    assert len(rows["compliance_audit.entries"]) == events
    again = shell.result(*arguments, environ=environ)
    assert (again["added_events"], again["repeated"]) == (0, events)
    assert all_rows(database.service) == rows
    shell.done("export", *WHY, second, *there, environ=environ)
    assert second.read_bytes() == file.read_bytes()
    made = {each.name for each in (tmp_path / "there").iterdir()}
    kept = {"master.key", "signing.key", "last.checkpoint", "erasures.ledger"}
    assert made <= kept, "no database"


def test_export_that_does_not_fit_the_disk(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "-", *command("export", *WHY, file)]
    finished = subprocess.run(
        [*limited, *map(str, home.at()), "--json"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not complaint(finished, str(file))


def test_mistakes_on_the_command_line(shell: Shell, home: Home, tmp_path: Path) -> None:
    at = home.at()
    (tmp_path / "file").touch()
    replay = ("replay", *WHY, ADA, *at)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases: list[tuple[tuple[object, ...], dict[str, str], str]] = [
            (("nonsense",), {}, "nonsense"),
            (("status", "--nonsense"), {}, "--nonsense"),
            (("replay", *WHY, "Ada", *at), {}, "UUID"),
            (("replay", *WHY, uuid4(), *at), {}, "is not on record"),
            ((*replay, "--version", "4"), {}, "there is no version 4"),
            ((*replay, "--version", "0"), {}, "--version"),
            ((*replay, "--version", 10**30), {}, "version"),
            ((*replay, "--as-of", "yesterday"), {}, "--as-of must be a moment"),
            ((*replay, "--as-of", "2026-05-04"), {}, "--as-of must be a moment"),
            ((*replay, "--known-at", "2026"), {}, "--known-at must be a moment"),
            ((*replay, "--as-of", "0001-01-01T00:00:00+14:00"), {}, "--as-of must be a moment"),
            (("import", tmp_path / "file", "--format", "csv", *at), {}, "csv"),
            (("import", tmp_path / "file", "--format", "xes", *at), {}, "--mapping"),
            (("export", *WHY, tmp_path / "no/file", *at), {}, "No such file or directory"),
            (("serve", "--port", "abc", *at), {}, "port"),
            (("serve", "--port", "70000", *at), {}, "65535"),
            (("serve", "--port", port, *at), {}, f"cannot listen on 127.0.0.1:{port}"),
            (("serve", "--host", "300.1.1.1", *at), {}, "cannot listen on 300.1.1.1"),
            (("serve", *at), {"HIRELOG_PORT": "abc"}, "HIRELOG_PORT"),
            (("serve", "--data-dir", tmp_path / "file/x"), {}, "Not a directory"),
            (("serve", "--data-dir", tmp_path / "file"), {}, str(tmp_path / "file")),
            (("status", "--data-dir", tmp_path), {}, "there is no hirelog data"),
            (("status", "--data-dir", tmp_path / "x"), {}, "there is no hirelog data"),
            (("status", *at), {"HIRELOG_MASTER_KEY": "abc"}, "is not a master key"),
            (("status", *at), {"HIRELOG_MASTER_KEY": "schlüssel"}, "is not a master key"),
            (("status", *at), {"HIRELOG_MASTER_KEY": OTHER_KEY}, "the master key is not the one"),
        ]
        wrong = {
            str(arguments): complaint(shell.run(*arguments, environ=environ), containing)
            for arguments, environ, containing in cases
        }
    assert not {case: complaint for case, complaint in wrong.items() if complaint}
    assert not (tmp_path / "x").exists()


def test_database_that_is_nowhere(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        urls = [
            "postgresql://hirelog:geheim@127.0.0.1:1/hirelog",
            "postgresql://hirelog:geheim@nowhere.invalid/hirelog",
            "postgresql://hirelog:geheim@/hirelog?host=/nowhere",
            "postgre://hirelog:geheim@127.0.0.1/hirelog",  # mistyped
            "nonsense",
            f"postgresql://hirelog:geheim@127.0.0.1:{port}/hirelog",  # takes calls, says nothing
        ]
        wrong = {}
        for url in urls:
            ended = shell.run("status", seconds=20, environ={"HIRELOG_DATABASE_URL": url})
            wrong[url] = complaint(ended, "the database cannot be used") or (
                "tells the password" if "geheim" in ended.stderr else None
            )
    assert not {url: complaint for url, complaint in wrong.items() if complaint}


def test_help() -> None:
    script = Path(sys.executable).with_name("hirelog")
    told = subprocess.run([script], capture_output=True, text=True, check=True, env=ENVIRON).stdout
    for name in "serve", "project", "migrate", "status", "replay", "import", "export":
        assert re.search(rf"^  {name} ", told, re.MULTILINE), name
