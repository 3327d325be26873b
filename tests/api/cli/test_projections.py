"""The read models from the command line: rebuilt, interrupted, as of a moment, tried, verified."""

import json
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from domain.recorded import Recorded
from domain.upkeep import ReadModelEvent
from projections import READ_MODELS
from projections.runtime import log
from tests.api.cli.processes import Home, Shell, complaint, line, process
from tests.databases import all_rows

NAMES = [model.name for model in READ_MODELS]
SMALL = {"HIRELOG_REBUILD_UNIT_EVENTS": "100"}


def lines(text: str) -> list[Any]:
    return [json.loads(each) for each in text.splitlines()]


def builds(shell: Shell, home: Home, state: str) -> dict[str, Any]:
    """What `list` knows of the builds in this state, by schema."""
    listed = shell.result("projections", "list", *home.at())
    return {each["schema_name"]: each for each in listed if each["state"] == state}


def rebuilds(shell: Shell, home: Home) -> list[tuple[Sequence[str], str]]:
    known = shell.result("projections", "status", *home.at())["rebuilds"]
    return [(each["models"], each["state"]) for each in known]


def rows(home: Home) -> dict[str, Any]:
    """All rows of the read models, but for those on what was done to these."""
    found, entries = all_rows(home.conninfo), "compliance_audit.entries"
    kept = [row for row in found[entries] if not row[5].startswith("read-model-")]
    return found | {entries: kept}


def on_record(home: Home) -> list[tuple[str, str, str | None]]:
    """Who did what to read models and why, the first first."""
    with psycopg.connect(home.conninfo) as connection:
        return [
            (
                each.metadata.actor,
                each.event.wire_name().removeprefix("read-model-"),
                each.metadata.reason,
            )
            for each in log.after(connection, 0, 100_000)
            if isinstance(each, Recorded) and isinstance(each.event, ReadModelEvent)
        ]


def test_rebuild_tells_programs_how_far_it_is(shell: Shell, company: Home) -> None:
    before, old = rows(company), builds(shell, company, "retired")
    recorded = len(on_record(company))
    why = ("--reason", "New disks", "--actor", "operator:ola")
    command = ("projections", "rebuild", "--all", "--workers", 2, *why, *company.at())
    *told, made = lines(shell.done(*command, environ=SMALL))
    phases = ["folding", "indexing", *(f"following {name}" for name in NAMES)]
    assert list(dict.fromkeys(each["phase"] for each in told)) == phases
    for each in told:
        assert each["models"] == NAMES
        assert 0 <= each["done"] <= each["total"]
        assert set(each) >= {"rate", "percent", "seconds_left"}
    head = told[0]["total"] + len(NAMES)  # and what tells that it was begun
    assert made["models"] == NAMES
    for model, build in zip(READ_MODELS, made["builds"], strict=True):
        assert build == {
            "model": model.name,
            "version": model.version,
            "state": "live",
            "schema_name": model.name,
            "position": head,
        }
    assert rows(company) == before

    retired = set(builds(shell, company, "retired")) - set(old)
    assert len(retired) == 3
    (crm,) = (schema for schema in retired if schema.startswith("crm_engagement_"))
    build = shell.result("projections", "switch-back", "crm_engagement", *company.at())
    assert build["state"] == "live"
    assert crm not in builds(shell, company, "retired")
    for schema in builds(shell, company, "retired"):
        shell.done("projections", "drop", schema, *company.at())
    assert not builds(shell, company, "retired")
    told_of = on_record(company)[recorded:]
    assert told_of[:3] == [("operator:ola", "rebuild-begun", "New disks")] * 3
    assert [what for _, what, _ in told_of[3:]] == ["switched-back", *["build-dropped"] * 3]
    ended = shell.run("projections", "switch-back", "crm_engagement", *company.at())
    assert not complaint(ended, "no retired build")
    assert rows(company) == before


