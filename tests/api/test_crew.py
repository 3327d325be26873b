"""A large import by several processes leaves what one process would leave."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from api.cli.records import WORTH_A_CREW
from api.demonstration import Step, company
from api.interchange import ndjson, share
from api.interchange.batch import CannotImport
from api.interchange.lines import decoded, whose
from api.interchange.share import Bounds
from api.wiring import System, assembled
from domain.intake import Intake
from tests.api.crews import histories, import_by, working
from tests.databases import Database

UNTIL = datetime(2026, 11, 20, tzinfo=UTC)
CANDIDATES = 60


def line_of(step: Step) -> str:
    interaction = step.intent.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(
        {
            "job" if step.of_job else "candidate": str(step.stream),
            "interaction": {"type": step.intent.type} | interaction,
            "actor": step.metadata.actor,
            "occurred_at": step.metadata.occurred_at.isoformat(),
        }
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What happened in a company whose jobs also close, as facts."""
    path = tmp_path_factory.mktemp("facts") / "company.ndjson"
    path.write_text("\n".join(map(line_of, company(CANDIDATES, until=UNTIL))) + "\n")
    return path


@pytest.mark.parametrize("kept", [0, 200, 100_000])
def test_several_processes_record_what_one_records(
    system: System, database: Database, file: Path, kept: int
) -> None:
    done: list[int] = []
    with working(system, database, 2, Bounds(kept=kept, at_once=7)) as together:
        report = together.check(file)
        together.load(file, system, report, done.append)
    by_two = histories(database)
    assert report.tally.added == sum(map(len, by_two.values())) > report.interactions
    assert not report.tally.repeated + report.tally.broken_rules.total()
    assert done[-1] == report.interactions
    assert done == sorted(done)

    alone = ndjson.check(file)
    recording = ndjson.Recording(Intake(system.recruiting), "there", system.keyring.digest)
    ndjson.load(file, recording, alone, lambda _: None)
    assert (alone.tally.added, alone.tally.repeated) == (0, alone.interactions)

    with psycopg.connect(database.superuser) as connection:
        connection.execute("TRUNCATE hirelog.events, hirelog.candidate_keys")
    with working(system, database, 0) as nobody:
        again = ndjson.check(file)
        nobody.load(file, system, again, lambda _: None)
    assert again.tally.added == report.tally.added
    assert histories(database) == by_two


