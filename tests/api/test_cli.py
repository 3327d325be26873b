"""The command line as real processes, each on data directories of the test's own."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from domain.store.embedded import attach
from migrations.bootstrap import DATABASE, SERVICE
from projections.runtime.status import status
from tests.databases import Database, all_rows, wait_until_projected

ROOT = Path(__file__).parents[2]
ENVIRON = {k: v for k, v in os.environ.items() if not k.startswith("HIRELOG_")} | {
    "PYTHONPATH": str(ROOT)
}
OTHER_KEY = b64encode(bytes(32)).decode()
ADA, BEN = (UUID(int=number, version=4) for number in (1, 2))
NAME, EMAIL, TEXT = "Ada Ruizdiaz", "ada.ruizdiaz@example.org", "Speaks of her whole family."
ESCAPES = "Ben\x1b[2J\x1b]0;taken over\x07"


def fact(at: str, interaction: Mapping[str, Any], **whose: Any) -> str:
    return json.dumps({**whose, "interaction": interaction, "occurred_at": at}) + "\n"


def stream() -> dict[str, Any]:
    """An event as it is on record elsewhere, of a candidate who is new here."""
    return {
        "stream": str(uuid4()),
        "version": 1,
        "topic": "candidate.sourced",
        "event": {"origin": "sourced", "source": "Fair"},
        "metadata": {"actor": "ana"},
    }


FACTS = [
    fact(
        "2026-01-05T09:00:00Z",
        {"type": "opened", "title": "Designer", "stages": ["Review", "Onsite"]},
        job="D-1",
        actor="hr",
    ),
    fact(
        "2026-01-06T09:00:00Z",
        {
            "type": "applied",
            "job_id": "D-1",
            "application_id": "A-1",
            "source": "Careers page",
            "name": NAME,
            "email": EMAIL,
        },
        candidate=str(ADA),
        actor="candidate:self",
    ),
    fact(
        "2026-01-08T09:00:00Z",
        {"type": "advanced", "application_id": "A-1", "to_stage": "Lunch", "reason": "In a hurry"},
        candidate=str(ADA),
        actor="recruiter:ana",
    ),
    fact("2026-01-09T09:00:00+01:00", {"type": "noted", "text": TEXT}, candidate=str(ADA)),
    fact(
        "2026-01-10T09:00:00Z",
        {"type": "sourced", "source": "Fair", "name": ESCAPES},
        candidate=str(BEN),
    ),
]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "api.cli", *map(str, arguments)]


# Forks a process for each line of its input, so that the modules are loaded but once.
FORKS = """
import json, os, signal, sys, tempfile, traceback
from api import cli

def become(arguments, environ, seconds, out, err):
    signal.alarm(seconds)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.update(environ)
    sys.argv[1:] = arguments
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()

