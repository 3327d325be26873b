"""What officers ask for on the command line, and that it is noted."""

import json
import zipfile
from pathlib import Path
from typing import Any

import psycopg
from lxml import html

from api.settings import Settings
from api.wiring import open_system, opened_vault
from domain.self_identification import IdentifySelf
from tests.api.cli.histories import ADA, BEN, EMAIL, ESCAPES, NAME, TEXT
from tests.api.cli.processes import Home, Shell, complaint
from tests.scenario import by

WHY = ("--why", "Inspection 2026-7", "--actor", "compliance:kim")


def readings(home: Home, what: str) -> list[Any]:
    query = (
        "SELECT candidate_id, reader, role, through, why FROM hirelog.readings"
        " WHERE what = %s ORDER BY reading"
    )
    with psycopg.connect(home.conninfo) as connection:
        return connection.execute(query, (what,)).fetchall()


def test_differences(shell: Shell, home: Home) -> None:
    told = shell.done("replay", ADA, "--from", "1", "--to", "2", *WHY, *home.at())
    assert told.startswith("from version 1 to version 2\nevents that only the second sees: 2\n")
    for words in "  - Review", "  + Lunch", "2: Moved from Review", "recruiter:ana", "In a hurry":
        assert words in told, words
    assert "details.name" not in told

    def fields(*options: str) -> dict[str, Any]:
        found = shell.result("replay", *WHY[:2], ADA, *options, *home.at())
        return {each["field"].rpartition(".")[2]: each["after"] for each in found["changes"]}

    assert fields("--from", "2026-01-07T00:00:00Z") == {"stage": "Lunch", "text": TEXT}
    assert fields("--from", "3,as-of:2026-01-08T10:00:00Z") == {"text": TEXT}
    assert fields("--to", "1")["name"] == NAME
    assert fields("--from", "known-at:2999-01-01T00:00:00Z") == {}
    assert fields("--from", "known-at:2026-05-01T00:00:00Z")["stage"] == "Lunch"
    assert fields("--from", "2", "--to", "1") == {"stage": "Review"}
    noted = readings(home, "difference")
    assert noted[0] == (ADA, "compliance:kim", "operator", "cli", "Inspection 2026-7")
    assert noted[1][1].startswith("operator:")
    for wrong in "soon", "known-at:2026", "as-of:", "", "9" * 30, "1,,2":
        ended = shell.run("replay", *WHY, ADA, "--from", wrong, *home.at())
        assert not complaint(ended, "--from"), wrong
    assert not complaint(shell.run("replay", *WHY, ADA, "--to", "9", *home.at()), "no version 9")
    both = shell.run("replay", *WHY, ADA, "--to", "1", "--version", "1", *home.at())
    assert not complaint(both, "leave the other points")