def test_rebuild_that_is_interrupted_goes_on(shell: Shell, company: Home) -> None:
    before, at = rows(company), company.at()
    recorded = len(on_record(company))
    command = ("projections", "rebuild", "--all", *at)
    with process(*command, environ=SMALL) as rebuilding:
        line(rebuilding.stdout)
        rebuilding.send_signal(signal.SIGINT)
        _, said = rebuilding.communicate(timeout=20)
    assert rebuilding.returncode == 130
    assert re.fullmatch(r"hirelog: rebuild \d+ is paused; the same command goes on with it\n", said)
    assert rebuilds(shell, company) == [(NAMES, "paused")]
    building = builds(shell, company, "building")
    assert len(building) == 3

    with process(*command, environ=SMALL) as rebuilding:
        line(rebuilding.stdout)
        rebuilding.kill()
    assert rebuilds(shell, company) == [(NAMES, "waiting")]
    ended = shell.run("projections", "rebuild", NAMES[0], *at)
    assert not complaint(ended, f"a rebuild of {', '.join(sorted(NAMES))} was begun before")
    for schema, refusal in {
        next(iter(building)): "is being built",
        NAMES[0]: "is what queries of",
        "nonsense": "no build of a read model",
    }.items():
        assert not complaint(shell.run("projections", "drop", schema, *at), refusal)

    assert shell.result("projections", "pause", NAMES[1], *at)["models"] == NAMES
    again = shell.run("projections", "pause", NAMES[1], *at)
    assert not complaint(again, "is paused already")
    given_up = shell.result("projections", "abandon", NAMES[2], *at)
    assert (len(given_up["dropped"]), given_up["left"]) == (1, NAMES[:2])
    made = lines(shell.done("projections", "resume", NAMES[0], *at))[-1]
    assert [build["schema_name"] for build in made["builds"]] == NAMES[:2]
    assert [what for _, what, _ in on_record(company)[recorded:]] == [
        *(*["rebuild-begun"] * 3, *["rebuild-paused"] * 3, *["rebuild-begun"] * 3),
        *("rebuild-paused", "rebuild-abandoned", "rebuild-resumed"),
    ]
    assert not rebuilds(shell, company)
    assert not complaint(shell.run("projections", "resume", NAMES[0], *at), "not being rebuilt")
    assert rows(company) == before


def test_rebuild_as_of_a_moment(shell: Shell, company: Home) -> None:
    with psycopg.connect(company.conninfo) as connection:
        query = "SELECT occurred_at FROM compliance_audit.entries ORDER BY 1 OFFSET 500 LIMIT 1"
        (moment,) = connection.execute(query).fetchone() or ()
    arguments = ("--as-of", moment.isoformat(), "--by", "occurred", *company.at())
    command = ("projections", "rebuild", "compliance_audit", *arguments)
    elsewhere = {"PGTZ": "America/New_York"}
    (build,) = lines(shell.done(*command, environ=elsewhere))[-1]["builds"]
    assert build["drop"] == f"hirelog projections drop {build['schema_name']}"
    (listed,) = builds(shell, company, "kept").values()
    assert (listed["schema_name"], listed["as_of_by"]) == (build["schema_name"], "occurred")
    with psycopg.connect(company.conninfo) as connection:
        latest = f"SELECT max(occurred_at) FROM {build['schema_name']}.entries"
        assert connection.execute(latest.encode()).fetchone() == (moment,)
    assert f" {build['schema_name']} " in shell.done("projections", "list", *company.at())
    told = shell.done("projections", "drop", build["schema_name"], *company.at())
    assert told == f"{build['schema_name']} is dropped, it was a kept build of compliance_audit\n"


def test_verify(shell: Shell, company: Home) -> None:
    verify = ("projections", "verify", "ats_pipeline", *company.at())
    same = shell.done(*verify)
    assert re.fullmatch(r"ats_pipeline, .*: all [\d,]+ live rows are those of a rebuild\n", same)
    with psycopg.connect(company.conninfo) as connection:
        query = "UPDATE ats_pipeline.jobs SET location = %s WHERE first_position = 1"
        assert connection.execute(query, ("Atlantis\x1b[2J",)).rowcount == 1
    told = shell.run(*verify, "--workers", 2)
    assert (told.returncode, told.stderr) == (1, "")
    assert "jobs: 1 rows\n" in told.stdout
    assert ", location: Atlantis\ufffd[2J live / " in told.stdout
    known = json.loads(shell.run(*verify, "--json").stdout)
    assert not known["is_same"]
    assert {table["table"]: table["differing"] for table in known["tables"]}["jobs"] == 1
    shell.done("projections", "rebuild", "ats_pipeline", *company.at())
    assert shell.result(*verify)["is_same"]