for case in sys.stdin:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if not child:
            os._exit(become(*json.loads(case), out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        print(json.dumps([code, out.read(), err.read()]), flush=True)
"""
Ended = subprocess.CompletedProcess[str]
Environ = Mapping[str, str]
NONE: Environ = {}


@dataclass(frozen=True)
class Shell:
    """Runs commands, each as a process of its own."""

    forks: subprocess.Popen[str]

    def run(self, *arguments: object, seconds: int = 60, environ: Environ = NONE) -> Ended:
        assert self.forks.stdin is not None
        case = [*map(str, arguments)]
        self.forks.stdin.write(json.dumps([case, dict(environ), seconds]) + "\n")
        self.forks.stdin.flush()
        return subprocess.CompletedProcess(case, *json.loads(line(self.forks.stdout)))

    def done(self, *arguments: object, environ: Environ = NONE) -> str:
        """What a process that must succeed prints."""
        ended = self.run(*arguments, environ=environ)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout

    def result(self, *arguments: object, environ: Environ = NONE) -> Any:
        return json.loads(self.done(*arguments, "--json", environ=environ))


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKS],
        env=ENVIRON,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forks:
        yield Shell(forks)


def line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def complaint(ended: Ended, containing: str) -> str | None:
    """What is wrong with how a process failed."""
    lines = ended.stderr.splitlines()
    if ended.returncode != 2:
        return f"ended with {ended.returncode}: {ended.stderr[-300:]}"
    if len(lines) != 1 or not lines[0].startswith("hirelog: "):
        return f"said {lines}"
    if containing not in lines[0]:
        return f"said {lines[0]!r} without {containing!r}"
    return "printed on stdout" if ended.stdout else None


@contextmanager
def process(*arguments: object, environ: Environ = NONE) -> Iterator[subprocess.Popen[str]]:
    """A process that runs until it is told to stop, or else is killed."""
    with subprocess.Popen(
        command(*arguments),
        env={**ENVIRON, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def stopped(started: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """What it said on standard error until it ended in order."""
    started.send_signal(number)
    _, said = started.communicate(timeout=20)
    assert started.returncode == 0, said
    return said


def address(started: subprocess.Popen[str]) -> str:
    said = line(started.stdout)
    found = re.search(r"http://127\.0\.0\.1:\d+(?= )", said)
    assert found, said or started.communicate()[1]
    return found[0]


@dataclass(frozen=True)
class Home:
    """A data directory whose server runs."""

    data_dir: Path
    conninfo: str

    def at(self) -> tuple[str, Path]:
        """The option that names it."""
        return "--data-dir", self.data_dir


def head(conninfo: str) -> int:
    """How many events the log holds."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT max(notification_id) FROM hirelog.events").fetchone()
    return (row and row[0]) or 0


@pytest.fixture(scope="module")
def home(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A data directory with a small import; tests add to it, but not to its two candidates."""
    file = tmp_path_factory.mktemp("facts") / "history.ndjson"
    file.write_text("".join(FACTS))
    data_dir = tmp_path_factory.mktemp("cli") / "data"
    with process("project", "--data-dir", data_dir) as early:
        assert early.wait(20) == 2  # it makes no data directory
    report = shell.result("import", file, "--format", "ndjson", "--data-dir", data_dir)
    assert (report["candidates"], report["interactions"]) == (2, 5)
    assert (report["added_events"], report["repeated"]) == (6, 0)
    assert report["broken_rules"] == [{"type": "advanced", "rule": "unknown-stage", "count": 1}]
    with attach(data_dir) as server:
        yield Home(data_dir, server.conninfo(SERVICE, DATABASE))
    deadline = time.monotonic() + 20
    while (data_dir / "postgres/postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(data_dir)  # a cluster is too large to keep


def own_server(database: Database) -> Environ:
    """What makes processes use a database of a server instead of the embedded one."""
    return {"HIRELOG_DATABASE_URL": database.owner}


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
    told = shell.done("replay", ADA, *home.at())
    assert told.startswith(f"{NAME}  candidate {ADA}\n3 events\n")
    for words in (
        *("2026-01-06 09:00:00 UTC", "candidate:self", f"email: {EMAIL}", "why: In a hurry"),
        *("recruiter:ana", "breaks the rule: unknown-stage", "import:history.ndjson"),
        *(f"text: {TEXT}", "2026-01-09 08:00:00 UTC", "Now: applicant; Designer: active in Lunch"),
    ):
        assert words in told, words

    history = shell.result("replay", ADA, *home.at())
    assert [step["version"] for step in history] == [1, 2, 3]
    assert [step["state"]["version"] for step in history] == [1, 2, 3]
    assert history[0]["data"]["name"] == history[2]["state"]["details"]["name"] == NAME
    assert history[1]["broken_rules"] == ["unknown-stage"]

    def versions(*options: str) -> list[int]:
        return [step["version"] for step in shell.result("replay", ADA, *options, *home.at())]

    assert versions("--version", "2") == [1, 2]
    assert versions("--as-of", "2026-01-08T09:00:00Z") == [1, 2]
    assert versions("--as-of", "2026-01-08T09:59:59+01:00") == [1]
    assert versions("--known-at", "2999-01-01T00:00:00Z") == [1, 2, 3]
    early = shell.run("replay", ADA, "--known-at", "2026-06-01T00:00:00Z", *home.at())
    assert not complaint(early, "not on record at that time")


def test_replay_sends_nothing_to_the_terminal_but_text(shell: Shell, home: Home) -> None:
    """What an applicant calls himself must not move the cursor of a compliance officer."""
    told = shell.done("replay", BEN, *home.at())
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
    assert shell.result("export", file, *home.at())["events"] == events
    assert file.stat().st_mode & 0o777 == 0o600
    assert NAME in file.read_text()
    assert not complaint(shell.run("export", file, *home.at()), "File exists")

    there, environ = ("--data-dir", tmp_path / "there"), own_server(database)
    arguments = ("import", file, "--format", "ndjson", *there)
    assert shell.result(*arguments, environ=environ)["added_events"] == events
    rows = all_rows(database.service)
    assert same_but_sealed_anew(rows) == same_but_sealed_anew(all_rows(home.conninfo))
    assert len(rows["compliance_audit.entries"]) == events
    again = shell.result(*arguments, environ=environ)
    assert (again["added_events"], again["repeated"]) == (0, events)
    assert all_rows(database.service) == rows
    shell.done("export", second, *there, environ=environ)
    assert second.read_bytes() == file.read_bytes()
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["master.key"]


def test_export_that_does_not_fit_the_disk(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "-", *command("export", file)]
    finished = subprocess.run(
        [*limited, *map(str, home.at()), "--json"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not complaint(finished, str(file))


def test_import_that_is_killed_goes_on(shell: Shell, database: Database, tmp_path: Path) -> None:
    people = 3_500
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


def test_event_log_in_xes(shell: Shell, home: Home, tmp_path: Path) -> None:
    plain, zipped = tmp_path / "log.xes", tmp_path / "log.xes.gz"
    plain.write_text(XES)
    zipped.write_bytes(gzip.compress(XES.encode()))
    options = ("--format", "xes", "--mapping", "hiring_log", *home.at())
    first = shell.result("import", plain, *options)
    assert (first["candidates"], first["added_events"], first["repeated"]) == (1, 4, 0)
    assert first["unused_attributes"] == {"gender": 1}
    again = shell.result("import", zipped, *options)
    assert (again["added_events"], again["repeated"]) == (0, 3)


def test_what_cannot_be_imported(shell: Shell, tmp_path: Path) -> None:
    """Nothing is recorded, and not even a data directory is made."""
    mapping = (ROOT / "api/interchange/hiring_log.toml").read_text()
    zipped = gzip.compress(XES.encode())
    at = "2026-01-05T09:00:00Z"
    xes: dict[str, tuple[str | bytes | None, str, str]] = {
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
        "other class": (json.dumps({**stream(), "topic": "domain.recorded:Metadata"}), "line 6"),
        "other module": (json.dumps({**stream(), "topic": "this:s"}), "line 6"),
    }
    never = tmp_path / "never"
    wrong: dict[str, str | None] = {}

    def refused(file: Path, containing: str, *options: object) -> None:
        ended = shell.run("import", file, *options, "--no-project", "--data-dir", never)
        wrong[file.name] = complaint(ended, containing)

    for name, (content, toml, containing) in xes.items():
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


def test_mistakes_on_the_command_line(shell: Shell, home: Home, tmp_path: Path) -> None:
    at = home.at()
    (tmp_path / "file").touch()
    replay = ("replay", ADA, *at)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases: list[tuple[tuple[object, ...], dict[str, str], str]] = [
            (("nonsense",), {}, "nonsense"),
            (("status", "--nonsense"), {}, "--nonsense"),
            (("replay", "Ada", *at), {}, "UUID"),
            (("replay", uuid4(), *at), {}, "is not on record"),
            ((*replay, "--version", "4"), {}, "there is no version 4"),
            ((*replay, "--version", "0"), {}, "greater than or equal to 1"),
            ((*replay, "--version", 10**30), {}, "version"),
            ((*replay, "--as-of", "yesterday"), {}, "--as-of must be a moment"),
            ((*replay, "--as-of", "2026-05-04"), {}, "--as-of must be a moment"),
            ((*replay, "--known-at", "2026"), {}, "--known-at must be a moment"),
            ((*replay, "--as-of", "0001-01-01T00:00:00+14:00"), {}, "--as-of must be a moment"),
            (("import", tmp_path / "file", "--format", "csv", *at), {}, "csv"),
            (("import", tmp_path / "file", "--format", "xes", *at), {}, "--mapping"),
            (("export", tmp_path / "no/file", *at), {}, "No such file or directory"),
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


def test_serve_and_its_log(home: Home) -> None:
    secrets = [NAME, EMAIL, TEXT, "+49 30 7654321"]
    with process("serve", "--port", 0, *home.at()) as serving:
        with httpx.Client(base_url=address(serving), timeout=30) as http:
            person = {"type": "sourced", "source": "Fair", "name": NAME, "email": EMAIL}
            begun = http.post("/v1/candidates", json=person)
            assert begun.status_code == 201
            path = f"/v1/candidates/{begun.json()['id']}"
            for body in (
                {"type": "noted", "text": TEXT},
                {"type": "profile-updated", "phone": secrets[3]},
                {"type": "noted", "text": [TEXT], NAME: EMAIL},
                {"type": EMAIL},
            ):
                assert http.post(f"{path}/interactions", json=body).status_code in {201, 422}
            assert http.post(f"{path}/interactions", content=TEXT).status_code == 422
            assert http.get(f"/{EMAIL}?name={NAME}").status_code == 404
            assert http.get(path).json()["details"]["phone"] == secrets[3]
            assert http.get("/readyz").status_code == 200
            wait_until_projected(home.conninfo)
            shown = http.get("/v1/engagement/candidates", params={"status": "prospect"}).json()
            assert NAME in [each["name"] for each in shown["items"]]
        said = stopped(serving)
    for entry in said.splitlines():
        assert json.loads(entry)["event"], entry
    written = (home.data_dir / "postgres.log").read_text()
    for secret in secrets:
        assert secret not in said
        assert secret not in written


def test_projector_that_is_killed_is_replaced(home: Home) -> None:
    def behind() -> int:
        with psycopg.connect(home.conninfo) as connection:
            return max(model.lag_events for model in status(connection))

    arguments = ("project", *home.at())
    with process("serve", "--no-project", "--port", 0, *home.at()) as serving:
        with httpx.Client(base_url=address(serving)) as http:
            note = {"type": "noted", "text": TEXT}
            begun = http.post("/v1/candidates", json={"type": "sourced", "source": "Fair"})
            path = f"/v1/candidates/{begun.json()['id']}/interactions"
            time.sleep(0.5)
            assert behind() == 1
            with process(*arguments) as first:
                assert line(first.stdout).startswith("hirelog projects")
                wait_until_projected(home.conninfo, 10)
                with process(*arguments) as second:
                    assert line(second.stdout).startswith("hirelog projects")
                    assert http.post(path, json=note).status_code == 201
                    wait_until_projected(home.conninfo, 5)
                    first.kill()
                    assert http.post(path, json=note).status_code == 201
                    wait_until_projected(home.conninfo, 5)
                    stopped(second)
            assert http.post(path, json=note).status_code == 201
            assert behind() == 1
        stopped(serving, signal.SIGINT)
