"""Who received personal values in clear, and when: the list from which notices are owed.

A recipient who was handed the data of an erased person must be told (GDPR, Article 19). That is
whoever an export was made for, who took a bundle or a page out, and every integration that read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from api.access.callers import Role
from api.readings import What

INSERT = """
INSERT INTO hirelog.disclosures (kind, recipient, actor, candidate_id, position)
SELECT %(kind)s, %(recipient)s, %(actor)s, %(candidate)s, coalesce(max(notification_id), 0)
  FROM hirelog.events
"""
OF_CANDIDATE = """
SELECT kind, recipient, actor, disclosed_at
  FROM hirelog.disclosures
 WHERE candidate_id = %(candidate)s
    OR (candidate_id IS NULL
        AND position >= (SELECT min(notification_id) FROM hirelog.events
                          WHERE originator_id = %(candidate)s))
 UNION ALL
SELECT what, reader, reader, max(read_at)
  FROM hirelog.readings
 WHERE candidate_id = %(candidate)s
   AND (what = ANY(%(taken_out)s) OR role = %(integration)s)
 GROUP BY what, reader
 UNION ALL
SELECT what, reader, reader, max(read_at)
  FROM hirelog.readings
 WHERE candidate_id IS NULL AND what = ANY(%(of_everybody)s) AND role = %(integration)s
   AND read_at >= (SELECT min(recorded_at) FROM compliance_audit.entries
                    WHERE candidate_id = %(candidate)s)
 GROUP BY what, reader
 ORDER BY disclosed_at, kind, recipient
"""
TAKEN_OUT = [What.REPLAY_PAGE, What.ACCESS_BUNDLE, What.PROOF]
OF_EVERYBODY = [What.FEED, What.LIST]


@dataclass(frozen=True)
class Disclosure:
    """One handing out, or the last of the same kind to the same recipient; the time in UTC."""

    kind: str
    recipient: str
    actor: str
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
        given = {
            "candidate": candidate_id,
            "taken_out": TAKEN_OUT,
            "integration": Role.INTEGRATION,
            "of_everybody": OF_EVERYBODY,
        }
        return cursor.execute(OF_CANDIDATE, given).fetchall()
