"""What is imported, what is refused, and what an import leaves when it is killed."""

import gzip
import json
import re
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from psycopg.conninfo import make_conninfo

from api.erasure.eraser import Asked
from api.interchange import xes
from api.interchange.batch import Report
from api.interchange.mapping import Mapping
from api.wiring import System, opened_vault
from domain.intake import Intake
from migrations.bootstrap import SELF_IDENTIFICATION
from tests.api.cli.histories import ADA, BEN, EMAIL, FACTS, NAME, TEXT, fact, stream
from tests.api.cli.processes import ROOT, Shell, complaint, head, own_server, process
from tests.databases import Database, all_rows
from tests.scenario import by

XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
  <trace>
    <string key="concept:name" value="case 1"/>
    <string key="gender" value="female"/>
    <event>
      <string key="concept:name" value="Hand In Job Application"/>
      <string key="resource" value="Board"/>
      <date key="time:timestamp" value="2020-02-29T09:00:00.000+01:00"/>
    </event>
    <event>
      <string key="concept:name" value="Application Rejected"/>
      <string key="resource" value="HR 1"/>
      <date key="time:timestamp" value="2020-03-01T09:00:00.000+01:00"/>
    </event>
  </trace>
</log>
"""


def test_import_that_is_killed_goes_on(shell: Shell, database: Database, tmp_path: Path) -> None:
    people = 1_500
    file = tmp_path / "large.ndjson"
    with file.open("w") as lines:
        lines.write(FACTS[0])
        for number in range(people):
            own = {"application_id": f"A-{number}"}
            apply = {"type": "applied", "job_id": "D-1", "source": "Fair", "name": NAME, **own}
            move = {"type": "advanced", "to_stage": "Onsite", **own}
            end = {"type": "withdrawn", **own}
            for hour, body in enumerate((apply, move, {"type": "noted", "text": TEXT}, end)):
                lines.write(fact(f"2026-01-07T{hour:02}:00:00Z", body, candidate=f"C-{number}"))
    total = 1 + 4 * people
    environ = own_server(database)
    arguments = ("import", file, "--format", "ndjson", "--json", "--data-dir", tmp_path / "there")
    with process(*arguments, "--no-project", environ=environ) as importing:
        while not head(database.service):
            assert importing.poll() is None
            time.sleep(0.01)
        importing.kill()
    assert 0 < head(database.service) < total
    report = json.loads(shell.done(*arguments, environ=environ))
    assert report["interactions"] == report["repeated"] + report["added_events"] == total
    assert report["repeated"] > 0
    assert head(database.service) == total + 1  # a job is opened with two events
    rows = all_rows(database.service)
    types = Counter(str(row[5]) for row in rows["compliance_audit.entries"])
    steps = ("applied", "advanced", "noted", "withdrawn")
    assert types == {
        **dict.fromkeys(steps, people),
        "job-opened": 1,
        "job-stages-defined": 1,
    }
    applications = rows["ats_pipeline.applications"]
    assert Counter(row[4:7] for row in applications) == {("withdrawn", "Onsite", 2): people}
    assert len(rows["ats_pipeline.stage_visits"]) == 2 * people
    assert {row[4] for row in rows["crm_engagement.candidates"]} == {"prospect"}


def test_event_log_in_xes(shell: Shell, database: Database, tmp_path: Path) -> None:
    plain, zipped = tmp_path / "log.xes", tmp_path / "log.xes.gz"
    plain.write_text(XES)
    zipped.write_bytes(gzip.compress(XES.encode()))
    environ = own_server(database)
    options = ("--format", "xes", "--mapping", "hiring_log", "--data-dir", tmp_path / "there")
    refused = shell.run("import", plain, *options, environ=environ)
    assert complaint(refused, "HIRELOG_SELF_IDENTIFICATION_URL") is None
    assert head(database.owner) == 0
    apart = make_conninfo(database.service, user=SELF_IDENTIFICATION)
    environ = {**environ, "HIRELOG_SELF_IDENTIFICATION_URL": apart}
    first = shell.result("import", plain, *options, environ=environ)
    assert (first["candidates"], first["added_events"], first["repeated"]) == (1, 4, 0)
    assert (first["unused_attributes"], first["self_identifications"]) == ({}, 1)
    again = shell.result("import", zipped, *options, environ=environ)
    assert (again["added_events"], again["repeated"]) == (0, 3)


def test_who_was_erased_is_left_out_of_the_self_identifications(
    system: System, tmp_path: Path
) -> None:
    file = tmp_path / "log.xes"
    case = XES[XES.index("  <trace>") : XES.index("</log>")]
    file.write_text(XES.replace("</log>", f"{case.replace('case 1', 'case 2')}</log>"))
    mapping = Mapping.read(ROOT / "api/interchange/hiring_log.toml")
    person = mapping.id_for("candidate", "case 1")
    report = Report(file=str(file), format="xes")
    xes.load(file, mapping, Intake(system.recruiting), report, lambda _done: None)
    system.eraser.request(uuid4(), Asked(person, "gdpr-art-17-1-a"), by("compliance:kim"))
    with opened_vault(system) as vault:
        xes.load_self_identifications(file, mapping, vault, report)
    assert report.self_identifications == 1
    assert report.as_json()["refused"] == {"candidate-erased": 1}


def test_what_cannot_be_imported(shell: Shell, tmp_path: Path) -> None:
    """Nothing is recorded, and not even a data directory is made."""
    mapping = (ROOT / "api/interchange/hiring_log.toml").read_text()
    zipped = gzip.compress(XES.encode())
    at = "2026-01-05T09:00:00Z"
    logs: dict[str, tuple[str | bytes | None, str, str]] = {
        "missing": (None, mapping, "No such file"),
        "truncated.gz": (zipped[: len(zipped) // 2], mapping, "to its end"),
        "damaged.gz": (zipped[:-8] + b"\0" * 8, mapping, "to its end"),
        "truncated": (XES[:400], mapping, "not a whole XML document"),
        "empty": ("", mapping, "not a whole XML document"),
        "not XES": ("<html><body/></html>", mapping, "is not an XES log"),
        "DTD": (XES.replace("<log", '<!DOCTYPE log [<!ENTITY a "b">]><log'), mapping, "DTD"),
        "outer DTD": (XES.replace("<log", '<!DOCTYPE log SYSTEM "x.dtd"><log'), mapping, "DTD"),
        "unmapped": (XES.replace("Application Rejected", "Lunch"), mapping, "'Lunch'"),
        "bare year": (re.sub('"2020-03-01[^"]*"', '"2020"', XES), mapping, "with a zone"),
        "no zone": (XES.replace("+01:00", ""), mapping, "with a zone"),
        "no actor": (XES.replace('key="resource"', 'key="other"'), mapping, "'resource'"),
        "broken TOML": (XES, mapping + "[[", "is not TOML"),
        "empty TOML": (XES, "", "source: Field required"),
        "unknown in TOML": (XES, f"colour = 1\n{mapping}", "colour"),
        "no interaction": (XES, mapping.replace('"rejected"', '"sacked"'), "Application Rejected"),
        "stage twice": (XES, mapping.replace("ML Interview", "Coding Interview"), "stage"),
        "empty title": (XES, mapping.replace('"Software Developer"', '" "'), "title"),
    }
    ndjson: dict[str, tuple[str, str]] = {
        "no JSON": ("Ada\n", "line 6 is not a JSON object"),
        "cut off": (FACTS[1][:40], "line 6 is not a JSON object"),
        "a list": ("[]\n", "line 6"),
        "nesting": ("[" * 100_000 + "\n", "line 6 is not a JSON object"),
        "latin-1": ("Zo\xeb\n", "line 6"),
        "unknown type": (fact(at, {"type": EMAIL}, candidate="C"), "line 6"),
        "nobody": (fact(at, {"type": "noted", "text": "x"}), "line 6 must name either"),
        "both": (fact(at, {"type": "withdrawn"}, candidate="C", job="J"), "line 6 must name"),
        "no zone": (fact(at[:-1], {"type": "noted", "text": "x"}, candidate="C"), "line 6"),
        "bare year": (fact("2026", {"type": "noted", "text": "x"}, candidate="C"), "line 6"),
        "no event": (json.dumps({**stream(), "topic": "candidate.lost"}), "line 6"),
        "self-identification": (
            json.dumps(
                {
                    **stream(),
                    "topic": "self-identification.stated",
                    "metadata": {
                        "actor": "ana",
                        "command_id": str(uuid4()),
                        "occurred_at": at,
                        "recorded_at": at,
                    },
                }
            ),
            "line 6: self-identifications are not exchanged",
        ),
        "other class": (json.dumps({**stream(), "topic": "domain.recorded:Metadata"}), "line 6"),
        "other module": (json.dumps({**stream(), "topic": "this:s"}), "line 6"),
    }
    never = tmp_path / "never"
    wrong: dict[str, str | None] = {}

    def refused(file: Path, containing: str, *options: object) -> None:
        ended = shell.run("import", file, *options, "--no-project", "--data-dir", never)
        wrong[file.name] = complaint(ended, containing)

    for name, (content, toml, containing) in logs.items():
        file, how = tmp_path / f"{name}.xes", tmp_path / f"{name}.toml"
        how.write_text(toml)
        if content is not None:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        refused(file, containing, "--format", "xes", "--mapping", how)
    for name, (last, containing) in ndjson.items():
        file = tmp_path / f"{name}.ndjson"
        file.write_text("".join(FACTS) + last, "latin-1")
        refused(file, containing, "--format", "ndjson")
    assert not {name: complaint for name, complaint in wrong.items() if complaint}
    assert not never.exists()


def test_events_that_no_read_model_can_hold(
    shell: Shell, database: Database, tmp_path: Path
) -> None:
    """They are refused, or at least stop nobody else's: an import must not halt the projectors."""
    job = {**stream(), "topic": "job.opened", "event": {"title": "Designer", "openings": 10**12}}
    poison = {
        "NUL": {**stream(), "metadata": {"actor": "ana\0"}},
        "NUL in the event": {**stream(), "event": {"origin": "sourced", "source": "\0"}},
        "large number": job,
        "long actor": {**stream(), "metadata": {"actor": "".join(map(chr, range(1_000, 9_000)))}},
    }
    environ = own_server(database)
    options = ("--format", "ndjson", "--data-dir", tmp_path / "there")
    for name, event in poison.items():
        file = tmp_path / f"{name}.ndjson"
        file.write_text(json.dumps(event))
        ended = shell.run("import", file, *options, "--no-project", environ=environ)
        assert ended.returncode in {0, 2}, name
    file = tmp_path / "history.ndjson"
    file.write_text("".join(FACTS))
    ended = shell.run("import", file, *options, seconds=10, environ=environ)
    assert ended.returncode == 0, f"still busy after 10 s: {ended.stderr[-300:]}"
    shown = all_rows(database.service)["crm_engagement.candidates"]
    assert {ADA, BEN} <= {row[0] for row in shown}


def test_import_takes_no_job_for_a_candidate(
    shell: Shell, database: Database, tmp_path: Path
) -> None:
    at, environ = "2026-01-05T09:00:00Z", own_server(database)
    opened, sourced = {"type": "opened", "title": "X"}, {"type": "sourced", "source": "Fair"}
    for name, facts in {
        "job after": [("candidate", sourced), ("job", {"type": "closed"})],
        "candidate after": [("job", opened), ("candidate", sourced)],
    }.items():
        file, stream = tmp_path / f"{name}.ndjson", str(uuid4())
        file.write_text("".join(fact(at, body, **{whose: stream}) for whose, body in facts))
        options = ("--format", "ndjson", "--json", "--data-dir", tmp_path / "there")
        ended = shell.run("import", file, *options, environ=environ)
        assert not complaint(ended, stream), name
        assert "by others" not in ended.stderr, name  # nobody else is at work
