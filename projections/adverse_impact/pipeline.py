"""Counts our own pipeline: which applications got how far, joined with answers that lie elsewhere.

An application is one person considered for one job. It counts as not selected once it has ended;
one that is still open, or that the candidate withdrew, was not turned down and is left out, of a
stage only where it went no further.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.values import ApplicationStatus, RejectionType
from projections.adverse_impact.report import Row
from projections.runtime.query import select

SELECT_POSITION = """
SELECT position FROM read_models.builds WHERE model = 'ats_pipeline' AND state = 'live'
"""
SELECT_APPLICATIONS = """
SELECT application_id, candidate_id, job_id, job_title, status, rejection_type, offers, applied_at
  FROM ats_pipeline.applications
 {where}
 ORDER BY application_id
"""
SELECT_VISITS = """
SELECT application_id, stage
  FROM ats_pipeline.stage_visits
 WHERE stage IS NOT NULL
 ORDER BY application_id, visit
"""
SELECT_STAGES = "SELECT job_id, stages FROM ats_pipeline.jobs"
CONDITIONS = {
    "job": "job_id = %(job)s",
    "applied_from": "applied_at >= %(applied_from)s",
    "applied_until": "applied_at < %(applied_until)s",
}


class Outcome(StrEnum):
    """What it means to be selected in the whole process."""

    HIRED = "hired"
    OFFERED = "offered"


class Period(StrEnum):
    """How long the periods of a report are, by the time of the application, in UTC."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"

    def of(self, moment: datetime) -> str:
        """The period that holds a moment, such as 2026-Q1."""
        match self:
            case Period.YEAR:
                return f"{moment:%Y}"
            case Period.QUARTER:
                return f"{moment:%Y}-Q{(moment.month + 2) // 3}"
        return f"{moment:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Application:
    """An application as the pipeline knows it."""

    application_id: UUID
    candidate_id: UUID
    job_id: UUID | None
    job_title: str | None
    status: str
    rejection_type: str | None
    offers: int
    applied_at: datetime | None

    def reached(self, outcome: Outcome) -> bool:
        """Whether the person was selected in the whole process."""
        hired = self.status == ApplicationStatus.HIRED
        return hired or (outcome is Outcome.OFFERED and self.offers > 0)

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided on it: it is under way, or was as its person was erased."""
        return self.status in {ApplicationStatus.ACTIVE, ApplicationStatus.ERASED}

    @property
    def was_withdrawn(self) -> bool:
        """Whether the candidate ended it."""
        return (
            self.status == ApplicationStatus.WITHDRAWN
            or self.rejection_type == RejectionType.CANDIDATE_WITHDREW
        )


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The pipeline at `position`: applications, stages that each visited, stages of each job."""

    position: int
    applications: Sequence[Application]
    visited: Mapping[UUID, Sequence[str]]
    stages: Mapping[UUID, Sequence[str]]


def read(connection: psycopg.Connection[Any], **given: Any) -> Pipeline:
    """What one moment of the database holds; `given` names CONDITIONS."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(SELECT_POSITION).fetchone()
        with connection.cursor(row_factory=class_row(Application)) as cursor:
            query = select(SELECT_APPLICATIONS, CONDITIONS, given)
            applications = cursor.execute(query, given).fetchall()
        visited: dict[UUID, list[str]] = defaultdict(list)
        for application_id, stage in connection.execute(SELECT_VISITS):
            visited[application_id].append(stage)
        stages = dict(connection.execute(SELECT_STAGES).fetchall())
    return Pipeline(row[0] if row else 0, applications, visited, stages)


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows for a report, and how many applications are in none of those of the whole process."""

    rows: Sequence[Row]
    still_open: int
    withdrawn: int


def count(
    pipeline: Pipeline,
    answers: Mapping[UUID, Mapping[str, str]],
    attributes: Sequence[str],
    outcome: Outcome,
    period: Period,
) -> Counted:
    """One row for each application that was decided, and one for each stage that it was decided at.

    `answers` are by candidate; whoever is not in it, or did not answer, is unknown.
    """
    names = _job_names(pipeline.applications)
    rows: list[Row] = []
    still_open = withdrawn = 0
    for each in pipeline.applications:
        said = answers.get(each.candidate_id, {})
        own = tuple(said.get(name, "") for name in attributes)
        selected = each.reached(outcome)
        left_out = each.is_open or each.was_withdrawn
        if selected or not left_out:
            applied = period.of(each.applied_at) if each.applied_at else None
            rows.append(
                Row(
                    own,
                    1,
                    int(selected),
                    job=names[each.job_id],
                    period=applied,
                    person=each.candidate_id,
                )
            )
        else:
            still_open += each.is_open
            withdrawn += not each.is_open
        for stage, went_on in _stages(each, pipeline):
            passed = went_on or selected
            if passed or not left_out:
                rows.append(Row(own, 1, int(passed), stage=stage, person=each.candidate_id))
    return Counted(rows, still_open, withdrawn)


def _job_names(applications: Sequence[Application]) -> Mapping[UUID | None, str | None]:
    """The titles of jobs, with their ids where several have the same one."""
    titles = {each.job_id: each.job_title for each in applications}
    times = Counter(titles.values())
    return {
        job_id: title if times[title] == 1 else f"{title} ({job_id})"
        for job_id, title in titles.items()
    }


def _stages(application: Application, pipeline: Pipeline) -> Iterator[tuple[str, bool]]:
    """Each stage that it entered, and whether it entered one further on in the job after that."""
    order = pipeline.stages.get(application.job_id, ()) if application.job_id else ()
    place = {stage: number for number, stage in enumerate(order)}
    visited = pipeline.visited.get(application.application_id, ())
    for stage in dict.fromkeys(visited):
        later = visited[visited.index(stage) + 1 :]
        here = place.get(stage, -1)
        yield stage, any(place.get(other, -1) > here for other in later)
