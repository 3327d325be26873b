"""Asks the audit trail: who did what, by candidate, job, actor, type or time."""

from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from projections.runtime.query import select

SELECT_ENTRIES = """
SELECT position, candidate_id, job_id, application_id, version, type, actor, on_behalf_of,
       reason, description, occurred_at, recorded_at, provenance, broken_rules, command_id,
       correlation_id, causation_id
  FROM compliance_audit.entries
 {where}
 ORDER BY position DESC
 LIMIT %(limit)s
"""
CONDITIONS = {
    "candidate": "candidate_id = %(candidate)s",
    "job": "job_id = %(job)s",
    "actor": "actor = %(actor)s",
    "type": "type = %(type)s",
    "occurred_from": "occurred_at >= %(occurred_from)s",
    "occurred_to": "occurred_at < %(occurred_to)s",
    "recorded_from": "recorded_at >= %(recorded_from)s",
    "recorded_to": "recorded_at < %(recorded_to)s",
    "before": "position < %(before)s",
}


def entries(connection: psycopg.Connection[Any], limit: int, **given: Any) -> list[DictRow]:
    """Entries, the newest in the log first; `given` names CONDITIONS."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_ENTRIES, CONDITIONS, given)
        return cursor.execute(query, {**given, "limit": limit}).fetchall()