MODEL = """
from domain.candidate.events import Sourced
from projections.runtime.contract import ReadModel
from sources import fold

SOURCES = ReadModel(
    name="sources",
    version=1,
    package=__name__,
    tables=(fold.PEOPLE,),
    events=(Sourced,),
    touches=fold.touches,
    fold=fold.fold,
    by_stream=True,
)
"""
FOLD = """
from uuid import UUID

from projections.runtime.contract import Row, Table


class Person(Row):
    candidate_id: UUID
    source: str


PEOPLE = Table("people", Person)


def touches(recorded):
    return PEOPLE, (recorded.originator_id,)


def fold(row, recorded):
    return [Person(recorded.originator_id, recorded.event.source)]
"""
SCHEMA = "CREATE TABLE people (candidate_id uuid PRIMARY KEY, source text NOT NULL);"


def test_try(shell: Shell, company: Home, tmp_path: Path) -> None:
    folder, at = tmp_path / "sources", company.at()
    folder.mkdir()
    assert not complaint(shell.run("projections", "try", folder, *at), "holds no read model")
    (folder / "__init__.py").write_text(MODEL)
    (folder / "fold.py").write_text(FOLD)
    ended = shell.run("projections", "try", folder, *at)
    assert not complaint(ended, str(folder / "schema.sql"))
    (folder / "schema.sql").write_text(SCHEMA.replace("uuid", "uiud"))
    ended = shell.run("projections", "try", folder, *at)
    assert not complaint(ended, 'type "uiud" does not exist')
    (folder / "schema.sql").write_text(SCHEMA)
    tried = shell.result("projections", "try", folder, *at)
    sourced = [
        row for row in all_rows(company.conninfo)["compliance_audit.entries"] if row[5] == "sourced"
    ]
    assert tried["rows"] == {"people": len({row[1] for row in sourced})}
    assert (tried["model"], tried["schema_name"]) == ("sources", None)
    assert not builds(shell, company, "kept")
    told = shell.done("projections", "try", folder, "--keep", *at)
    (kept,) = builds(shell, company, "kept")
    assert f"hirelog projections drop {kept} drops them" in told
    shell.done("projections", "drop", kept, *at)


def test_mistakes(shell: Shell, company: Home) -> None:
    at = company.at()
    cases: list[tuple[tuple[object, ...], str]] = [
        (("rebuild",), "either the NAME of a read model, or --all"),
        (("rebuild", NAMES[0], "--all"), "either the NAME of a read model, or --all"),
        (("rebuild", "nonsense"), f"'nonsense'; there are {', '.join(NAMES)}"),
        (("rebuild", NAMES[0], "--by", "occurred"), "--as-of"),
        (("rebuild", NAMES[0], "--as-of", "2026-01-09T09:00:00"), "--as-of must be a moment"),
        (("rebuild", NAMES[0], "--as-of", "2999-01-01T00:00:00Z"), "lies in the future"),
        (("rebuild", NAMES[0], "--workers", 0), "--workers"),
        (("skip", NAMES[0], 7), "--reason"),
        (("skip", NAMES[0], 7, "--reason", ""), "--reason: "),
        (("skip", NAMES[0], 7, "--reason", "Typo"), "no parked event at position 7"),
        (("retry", NAMES[0]), f"no event is parked for {NAMES[0]}"),
        *(
            ((command, "nonsense"), "there is no read model 'nonsense'")
            for command in ("verify", "pause", "resume", "abandon", "switch-back", "parked")
        ),
    ]
    wrong = {
        str(arguments): complaint(shell.run("projections", *arguments, *at), containing)
        for arguments, containing in cases
    }
    assert not {case: complaint for case, complaint in wrong.items() if complaint}
    environ = {"HIRELOG_REBUILD_UNIT_EVENTS": "1"}
    ended = shell.run("projections", "status", *at, environ=environ)
    assert not complaint(ended, "HIRELOG_REBUILD_UNIT_EVENTS")


def test_times_for_programs_are_those_of_the_api(shell: Shell, company: Home) -> None:
    listed = shell.result("projections", "list", *company.at())
    for each in listed:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", each["made_at"])
