"""Parked events from the command line: shown, retried, left out, and all of that on record."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.api.cli.histories import ADA, FACTS
from tests.api.cli.processes import WHY, Environ, Shell, complaint, own_server
from tests.api.cli.test_records import same_but_sealed_anew
from tests.databases import Database, all_rows
from tests.projections.test_projector import forget_read_models, project_to_the_end

CRM, AUDIT = "crm_engagement", "compliance_audit"

POISON = """
INSERT INTO hirelog.events
SELECT (SELECT max(notification_id) FROM hirelog.events) + 1, originator_id,
       max(originator_version) + 1, 'candidate.noted', %s
  FROM hirelog.events
 WHERE originator_id = %s
 GROUP BY originator_id
RETURNING notification_id
"""
NOTED = "SELECT state FROM hirelog.events WHERE topic = 'candidate.noted' LIMIT 1"


@pytest.fixture
def environ(shell: Shell, database: Database, tmp_path: Path) -> Environ:
    """A database with the small import, which the environment names."""
    environ = {**own_server(database), "HIRELOG_DATA_DIR": str(tmp_path / "there")}
    file = tmp_path / "history.ndjson"
    file.write_text("".join(FACTS))
    shell.done("import", file, "--format", "ndjson", "--json", environ=environ)
    return environ


@pytest.fixture
def poison(environ: Environ, database: Database) -> int:
    """The position of an event of Ada's that nobody can read; one more is behind it."""
    with psycopg.connect(database.superuser) as connection:
        (noted,) = connection.execute(NOTED).fetchone() or ()
        (position,) = connection.execute(POISON, (b"not json", ADA)).fetchone() or ()
        connection.execute(POISON, (noted, ADA))
    project_to_the_end(database.service)
    return int(position)


def entries(database: Database, kind: str) -> list[Any]:
    """Who, why, and what, of the entries of this type in the audit trail."""
    project_to_the_end(database.service)
    rows = all_rows(database.service)[f"{AUDIT}.entries"]
    return [(row[6], row[8], row[9]) for row in rows if row[5] == kind]


def test_parked_events_are_shown_retried_and_left_out(
    shell: Shell, environ: Environ, database: Database, poison: int
) -> None:
    def done(*arguments: object) -> str:
        return shell.done("projections", *arguments, environ=environ)

    def result(*arguments: object) -> Any:
        return shell.result("projections", *arguments, environ=environ)

    told = done("parked")
    assert f"{CRM}  position {poison}  candidate.noted  stream {ADA}  parked 20" in told
    assert f"    waits behind the event at position {poison}\n" in told
    assert done("parked", CRM, "--limit", 1).endswith("and 1 more; --limit shows them\n")
    parked = result("parked", CRM)
    assert parked["parked"] == 2
    assert [each["position"] for each in parked["items"]] == [poison, poison + 1]

    retried = done("retry", CRM, "--stream", ADA, "--actor", "operator:ana")
    assert f"0 event(s) of {CRM} were let in, 2 still wait\n" in retried
    assert f"the first waits at position {poison}: " in retried
    other = ("projections", "retry", CRM, "--stream", uuid4())
    assert not complaint(shell.run(*other, environ=environ), "see hirelog projections parked")

    ended = shell.run("projections", "rebuild", CRM, environ=environ)
    assert ended.returncode == 1
    assert f"cannot fold the event at position {poison} " in ended.stderr
    assert f"hirelog projections skip {CRM} {poison}" in ended.stderr
    (stopped,) = result("status")["rebuilds"]
    assert (stopped["state"], stopped["models"]) == ("stopped", [CRM])
    assert stopped["error"] in done("status")

    skip = ("skip", CRM, poison, "--reason", "Broken on import", "--actor", "operator:ana")
    behind = shell.run("projections", *skip[:2], poison + 1, *skip[3:], environ=environ)
    assert not complaint(behind, f"waits behind the one at {poison}")
    skipped = result(*skip)
    assert skipped == {"let_in": 1, "left": 0, "first": None}
    assert not complaint(shell.run("projections", *skip, environ=environ), "is left out of")
    assert done("parked", CRM) == f"no event is parked for {CRM}\n"
    done("resume", CRM)
    assert result("verify", CRM)["is_same"]

    done("skip", AUDIT, poison, "--reason", "Likewise")
    assert not entries(database, "read-model-parked-retried")[1:]
    assert entries(database, "read-model-parked-retried") == [
        ("operator:ana", None, f"Parked events of {CRM} retried")
    ]
    (of_audit, of_crm) = sorted(entries(database, "read-model-parked-skipped"), key=repr)[::-1]
    assert of_crm[:2] == ("operator:ana", "Broken on import")
    assert of_audit[0].startswith("operator:")
    assert result("verify", AUDIT)["is_same"]


def test_an_event_at_which_a_new_version_stops_is_left_out(
    shell: Shell, environ: Environ, database: Database, poison: int
) -> None:
    with psycopg.connect(database.service) as connection:
        connection.execute("UPDATE read_models.builds SET version = 1")
    skip = ("projections", "skip", CRM, poison, "--reason", "Broken")
    ended = shell.run(*skip, environ=environ)
    assert not complaint(ended, "are of another version")
    assert shell.run("projections", "rebuild", CRM, environ=environ).returncode == 1
    told = shell.done(*skip, environ=environ)
    assert told.endswith(f"hirelog projections resume {CRM} goes on with its rebuild\n")
    told = shell.done("projections", "resume", CRM, environ=environ)
    assert '"state": "live"' in told


def refused(stream: str, version: int) -> str:
    """A line of an import; the audit trail's index does not take so long an actor."""
    actor = "ana" if version > 1 else "".join(uuid4().hex for _ in range(300))
    metadata = {
        "actor": actor,
        "command_id": str(uuid4()),
        "occurred_at": "2026-01-05T09:00:00Z",
        "recorded_at": "2026-01-05T09:00:00Z",
    }
    event = {"origin": "sourced", "source": "Fair"}
    told = {"stream": stream, "version": version, "topic": "candidate.sourced"}
    return json.dumps(told | {"event": event, "metadata": metadata}) + "\n"


def test_what_was_left_out_stays_out_after_export_and_import(
    shell: Shell, environ: Environ, database: Database, tmp_path: Path
) -> None:
    file, export = tmp_path / "refused.ndjson", tmp_path / "export.ndjson"
    person = str(uuid4())
    file.write_text(refused(person, 1) + refused(person, 2))
    load = ("--format", "ndjson", "--json")
    shell.done("import", file, *load, environ=environ)
    parked = shell.result("projections", "parked", AUDIT, environ=environ)["items"]
    assert len(parked) == 2
    skip = ("skip", AUDIT, parked[0]["position"], "--reason", "No such actor")
    shell.done("projections", *skip, environ=environ)
    project_to_the_end(database.service)
    rows = all_rows(database.service)

    shell.done("export", *WHY, export, environ=environ)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("TRUNCATE hirelog.events, hirelog.candidate_keys")
    forget_read_models(database)
    shell.done("import", export, *load, environ=environ)
    assert same_but_sealed_anew(all_rows(database.service)) == same_but_sealed_anew(rows)
    assert shell.result("projections", "parked", environ=environ)["parked"] == 0
