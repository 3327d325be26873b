"""The import of hiring history that nobody here wrote agrees with counts taken from the file."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse

import psycopg
import pytest
from psycopg import sql

from api.interchange import xes
from api.interchange.batch import Report
from api.interchange.mapping import Mapping
from api.wiring import System, opened_vault
from domain.intake import Intake
from projections import READ_MODELS
from projections.adverse_impact.answers import wording
from projections.adverse_impact.pipeline import Outcome, Period, count, read
from projections.adverse_impact.policies import policy
from projections.adverse_impact.report import build
from tests.projections.test_projector import project_to_the_end

LOG = Path(__file__).parents[3] / "shared/data/hiring_log/hiring_log_high.xes.gz"
MAPPED = Mapping.read(Path(xes.__file__).with_name("hiring_log.toml"))
NAMESPACE = "{http://www.xes-standard.org/}"

PEOPLE = 10_000

pytestmark = pytest.mark.skipif(not LOG.exists(), reason=f"the hiring log is not at {LOG}")


@pytest.fixture(params=[PEOPLE // 10, pytest.param(PEOPLE, marks=pytest.mark.long)])
def hiring_log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The history of the first so many people in the file, which is a minute's work as a whole."""
    if request.param == PEOPLE:
        return LOG
    end = b"</trace>"
    with gzip.open(LOG) as file:
        of_each = file.read().split(end, request.param)[:-1]
    part = tmp_path / "part.xes.gz"
    part.write_bytes(gzip.compress(end.join(of_each) + end + b"</log>", 1))
    return part


def traces(hiring_log: Path) -> Iterator[list[tuple[str, str, str]]]:
    """Activity, resource and time of each event, trace by trace, read independently."""
    with gzip.open(hiring_log) as file:
        for _, element in iterparse(file):
            if element.tag == f"{NAMESPACE}trace":
                events = []
                for event in element.iter(f"{NAMESPACE}event"):
                    values = {each.get("key"): str(each.get("value")) for each in event}
                    events.append(
                        (values["concept:name"], values["resource"], values["time:timestamp"])
                    )
                yield events
                element.clear()


def protected(hiring_log: Path) -> Iterator[bool]:
    """Whether the person of each trace is of the protected group, read independently."""
    with gzip.open(hiring_log) as file:
        for _, element in iterparse(file):
            if element.tag == f"{NAMESPACE}trace":
                values = {each.get("key"): each.get("value") for each in element}
                yield values["protected"] == "true"
                element.clear()


def assert_adverse_impact_is_that_of_the_file(
    system: System, hiring_log: Path, names: list[list[str]]
) -> None:
    """By `protected`: the offers, and at each stage who entered a further one or got an offer."""
    in_group = list(protected(hiring_log))
    order = {stage: place for place, stage in enumerate(MAPPED.job.stages)}
    expected: Counter[tuple[str | None, str, int]] = Counter()
    for trace, is_protected in zip(names, in_group, strict=True):
        group, offered = str(is_protected).lower(), "Make Job Offer" in trace
        expected[None, group, offered] += 1
        stages = [activity for activity in trace if activity in order]
        for stage in set(stages):
            after = stages[stages.index(stage) :]
            passed = offered or max(order[each] for each in after) > order[stage]
            expected[stage, group, passed] += 1

    with opened_vault(system) as vault:
        for added in len(names), 0:
            done = Report(file=str(hiring_log), format="xes")
            xes.load_self_identifications(hiring_log, MAPPED, vault, done)
            assert (done.self_identifications, done.tally.refused.total()) == (added, 0)
        answers = vault.answers(until=100_000)
    assert sum(said["protected"] == "true" for said in answers.values()) == sum(in_group)
    with system.pool.connection() as connection:
        pipeline = read(connection)
    counted = count(pipeline, answers, ["protected"], Outcome.OFFERED, Period.YEAR)
    assert (counted.still_open, counted.withdrawn) == (0, 0)
    day = date(2026, 11, 23)
    report = build(counted.rows, ["protected"], policy("us-ugesp", day), wording(day))
    sections = {
        section.name: section.tables[0].findings
        for section in report.sections
        if section.scope in {"whole process", "stage"}
    }
    assert set(sections) == {None, *order}
    for name, findings in sections.items():
        for finding in findings:
            (group,) = finding.group.answers
            selected, other = expected[name, group, True], expected[name, group, False]
            assert finding.group.counts == (selected + other, selected), (name, group)
    false, true = sections[None]
    rates = {
        group: Fraction(
            expected[None, group, True], expected[None, group, True] + expected[None, group, False]
        )
        for group in ("false", "true")
    }
    if len(names) == PEOPLE:
        assert rates == {"false": Fraction(2408, 6981), "true": Fraction(122, 3019)}
    assert true.ratio == rates["true"] / rates["false"]
    assert true.below_four_fifths
    assert false.is_reference


