"""Asks the pipeline: jobs, a job's board, applications with their visits to stages.

Rows have the names of their columns; candidate_name is sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from projections.runtime.query import select

SELECT_JOBS = """
SELECT job_id, title, department, location, openings, stages, status, opened_at, closed_at,
       hiring_managers, updated_at, first_position
  FROM ats_pipeline.jobs
 {where}
 ORDER BY {order}
 LIMIT %(limit)s
"""
JOB_CONDITIONS = {
    "job": "job_id = %(job)s",
    "ids": "job_id = ANY(%(ids)s)",
    "status": "status = %(status)s",
    "updated_after": "updated_at > %(updated_after)s",
    "before": "first_position < %(before)s",
    "seen_at": "(updated_at, job_id) > (%(seen_at)s, %(seen)s)",
    "hiring_manager": "hiring_managers @> ARRAY[%(hiring_manager)s::text]",
}
NEWEST_FIRST = "first_position DESC"
JOBS_AS_UPDATED = "updated_at, job_id"

COUNT_STAGES = """
SELECT stage, count(*)
  FROM ats_pipeline.applications
 WHERE job_id = %(job)s AND status = 'active'
 GROUP BY stage
"""
COUNT_STATUSES = """
SELECT status, count(*) FROM ats_pipeline.applications WHERE job_id = %(job)s GROUP BY status
"""

# The longest-waiting first, so many of each stage.
SELECT_CARDS = """
SELECT card.application_id, card.candidate_id, person.name AS candidate_name, card.stage,
       card.stage_entered_at, card.stage_entered_by, card.source, card.origin, card.applied_at,
       card.offer_status, card.stage_visit,
       extract(epoch FROM %(now)s - card.stage_entered_at)::bigint AS seconds_in_stage
  FROM unnest(%(stages)s::text[]) WITH ORDINALITY AS wanted (stage, place)
 CROSS JOIN LATERAL (
       SELECT application_id, candidate_id, stage, stage_entered_at, stage_entered_by, source,
              origin, applied_at, offer_status, stage_visit
         FROM ats_pipeline.applications
        WHERE job_id = %(job)s AND status = 'active' AND stage = wanted.stage
        ORDER BY stage_entered_at
        LIMIT %(limit)s) AS card
  LEFT JOIN ats_pipeline.people AS person USING (candidate_id)
 ORDER BY wanted.place, card.stage_entered_at
"""

SELECT_APPLICATIONS = """
SELECT application_id, candidate_id, person.name AS candidate_name, job_id, job_title, status,
       stage, stage_visit, stage_entered_at, stage_entered_by, origin, source, applied_at,
       ended_at, end_reason, rejection_type, offers, offer_status, broken_rules, last_event_at,
       updated_at,
       greatest(extract(epoch FROM coalesce(ended_at, %(now)s) - stage_entered_at), 0)::bigint
           AS seconds_in_stage,
       first_position
  FROM ats_pipeline.applications
  LEFT JOIN ats_pipeline.people AS person USING (candidate_id)
 {where}
 ORDER BY {order}
 LIMIT %(limit)s
"""
APPLICATION_CONDITIONS = {
    "application": "application_id = %(application)s",
    "ids": "application_id = ANY(%(ids)s)",
    "candidates": "candidate_id = ANY(%(candidates)s)",
    "candidate": "candidate_id = %(candidate)s",
    "job": "job_id = %(job)s",
    "stage": "stage = %(stage)s",
    "status": "status = %(status)s",
    "source": "source = %(source)s",
    "entered_before": "stage_entered_at <= %(entered_before)s AND status = 'active'",
    "entered_after": "stage_entered_at >= %(entered_after)s AND status = 'active'",
    "updated_after": "updated_at > %(updated_after)s",
    "before": "first_position < %(before)s",
    "seen_at": "(updated_at, application_id) > (%(seen_at)s, %(seen)s)",
    "hiring_manager": """job_id IN (
       SELECT job_id FROM ats_pipeline.jobs
        WHERE hiring_managers @> ARRAY[%(hiring_manager)s::text])""",
}
APPLICATIONS_AS_UPDATED = "updated_at, application_id"

SELECT_VISITS = """
SELECT application_id, visit, stage, entered_at, entered_by, exited_at, exited_by, exited_to,
       greatest(extract(epoch FROM coalesce(exited_at, %(now)s) - entered_at), 0)::bigint
           AS seconds
  FROM ats_pipeline.stage_visits
 WHERE application_id = ANY(%(applications)s)
 ORDER BY application_id, visit
"""

SELECT_BUSIEST_JOB = """
SELECT job_id
  FROM ats_pipeline.applications
 WHERE status = 'active'
 GROUP BY job_id
 ORDER BY count(*) DESC, job_id
 LIMIT 1
"""


@dataclass(frozen=True)
class Board:
    """A job's pipeline: its stages in order, then former ones that still hold applications."""

    job: DictRow
    counts: dict[str, int]
    statuses: dict[str, int]
    cards: list[DictRow]


def busiest_job(connection: psycopg.Connection[Any]) -> UUID | None:
    """The job with the most active applications."""
    row = connection.execute(SELECT_BUSIEST_JOB).fetchone()
    return row[0] if row else None


def jobs(connection: psycopg.Connection[Any], limit: int, **given: Any) -> list[DictRow]:
    """Jobs, the newest first; with `updated_after` in the order of their updates.

    `given` names JOB_CONDITIONS.
    """
    order = JOBS_AS_UPDATED if given.get("updated_after") else NEWEST_FIRST
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_JOBS, JOB_CONDITIONS, given, order)
        return cursor.execute(query, {**given, "limit": limit}).fetchall()


def board(
    connection: psycopg.Connection[Any],
    job_id: UUID,
    now: datetime,
    per_stage: int,
    hiring_manager: str | None = None,
) -> Board | None:
    """The board with at most `per_stage` cards for each stage.

    `seconds_in_stage` is negative where a stage is entered after `now`.

    None for an unknown job, and for one that does not name the `hiring_manager` that is given.
    """
    found = jobs(connection, 1, job=job_id, hiring_manager=hiring_manager)
    if not found:
        return None
    counts = dict(connection.execute(COUNT_STAGES, {"job": job_id}).fetchall())
    statuses = dict(connection.execute(COUNT_STATUSES, {"job": job_id}).fetchall())
    stages = [*found[0]["stages"], *sorted(set(counts) - set(found[0]["stages"]) - {None})]
    with connection.cursor(row_factory=dict_row) as cursor:
        cards = cursor.execute(
            SELECT_CARDS, {"job": job_id, "stages": stages, "limit": per_stage, "now": now}
        ).fetchall()
    return Board(found[0], {stage: counts.get(stage, 0) for stage in stages}, statuses, cards)


def applications(
    connection: psycopg.Connection[Any], now: datetime, limit: int, **given: Any
) -> list[DictRow]:
    """Applications, the newest first; with `updated_after` in the order of their updates.

    `given` names APPLICATION_CONDITIONS.
    """
    order = APPLICATIONS_AS_UPDATED if given.get("updated_after") else NEWEST_FIRST
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_APPLICATIONS, APPLICATION_CONDITIONS, given, order)
        return cursor.execute(query, {**given, "limit": limit, "now": now}).fetchall()


def visits(
    connection: psycopg.Connection[Any], applications: Sequence[UUID], now: datetime
) -> list[DictRow]:
    """The visits to stages of these applications, of each in order."""
    given = {"applications": list(applications), "now": now}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SELECT_VISITS, given).fetchall()
