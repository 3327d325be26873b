"""Erasures as they are listed, and the state of each holder of data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

SELECT = """
SELECT erasure_id, candidate_id, purposes, legal_basis, basis_version, reason, actor, requested_at,
       state, because, position, erased_at, completed_at
  FROM hirelog.erasures
"""
ONE = SELECT + " WHERE erasure_id = %s"
OPEN = SELECT + " WHERE state = ANY(%s) AND state <> 'complete' ORDER BY requested_at, erasure_id"
LIST = (
    SELECT
    + """
 WHERE (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(candidate)s::uuid IS NULL OR candidate_id = %(candidate)s)
   AND (%(before)s::timestamptz IS NULL
        OR (requested_at, erasure_id) < (%(before)s, %(before_id)s::uuid))
 ORDER BY requested_at DESC, erasure_id DESC
 LIMIT %(limit)s
"""
)
HOLDERS = """
SELECT holder, state, because, changed_at
  FROM hirelog.erasure_holders
 WHERE erasure_id = %s
 ORDER BY holder
"""


@dataclass(frozen=True)
class Erasure:
    """A request for erasure and how far it is; times in UTC."""

    erasure_id: UUID
    candidate_id: UUID
    purposes: list[str]
    legal_basis: str
    basis_version: str
    reason: str | None
    actor: str
    requested_at: datetime
    state: str  # requested, held, refused, erasing or complete
    because: str | None
    position: int | None
    erased_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True)
class Holder:
    """Something that may hold data of the person, and whether it has let go."""

    holder: str
    state: str  # pending, acknowledged or gone
    because: str | None
    changed_at: datetime


def find(connection: psycopg.Connection[Any], erasure_id: UUID) -> Erasure | None:
    """The erasure of this id."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(ONE, (erasure_id,)).fetchone()


def open_ones(connection: psycopg.Connection[Any], states: Sequence[str]) -> list[Erasure]:
    """Erasures in these states, the oldest first."""
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(OPEN, (list(states),)).fetchall()


def listed(
    connection: psycopg.Connection[Any],
    limit: int,
    *,
    state: str | None = None,
    candidate_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> list[Erasure]:
    """Erasures, the latest request first."""
    given = {
        "limit": limit,
        "state": state,
        "candidate": candidate_id,
        "before": before and before[0],
        "before_id": before and before[1],
    }
    with connection.cursor(row_factory=class_row(Erasure)) as cursor:
        return cursor.execute(LIST, given).fetchall()


def holders(connection: psycopg.Connection[Any], erasure_id: UUID) -> list[Holder]:
    """Every holder of data that the erasure found, by name."""
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(HOLDERS, (erasure_id,)).fetchall()
