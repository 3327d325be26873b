"""`hirelog impact report` over our own pipeline, and what was published of it."""

import json
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from domain.store.embedded import SUPERUSER, attach
from migrations.bootstrap import DATABASE, SERVICE
from tests.api.cli.processes import WHY, Shell

# Forty applicants, half of them of each sex; ten men and five women are offered the job. By race
# they are 24, 12 and 4.
MAPPING = """
source = "fair"
[job]
title = "Cook"
stages = ["Apply"]
[self_identification]
sex = { attribute = "sex" }
race = { attribute = "race" }
[activities.Apply]
interaction = "applied"
stage = "Apply"
source = "Form"
[activities.Offer]
interaction = "offered"
[activities.Reject]
interaction = "rejected"
"""

NOTED = """
SELECT candidate_id, reader, role, through FROM hirelog.readings
 WHERE what = 'self-identification' ORDER BY reading
"""
PUBLISH_BEFORE_EVENTS = """
INSERT INTO hirelog.impact_reports
       (report_id, published_at, published_by, position, checkpoint, policy, policy_version,
        json, csv, html)
SELECT gen_random_uuid(), '2020-01-01', published_by, position, checkpoint, policy, policy_version,
       json, csv, html
  FROM hirelog.impact_reports
 LIMIT 1
"""
SELECT_PUBLISHED = "SELECT state FROM hirelog.events WHERE topic = 'impact-report.published'"


def trace(number: int) -> str:
    sex = "declined" if number == 39 else "male" if number % 2 else "female"
    race = "AAAAAABBBC"[number % 10]
    ending = "Offer" if number < (20 if sex == "male" else 10) else "Reject"
    events = "".join(
        f'<event><string key="concept:name" value="{name}"/>'
        f'<date key="time:timestamp" value="2026-03-0{day}T09:00:00Z"/></event>'
        for day, name in enumerate(("Apply", ending), 1)
    )
    return (
        f'<trace><string key="concept:name" value="{number}"/>'
        f'<string key="sex" value="{sex}"/><string key="race" value="{race}"/>{events}</trace>'
    )