def test_a_page_for_who_has_no_access(shell: Shell, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "ada.html"
    for reading in (
        ("replay", ADA),
        ("replay", ADA, "--html", file),
        ("export", file),
        ("audit", "export", ADA, "--out", file),
        ("access", ADA, "--out", file),
    ):
        assert not complaint(shell.run(*reading, *home.at()), "--why"), reading
    assert not file.exists()
    shell.done("replay", ADA, "--html", file, *WHY, *home.at())
    assert file.stat().st_mode & 0o777 == 0o600
    page = html.fromstring(file.read_text("utf-8"))
    said = str(page.xpath("string()"))
    for words in NAME, EMAIL, TEXT, "candidate:self", "Moved from Review", "In a hurry", "Lunch":
        assert words in said, words
    assert not complaint(shell.run("replay", ADA, "--html", file, *WHY, *home.at()), "File exists")
    for what, refused in (
        ("access-bundle", ("access", ADA, "--out", file.with_suffix(".html"))),
        ("proof", ("audit", "export", ADA, "--out", file)),
        ("export", ("export", tmp_path / "no" / "file")),
        ("replay-page", ("replay", ADA, "--html", tmp_path / "no" / "file")),
    ):
        assert not complaint(shell.run(*refused, *WHY, *home.at()), "cannot be made")
        noted = readings(home, what)
        assert [each[:2] for each in noted] == [(ADA, "compliance:kim")] * (what == "replay-page")


def test_nothing_that_was_written_becomes_markup(shell: Shell, home: Home, tmp_path: Path) -> None:
    nasty = "</title><script>alert(1)</script><img src=//x.example> & &lt; ]]> --> \u202eevil"
    facts = tmp_path / "facts.ndjson"
    candidate = "00000000-0000-4000-8000-0000000000aa"
    fact = {"name": nasty, "headline": nasty, "url": "javascript:alert(1)"}
    lines = [
        {"type": "sourced", "source": nasty, "reason": nasty, **fact},
        {"type": "noted", "text": f"{nasty}\nline two"},
    ]
    facts.write_text(
        "".join(
            json.dumps(
                {"candidate": candidate, "interaction": each, "occurred_at": "2026-01-05T09:00:00Z"}
            )
            + "\n"
            for each in lines
        )
    )
    shell.done("import", facts, "--format", "ndjson", *home.at())
    for who, written in ((candidate, nasty), (BEN, ESCAPES)):
        file = tmp_path / f"{who}.html"
        shell.done("replay", who, "--html", file, *WHY, *home.at())
        page = html.fromstring(file.read_text("utf-8"))
        assert not page.xpath("//script | //img | //link | //iframe | //a | //*[@src or @href]")
        assert not page.xpath("//@*[starts-with(name(), 'on')]")
        shown = "".join("\ufffd" if c < " " or c == "\u202e" else c for c in written)
        assert page.xpath("string(//h1)") == shown
        assert page.xpath("string(//title)") == shown
        policy = page.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
        assert str(policy).startswith("default-src 'none'")


def test_a_replay_and_an_export_are_noted(shell: Shell, home: Home, tmp_path: Path) -> None:
    before = len(readings(home, "replay"))
    shell.done("replay", *WHY, ADA, *home.at())
    noted = readings(home, "replay")
    assert len(noted) == before + 1
    assert noted[-1][0] == ADA
    shell.done("export", tmp_path / "all.ndjson", *WHY, *home.at())
    assert readings(home, "export") == [
        (None, "compliance:kim", "operator", "cli", "Inspection 2026-7")
    ]


def test_the_register_needs_no_database(shell: Shell) -> None:
    assert shell.done("audit", "register").startswith("Record of processing, policy version 2")
    assert {each["purpose"] for each in shell.result("audit", "register")["fields"]} == {
        "contact",
        "evaluation",
        "self-identification",
    }
    assert shell.done("audit", "register", "--csv").startswith("event,field,purpose,key,")
    assert shell.done("audit", "register", "--html").startswith("<!doctype html>")
    assert not complaint(shell.run("audit", "register", "--csv", "--html"), "give one")


def test_access(shell: Shell, home: Home, tmp_path: Path) -> None:
    folder, archive = tmp_path / "ada", tmp_path / "ada.zip"
    assert not complaint(shell.run("access", ADA, "--out", folder, *home.at()), "--why")
    shell.done("access", ADA, "--out", folder, *WHY, *home.at())
    files = {"access.json", "resume.json", "index.html"}
    assert {each.name for each in folder.iterdir()} == files
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    made = json.loads((folder / "access.json").read_text("utf-8"))
    assert made["profile"] == json.loads((folder / "resume.json").read_text("utf-8"))
    assert [each["actor"] for each in made["events"]][:2] == ["candidate:self", "recruiter"]
    page = html.fromstring((folder / "index.html").read_text("utf-8"))
    for words in NAME, EMAIL, TEXT, "Careers page", "to complain to a supervisory authority":
        assert words in str(page.xpath("string()")), words
    assert not complaint(shell.run("access", ADA, "--out", folder, *WHY, *home.at()), "File exists")
    shell.done("access", ADA, "--out", archive, *WHY, *home.at())
    with zipfile.ZipFile(archive) as whole:
        assert set(whole.namelist()) == files
    assert readings(home, "access-bundle")[0][:2] == (ADA, "compliance:kim")


def test_access_gives_what_only_the_vault_can_open(
    shell: Shell, home: Home, tmp_path: Path
) -> None:
    settings = Settings(data_dir=home.data_dir)
    with open_system(settings, create=False) as system, opened_vault(system) as vault:
        for answers in {"race": "Qzxrace", "sex": "declined"}, {"sex": "female"}:
            vault.record({ADA: IdentifySelf(answers=answers)}, by("import:form"))
    before = len(readings(home, "self-identification"))
    access = ("access", ADA, *WHY, *home.at())
    on_a_server = {"HIRELOG_DATABASE_URL": home.conninfo}
    refused = shell.run(*access, "--out", tmp_path / "not", environ=on_a_server)
    assert not complaint(refused, "HIRELOG_SELF_IDENTIFICATION_URL; or leave it out with --without")
    assert not (tmp_path / "not").exists()
    assert len(readings(home, "self-identification")) == before

    shell.done(*access, "--out", tmp_path / "whole")
    own = json.loads((tmp_path / "whole/access.json").read_text())["self_identification"]
    assert [each["answers"] for each in own["statements"]] == [
        {"race": "Qzxrace", "sex": "declined"},
        {"sex": "female"},
    ]
    assert {each["recorded_by"] for each in own["statements"]} == {"import"}
    page = str(html.fromstring((tmp_path / "whole/index.html").read_text()).xpath("string()"))
    for words in "What you said of yourself", "Qzxrace", "female":
        assert words in page, words
    noted = readings(home, "self-identification")
    assert noted[before:] == [(ADA, "compliance:kim", "operator", "cli", "Inspection 2026-7")]
    without = ("--without-self-identification", "--out", tmp_path / "part")
    shell.done(*access, *without, environ=on_a_server)
    part = (tmp_path / "part/access.json").read_text()
    assert "Qzxrace" not in part
    assert not json.loads(part)["self_identification"]["are_included"]
    assert f"hirelog access {ADA}" in (tmp_path / "part/index.html").read_text()
    assert readings(home, "self-identification") == noted


def test_retention(shell: Shell, home: Home) -> None:
    at = home.at()
    assert shell.result("retention", "due", "--as-of", "2026-02-01T00:00:00Z", *at)["due"] == 0
    due = shell.result("retention", "due", "--as-of", "2035-01-01T00:00:00Z", *at)
    assert str(BEN) in {each["candidate_id"] for each in due["items"]}
    assert str(ADA) not in str(due), "her application is active"
    ben = next(each for each in due["items"] if each["candidate_id"] == str(BEN))
    assert [term["policy"] for term in ben["terms"]] == ["fr-cnil-prospect", "eu-prospect"]
    assert ben["terms"][0]["started_by"]["type"] == "sourced"
    assert ben["due_at"].startswith("2028-01-10T09:00:00")
    assert str(BEN) in shell.done(
        *("retention", "due", "--as-of", "2027-06-01T00:00:00Z", "--jurisdiction", "EU", *at)
    )
    later = ("--as-of", "2035-01-01T00:00:00Z")
    would = shell.result("retention", "run", "--dry-run", *later, *at)
    assert would["would_erase"] == due["due"]
    for arguments, containing in (
        (("due", "--jurisdiction", "XX"), "there are some of AT, BE"),
        (("due", "--as-of", "soon"), "--as-of must be a moment"),
        (("run",), "--dry-run or --yes"),
        (("run", "--yes", *later), "--as-of lies ahead"),
    ):
        assert not complaint(shell.run("retention", *arguments, *at), containing), arguments
