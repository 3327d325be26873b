"""What several processes import of candidates stands behind what happened to their jobs."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.interchange.share import Bounds
from api.wiring import System
from domain.intake import Intake
from tests.api.crews import histories, import_by, working
from tests.databases import Database


def line(kind: str, name: str, second: int, **interaction: Any) -> str:
    """A fact, at a second of one day."""
    moment = f"2026-01-02T00:{second // 60:02}:{second % 60:02}Z"
    return json.dumps({kind: name, "interaction": interaction, "occurred_at": moment}) + "\n"


def test_what_rests_on_a_job_waits_until_its_fact_is_on_record(
    system: System, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_fact = Intake.job_fact

    def slowly(*given: Any) -> None:
        time.sleep(0.3)
        job_fact(*given)

    monkeypatch.setattr(Intake, "job_fact", slowly)  # of the leading process alone
    facts = [
        line("job", "J", 0, type="opened", title="Analyst", stages=["Call"]),
        line("job", "J", 1, type="closed"),
        *(
            line("candidate", f"C-{n}", 2, type="applied", job_id="J", source="Fair")
            for n in range(4)
        ),
        line("job", "J", 3, type="reopened"),
    ]
    file = tmp_path / "facts.ndjson"
    file.write_text("".join(facts))
    report = import_by(system, database, file, 2)
    with psycopg.connect(database.service) as connection:
        rows = connection.execute("SELECT topic FROM hirelog.events ORDER BY notification_id")
        topics = [topic for (topic,) in rows]
    opened = ["job.opened", "job.stages-defined", "job.closed"]
    assert topics == [*opened, *["candidate.applied"] * 4, "job.reopened"]
    assert report.tally.broken_rules == {("applied", "job-is-closed"): 4}


def at_odds(seed: int) -> Iterator[str]:
    """What breaks the rules of jobs: closed and opened all the time, some of them never."""
    dice = random.Random(seed)
    begun: list[tuple[str, str]] = []
    for second in range(400):
        job, person = f"J-{dice.randrange(5)}", f"C-{dice.randrange(40)}"
        match dice.randrange(4):
            case 0:
                kind = dice.choice(["opened", "closed", "reopened", "stages-changed"])
                more: dict[str, Any] = {"title": "Analyst"} if kind == "opened" else {}
                if kind in ("opened", "stages-changed"):
                    more |= {"stages": dice.sample(["A", "B", "C", "D"], 2)}
                yield line("job", job, second, type=kind, **more)
            case 1 | 2:
                application = f"A-{second}"
                begun.append((person, application))
                more = {"job_id": job, "application_id": application, "source": "Fair"}
                yield line("candidate", person, second, type="applied", **more)
            case _ if begun:
                person, application = dice.choice(begun)
                kind = dice.choice(["advanced", "rejected"])
                more = {"to_stage": dice.choice("ABCD")} if kind == "advanced" else {}
                yield line(
                    "candidate", person, second, type=kind, application_id=application, **more
                )


@pytest.mark.parametrize("seed", [1, 2])
def test_several_processes_judge_as_one_does_what_jobs_do_not_allow(
    system: System, database: Database, tmp_path: Path, seed: int
) -> None:
    file = tmp_path / "facts.ndjson"
    file.write_text("".join(at_odds(seed)))
    by_one = import_by(system, database, file, 0)
    alone = histories(database)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("TRUNCATE hirelog.events, hirelog.candidate_keys")
    system.keyring.forget_all()
    with working(system, database, 3, Bounds(kept=100, at_once=5)) as together:
        by_three = together.check(file)
        together.load(file, system, by_three, lambda _: None)
    assert histories(database) == alone
    assert by_three.tally == by_one.tally
    assert by_one.tally.broken_rules.keys() >= {
        ("applied", "job-is-closed"),
        ("applied", "unknown-job"),
    }