def counts(conninfo: str, query: str) -> dict[Any, int]:
    with psycopg.connect(conninfo) as connection:
        return dict(connection.execute(query.encode()).fetchall())


def digests(conninfo: str) -> dict[str, Any]:
    """A digest of all rows of every table of the read models, in any order."""
    with psycopg.connect(conninfo) as connection:
        return {
            f"{model.name}.{table.name}": connection.execute(
                sql.SQL(
                    "SELECT count(*), sum(hashtextextended(each::text, 0)) FROM {} AS each"
                ).format(sql.Identifier(model.name, table.name))
            ).fetchone()
            for model in READ_MODELS
            for table in model.tables
        }


def test_the_hiring_log_imports_completely(system: System, hiring_log: Path) -> None:
    in_file = list(traces(hiring_log))
    events_in_file = sum(map(len, in_file))
    if hiring_log == LOG:
        assert (len(in_file), events_in_file) == (PEOPLE, 63_869)
    activities = Counter(activity for events in in_file for activity, _, _ in events)
    stages = {
        activity: count
        for activity, count in activities.items()
        if activity not in {"Make Job Offer", "Application Rejected"}
    }
    offer, rejection = "Make Job Offer", "Application Rejected"
    names = [[activity for activity, _, _ in events] for events in in_file]

    report = xes.check(hiring_log, MAPPED)
    xes.load(hiring_log, MAPPED, Intake(system.recruiting), report, lambda _done: None)
    assert report.candidates == len(in_file)
    assert report.interactions == sum(activities.values()) == events_in_file
    assert report.by_activity == activities
    assert report.tally.added == events_in_file + 2  # and the job with its stages
    assert set(report.unused_attributes) == {
        "yearsOfEducation",
        "age",
        # Copies of what is used, and row numbers.
        "activity",
        "time",
        "case",
        "@@index",
        "@@case_index",
        "origin (of the log)",
    }

    by_rule: Counter[str] = Counter()
    for (_, rule), times in report.tally.broken_rules.items():
        by_rule[rule] += times

    # Every rule that a fact breaks, recounted from the file.
    late = sum(
        len(rest)
        for trace in names
        if rejection in trace
        for rest in [trace[trace.index(rejection) + 1 :]]
    )
    assert by_rule["already-rejected"] == late
    assert by_rule["offer-outstanding"] == sum(max(trace.count(offer) - 1, 0) for trace in names)

    project_to_the_end(system.conninfo)
    assert (
        counts(
            system.conninfo, "SELECT stage, count(*) FROM ats_pipeline.stage_visits GROUP BY stage"
        )
        == stages
    )
    assert counts(
        system.conninfo, "SELECT status, count(*) FROM ats_pipeline.applications GROUP BY status"
    ) == {
        "rejected": sum(rejection in trace for trace in names),
        "active": sum(rejection not in trace for trace in names),
    }
    assert counts(
        system.conninfo, "SELECT offers, count(*) FROM ats_pipeline.applications GROUP BY offers"
    ) == Counter(trace.count(offer) for trace in names)
    assert counts(
        system.conninfo,
        "SELECT actor, count(*) FROM compliance_audit.entries WHERE version > 0"
        " AND candidate_id IS NOT NULL GROUP BY actor",
    ) == Counter(resource for events in in_file for _, resource, _ in events)

    # Order is kept also where timestamps are equal.
    expected = [events for events in in_file if len({time for _, _, time in events}) < len(events)]
    with psycopg.connect(system.conninfo) as connection:
        rows = connection.execute(
            "SELECT candidate_id, array_agg(type ORDER BY version) FROM compliance_audit.entries"
            " WHERE candidate_id IS NOT NULL GROUP BY candidate_id ORDER BY min(position)"
        ).fetchall()
    wire = {"Hand In Job Application": "applied", offer: "offered", rejection: "rejected"}
    assert len(expected) == 7_809 or hiring_log != LOG
    assert expected, "no timestamps are equal"
    assert [types for _, types in rows] == [
        [wire.get(name, "advanced") for name in trace] for trace in names
    ]

    assert_adverse_impact_is_that_of_the_file(system, hiring_log, names)
    project_to_the_end(system.conninfo)
    before = digests(system.conninfo)
    again = Report(file=str(hiring_log), format="xes")
    xes.load(hiring_log, MAPPED, Intake(system.recruiting), again, lambda _done: None)
    assert (again.tally.added, again.tally.repeated) == (0, events_in_file + 1)
    assert again.tally.broken_rules == report.tally.broken_rules
    project_to_the_end(system.conninfo)
    assert digests(system.conninfo) == before