@pytest.fixture(scope="module")
def data_dir(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("impact")
    (folder / "fair.toml").write_text(MAPPING)
    (folder / "fair.xes").write_text(f"<log>{''.join(map(trace, range(40)))}</log>")
    options = ("--format", "xes", "--mapping", folder / "fair.toml", "--data-dir", folder / "data")
    report = shell.result("import", folder / "fair.xes", *options)
    assert report["self_identifications"] == 40
    again = shell.result("import", folder / "fair.xes", *options)
    assert (again["added_events"], again["self_identifications"]) == (0, 0)
    return folder / "data"


def test_a_published_report_does_not_change(shell: Shell, data_dir: Path, tmp_path: Path) -> None:
    where = ("--data-dir", data_dir)
    made = shell.result(
        *("impact", "report", "--selected", "offered", "--publish-by", " officer:kim ", *where),
        *("--out", tmp_path / "report.html"),
    )
    (whole, stage, job, period) = made["sections"]
    assert (stage["name"], job["name"], period["name"]) == ("Apply", "Cook", "2026")
    for section in (whole, stage, job, period):
        by_race, table = section["tables"]
        female, male = table["groups"]
        assert (female["applicants"], female["selected"]) == (20, 5)
        assert (male["applicants"], male["selected"]) == (19, 10)
        assert female["impact_ratio"]["exact"] == "19/40"
        assert female["below_four_fifths"]
        assert (table["declined"], table["unknown"]) == (1, 0)
        shown, others = by_race["groups"]
        assert (shown["group"], shown["applicants"]) == (["A"], 24)
        assert (others["group"], others["applicants"]) == (["(others)"], 16)
        assert (others["merged"], others["impact_ratio"]) == (True, None)
        assert section["left_out"] == [["race", "sex"]]
    assert made["smallest_cell"]["people"] == 10

    (listed,) = shell.result("impact", "published", *where)
    assert listed["position"] == int(made["about"]["Up to position"])
    assert int(listed["checkpoint"].splitlines()[1]) >= listed["position"]
    assert listed["checkpoint"].splitlines()[2] in made["about"]["Checkpoint"]
    (tmp_path / "kept.txt").write_text(listed["checkpoint"])
    shell.done("audit", "check", "--checkpoint", tmp_path / "kept.txt", *where)
    shown = shell.done("impact", "show", listed["report_id"], *where)
    assert json.loads(shown) == made
    shell.done("impact", "show", listed["report_id"], "--out", tmp_path / "same.html", *where)
    html = (tmp_path / "same.html").read_bytes()
    assert html == (tmp_path / "report.html").read_bytes()
    assert listed["html_sha256"] == sha256(html).hexdigest()
    assert (listed["wrong"], listed["smallest_group"]) == (None, 10)


def test_groups_of_any_size_are_for_work_or_published_for_a_reason(
    shell: Shell, data_dir: Path, tmp_path: Path
) -> None:
    report = ("impact", "report", "--selected", "offered", "--by", "race", "--data-dir", data_dir)
    working = shell.result(*report)
    by_race = working["sections"][0]["tables"][0]["groups"]
    assert [each["applicants"] for each in by_race] == [24, 12, 4]
    assert "must not be handed on" in working["about"]["Handing on"]
    assert working["smallest_cell"] is None

    because = ("--every-group-because", "LL144 demands it")
    alone = shell.run(*report, *because)
    assert (alone.returncode, "--publish-by" in alone.stderr) == (2, True)
    files = [tmp_path / f"whole.{kind}" for kind in ("html", "csv")]
    outs = [option for file in files for option in ("--out", file)]
    published = shell.result(*report, *because, "--publish-by", "officer:ann", *outs)
    assert published["sections"][0]["tables"][0]["groups"] == by_race
    assert all("down to one person: LL144 demands it" in file.read_text() for file in files)
    with (
        attach(data_dir) as server,
        psycopg.connect(server.conninfo(SERVICE, DATABASE), autocommit=True) as connection,
    ):
        (event,) = (
            json.loads(state)
            for (state,) in connection.execute(SELECT_PUBLISHED)
            if b"officer:ann" in state
        )
    assert event["metadata"]["reason"] == "LL144 demands it"
    assert "smallest_group" not in event["event"]


def test_a_report_that_was_altered_in_the_database_is_not_handed_out(
    shell: Shell, data_dir: Path, tmp_path: Path
) -> None:
    where = ("--data-dir", data_dir)
    shell.done("impact", "report", "--selected", "offered", "--publish-by", "officer:eve", *where)
    (altered,) = (
        each["report_id"]
        for each in shell.result("impact", "published", *where)
        if each["published_by"] == "officer:eve"
    )
    altering = "UPDATE hirelog.impact_reports SET json = replace(json, %s, %s) WHERE report_id = %s"
    with (
        attach(data_dir) as server,
        psycopg.connect(server.conninfo(SUPERUSER, DATABASE), autocommit=True) as connection,
    ):
        connection.execute(altering, ("19/40", "39/40", altered))
        said = "this was altered after it was published: its text as JSON"
        ended = {
            (ended.returncode, said in ended.stdout + ended.stderr)
            for ended in (
                shell.run("impact", "published", *where),
                shell.run("impact", "show", altered, *where),
                shell.run("impact", "show", altered, "--out", tmp_path / "never.json", *where),
                shell.run("audit", "check", *where),
            )
        }
        assert ended == {(1, True)}
        assert not (tmp_path / "never.json").exists()
        connection.execute(altering, ("39/40", "19/40", altered))
        connection.execute(PUBLISH_BEFORE_EVENTS)
    for command in ("audit", "check"), ("impact", "published"):
        assert "no event in the log says" in " ".join(
            shell.done(*command, *where, "--json").split()
        )


def test_who_opens_everybody_s_answers_is_noted(shell: Shell, data_dir: Path) -> None:
    options = ("impact", "report", "--selected", "offered", "--data-dir", data_dir)
    with (
        attach(data_dir) as server,
        psycopg.connect(server.conninfo(SERVICE, DATABASE), autocommit=True) as connection,
    ):
        before = connection.execute(NOTED).fetchall()
        shell.done(*options)
        shell.done(*options, "--publish-by", "officer:lee")
        unnamed, named = connection.execute(NOTED).fetchall()[len(before) :]
    assert unnamed[1].startswith("operator:")
    assert named == (None, "officer:lee", "operator", "cli")


def test_the_export_holds_nobodys_self_identification(
    shell: Shell, data_dir: Path, tmp_path: Path
) -> None:
    shell.done("export", *WHY, tmp_path / "all.ndjson", "--data-dir", data_dir)
    exported = (tmp_path / "all.ndjson").read_text()
    assert "candidate.applied" in exported
    assert "self-identification" not in exported


def test_what_makes_no_report(shell: Shell, data_dir: Path) -> None:
    where = ("--data-dir", data_dir)
    unasked = shell.run("impact", "report", "--since", "2030-01-01", *where)
    assert (unasked.returncode, "no rows" in unasked.stderr) == (2, True)
    misspelt = shell.run("impact", "report", "--by", "sexx", "--publish-by", "officer:kim", *where)
    assert (misspelt.returncode, "there are race, sex" in misspelt.stderr) == (2, True)
    for nobody in "", "  ", "officer:kim\nofficer:pat":
        unnamed = shell.run("impact", "report", "--publish-by", nobody, *where)
        assert (unnamed.returncode, "--publish-by" in unnamed.stderr) == (2, True)
    unknown = "00000000-0000-4000-8000-000000000000"
    missing = shell.run("impact", "show", unknown, *where)
    assert (missing.returncode, "no report was published" in missing.stderr) == (2, True)
