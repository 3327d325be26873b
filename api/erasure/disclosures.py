"""Who received personal values in clear, and when: the list from which notices are owed.

A recipient who was handed the data of an erased person must be told (GDPR, Article 19).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

INSERT = """
INSERT INTO hirelog.disclosures (kind, recipient, actor, candidate_id, position)
SELECT %(kind)s, %(recipient)s, %(actor)s, %(candidate)s, coalesce(max(notification_id), 0)
  FROM hirelog.events
"""
OF_CANDIDATE = """
SELECT disclosure, kind, recipient, actor, candidate_id, disclosed_at
  FROM hirelog.disclosures
 WHERE candidate_id = %(candidate)s
    OR (candidate_id IS NULL
        AND position >= (SELECT min(notification_id) FROM hirelog.events
                          WHERE originator_id = %(candidate)s))
 ORDER BY disclosure
"""


@dataclass(frozen=True)
class Disclosure:
    """One handing out: of a candidate's data, or of everybody's where none is named."""

    disclosure: int
    kind: str
    recipient: str
    actor: str
    candidate_id: UUID | None
    disclosed_at: datetime


def record(
    connection: psycopg.Connection[Any],
    kind: str,
    recipient: str,
    actor: str,
    candidate_id: UUID | None = None,
) -> None:
    """Puts on record that values leave, before they do: an `export`, an `access-bundle`."""
    given = {"kind": kind, "recipient": recipient, "actor": actor, "candidate": candidate_id}
    connection.execute(INSERT, given)


def of_candidate(connection: psycopg.Connection[Any], candidate_id: UUID) -> list[Disclosure]:
    """Whoever received something of this candidate, the earliest first."""
    with connection.cursor(row_factory=class_row(Disclosure)) as cursor:
        return cursor.execute(OF_CANDIDATE, {"candidate": candidate_id}).fetchall()