def test_a_process_that_dies_is_told_and_the_same_import_goes_on(
    system: System, database: Database, file: Path
) -> None:
    killed: list[int] = []

    def kill_one(done: int) -> None:
        if done > 100 and not killed:
            children = psutil.Process().children()
            crew_of_two = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
            killed.append(crew_of_two[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    report = ndjson.check(file)
    with (
        pytest.raises(CannotImport, match="the same command goes on"),
        working(system, database, 2, Bounds(kept=100_000, at_once=7)) as together,
    ):
        together.load(file, system, report, kill_one)
    before = sum(map(len, histories(database).values()))
    assert before
    rest = import_by(system, database, file, 2)
    assert rest.tally.added + before == sum(map(len, histories(database).values()))
    assert rest.tally.repeated
    assert import_by(system, database, file, 2).tally.added == 0


def test_the_first_of_all_wrong_lines_is_told(
    system: System, database: Database, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.ndjson"
    good = {
        "interaction": {"type": "sourced", "source": "Fair"},
        "occurred_at": "2026-01-07T00:00Z",
    }
    lines = [json.dumps(good | {"candidate": f"C-{number}"}) for number in range(40)]
    with working(system, database, 2) as together:
        facts.write_text("\n".join(lines))
        report = together.check(facts)
        assert (report.interactions, report.candidates) == (40, 40)
        assert report.by_activity == {"sourced": 40}
        for number in reversed(range(20, 40)):
            lines[number] = lines[number].replace("Fair", " ")
            facts.write_text("\n".join(lines))
            with pytest.raises(CannotImport, match=f"line {number + 1}: source"):
                together.check(facts)
        facts.write_text("\n".join(lines)[:-40])
        with pytest.raises(CannotImport, match="line 21: source"):
            together.check(facts)


def test_many_facts_about_jobs_are_recorded_though_nothing_waits_for_them(
    system: System, database: Database, tmp_path: Path
) -> None:
    facts = tmp_path / "jobs.ndjson"
    at = {"occurred_at": "2026-01-07T00:00:00Z"}
    opened = {"interaction": {"type": "opened", "title": "Welder", "stages": ["Review"]}} | at
    applied = {"type": "applied", "source": "Fair"}
    with facts.open("w") as lines:
        for number in range(1_000):
            lines.write(json.dumps(opened | {"job": f"J-{number}"}) + "\n")
        for number in range(20):
            fact = {"candidate": f"C-{number}", "interaction": applied | {"job_id": "J-999"}} | at
            lines.write(json.dumps(fact) + "\n")
    report = import_by(system, database, facts, 2)
    assert (report.tally.added, report.candidates, report.interactions) == (2_020, 20, 1_020)
    assert not report.tally.broken_rules.total()


@pytest.mark.parametrize(
    ("gigabytes", "lines", "mebibytes"), [(1, 44_739, 16), (8, 357_913, 128), (64, 715_827, 256)]
)
def test_an_import_keeps_what_the_machine_can_spare(
    gigabytes: int, lines: int, mebibytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "memory", lambda: gigabytes << 30)
    usual = share.usual()
    assert (usual.kept, usual.kept_bytes) == (lines, mebibytes << 20)


@pytest.mark.parametrize("kept", [0, 100_000])
def test_what_is_added_to_the_file_after_its_check_is_left_for_the_next_import(
    system: System, database: Database, file: Path, tmp_path: Path, kept: int
) -> None:
    growing = tmp_path / "growing.ndjson"
    growing.write_bytes(file.read_bytes())
    more = "".join(f"{line}\n" for line in file.read_text().splitlines()[:3])
    with working(system, database, 2, Bounds(kept=kept)) as together:
        report = together.check(growing)
        with growing.open("a") as lines:
            lines.write(more + "{")
        together.load(growing, system, report, lambda _: None)
    assert report.tally.added >= report.interactions
    assert not report.tally.repeated


def test_a_file_of_which_two_processes_read_different_things_is_told(
    system: System, database: Database, file: Path, tmp_path: Path
) -> None:
    changing = tmp_path / "changing.ndjson"
    changing.write_bytes(file.read_bytes())
    lines = file.read_bytes().splitlines(keepends=True)
    owners = [whose(decoded(1, line), "there") for line in lines]
    place = next(n for n, owner in enumerate(owners) if not owner.of_job)
    # Whose this line is keeps no more, and reads what comes next anew; the other one has kept that.
    with working(system, database, 2, Bounds(kept=2 * (place + 1))) as together:
        report = together.check(changing)
        lines[place + 1] = next(line for line in lines if b'"closed"' in line)
        changing.write_bytes(b"".join(lines))
        with pytest.raises(CannotImport, match="was changed while it was read"):
            together.load(changing, system, report, lambda _: None)


def test_a_mixed_file_is_counted_alike_by_one_process_and_by_two(
    system: System, database: Database, file: Path, tmp_path: Path
) -> None:
    import_by(system, database, file, 0)
    mixed = tmp_path / "mixed.ndjson"
    with mixed.open("w") as lines:
        ndjson.export(system, lines, lambda _: None)
        lines.write(file.read_text())
    reports = []
    for processes in (0, 2):
        with working(system, database, processes) as together:
            reports.append(together.check(mixed))
    assert reports[0].candidates == reports[1].candidates == CANDIDATES
    assert reports[0].as_json() == reports[1].as_json()


def large(facts: Path, more: str = "") -> int:
    """Makes a file that is worth a crew, and returns the number of its facts."""
    with facts.open("w") as lines:
        count = WORTH_A_CREW // 500
        for number in range(count):
            person = {"type": "sourced", "source": "Fair", "headline": "x" * 490}
            fact = {"interaction": person, "occurred_at": "2026-01-07T00:00:00Z"}
            lines.write(json.dumps(fact | {"candidate": f"C-{number}"}) + "\n")
        lines.write(more)
    return count


def importing(system: System, database: Database, facts: Path) -> subprocess.Popen[str]:
    """The command, whose processes are copies of the one that leads."""
    given = {"HIRELOG_DATABASE_URL": database.service, "HIRELOG_DATA_DIR": system.settings.data_dir}
    command = [sys.executable, "-m", "api.cli", "import", str(facts), "--format", "ndjson"]
    return subprocess.Popen(
        [*command, "--workers", "2", "--no-project", "--json"],
        env=os.environ | {name: str(value) for name, value in given.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_records_a_large_file_whole_or_not_at_all(
    system: System, database: Database, tmp_path: Path
) -> None:
    facts = tmp_path / "large.ndjson"
    count = large(facts, more='{"candidate": "C-1", "inter')
    cut_off = importing(system, database, facts)
    assert f"line {count + 1} is not a JSON object" in cut_off.communicate(timeout=60)[1]
    assert cut_off.returncode == 2
    assert not histories(database)
    large(facts)
    for added in (count, 0):
        told = json.loads(importing(system, database, facts).communicate(timeout=60)[0])
        assert (told["added_events"], told["repeated"]) == (added, count - added)
        assert told["candidates"] == told["interactions"] == len(histories(database)) == count


@pytest.mark.long
def test_no_process_outlives_the_one_that_leads(
    system: System, database: Database, tmp_path: Path
) -> None:
    facts = tmp_path / "long.ndjson"
    large(facts)
    leading = importing(system, database, facts)
    while not histories(database):
        assert leading.poll() is None
    crew_of_two = psutil.Process(leading.pid).children()
    leading.kill()
    leading.communicate()
    assert len(crew_of_two) >= 2
    _, alive = psutil.wait_procs(crew_of_two, timeout=10)
    assert not alive


def test_an_export_is_recorded_in_its_order(
    system: System, database: Database, file: Path, tmp_path: Path
) -> None:
    import_by(system, database, file, 0)
    exported = tmp_path / "export.ndjson"
    with exported.open("w") as lines:
        ndjson.export(system, lines, lambda _: None)
    order = "SELECT originator_id, originator_version FROM hirelog.events ORDER BY notification_id"
    with psycopg.connect(database.superuser) as connection:
        before = connection.execute(order).fetchall()
        connection.execute("TRUNCATE hirelog.events, hirelog.candidate_keys")
        connection.commit()
        with assembled(system.settings, database.service) as fresh:
            import_by(fresh, database, exported, 2)
        assert connection.execute(order).fetchall() == before
