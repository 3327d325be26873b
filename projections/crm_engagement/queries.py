"""Asks the engagement: who is warm, who is in a pool, and one person's touchpoints.

Rows have the names of their columns; the name is sealed, warmths are logarithms (warmth.py).
"""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from projections.runtime.query import select

SELECT_CANDIDATES = """
SELECT candidate_id, name, origin, source, status,
       cardinality(active_applications || ended_applications || hired_applications)
           AS applications,
       cardinality(active_applications) AS active_applications,
       cardinality(hired_applications) AS hires, pools,
       consent_outreach AND coalesce(consent_outreach_until > now(), true) AS consent_outreach,
       consent_retention AND coalesce(consent_retention_until > now(), true)
           AS consent_retention, unsubscribed, touches, messages, opens, clicks, replies,
       first_touch_at, last_touch_at, last_engagement_at, warmth_log2, recent_warmth_log2,
       updated_at
  FROM crm_engagement.candidates
 {where}
 ORDER BY {order}
 LIMIT %(limit)s
"""
CONDITIONS = {
    "candidate": "candidate_id = %(candidate)s",
    "ids": "candidate_id = ANY(%(ids)s)",
    "pool": (
        "candidate_id IN (SELECT candidate_id FROM crm_engagement.pool_members"
        " WHERE pool = %(pool)s AND is_member)"
    ),
    "status": "status = %(status)s",
    "warmth_log2_from": "warmth_log2 >= %(warmth_log2_from)s",
    "touched_after": "last_touch_at >= %(touched_after)s",
    "touched_before": "last_touch_at < %(touched_before)s",
    "updated_after": "updated_at > %(updated_after)s",
    "after": "(warmth_log2, candidate_id) < (%(after)s, %(after_candidate)s)",
    "seen_at": "(updated_at, candidate_id) > (%(seen_at)s, %(seen)s)",
}
WARMEST_FIRST = "warmth_log2 DESC, candidate_id DESC"
AS_UPDATED = "updated_at, candidate_id"

SELECT_TOUCHPOINTS = """
SELECT version, type, direction, channel, sequence, step, message_id, actor, occurred_at, position
  FROM crm_engagement.touchpoints
 {where}
 ORDER BY version DESC
 LIMIT %(limit)s
"""
TOUCHPOINT_CONDITIONS = {
    "candidate": "candidate_id = %(candidate)s",
    "before": "version < %(before)s",
}

SELECT_MOST_TOUCHED = """
SELECT candidate_id
  FROM crm_engagement.candidates
 WHERE cardinality(active_applications || ended_applications || hired_applications) > 1
 ORDER BY touches DESC, candidate_id
 LIMIT 1
"""


def most_touched_candidate(connection: psycopg.Connection[Any]) -> UUID | None:
    """The candidate with the longest relationship of those who applied more than once."""
    row = connection.execute(SELECT_MOST_TOUCHED).fetchone()
    return row[0] if row else None


def candidates(connection: psycopg.Connection[Any], limit: int, **given: Any) -> list[DictRow]:
    """Candidates, the warmest first; with `updated_after` in the order of their updates.

    `given` names CONDITIONS.
    """
    order = AS_UPDATED if given.get("updated_after") else WARMEST_FIRST
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_CANDIDATES, CONDITIONS, given, order)
        return cursor.execute(query, {**given, "limit": limit}).fetchall()


def touchpoints(connection: psycopg.Connection[Any], limit: int, **given: Any) -> list[DictRow]:
    """Touchpoints, the newest first; `given` names TOUCHPOINT_CONDITIONS."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = select(SELECT_TOUCHPOINTS, TOUCHPOINT_CONDITIONS, given)
        return cursor.execute(query, {**given, "limit": limit}).fetchall()
