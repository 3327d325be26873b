"""Reports as they were published: kept word for word, never changed."""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

INSERT = """
INSERT INTO hirelog.impact_reports
       (report_id, published_at, published_by, position, checkpoint, policy, policy_version,
        json, csv, html)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
SELECT_ALL = """
SELECT report_id, published_at, published_by, position, checkpoint, policy, policy_version
  FROM hirelog.impact_reports
 ORDER BY published_at DESC, report_id
"""
SELECT_TEXTS = "SELECT json, csv, html FROM hirelog.impact_reports WHERE report_id = %s"


@dataclass(frozen=True, slots=True)
class Texts:
    """One report in each format."""

    json: str
    csv: str
    html: str


@dataclass(frozen=True, slots=True)
class Published:
    """Which report was published: when, by whom, up to which position of the log."""

    report_id: UUID
    published_at: datetime
    published_by: str
    position: int
    checkpoint: str | None
    policy: str
    policy_version: str


def publish(connection: psycopg.Connection[Any], which: Published, texts: Texts) -> None:
    """Keeps the report for good."""
    connection.execute(INSERT, (*astuple(which), *astuple(texts)))


def published(connection: psycopg.Connection[Any]) -> list[Published]:
    """Every published report, the newest first."""
    with connection.cursor(row_factory=class_row(Published)) as cursor:
        return cursor.execute(SELECT_ALL).fetchall()


def texts(connection: psycopg.Connection[Any], report_id: UUID) -> Texts | None:
    """A published report; None where there is none of this id."""
    with connection.cursor(row_factory=class_row(Texts)) as cursor:
        return cursor.execute(SELECT_TEXTS, (report_id,)).fetchone()
