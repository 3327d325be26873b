"""Reports as they were published: kept word for word, and held against what the log says of them.

The texts lie in a table, their digests in an event: nobody can change the one without the other
telling, nor the event without the Merkle log telling.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.recorded import Recorded
from domain.upkeep import IMPACT_REPORTS, ImpactReportPublished
from projections.adverse_impact.policies import SmallestCell
from projections.runtime.log import read

INSERT = """
INSERT INTO hirelog.impact_reports
       (report_id, published_at, published_by, position, checkpoint, policy, policy_version,
        json, csv, html)
VALUES (%(report_id)s, %(published_at)s, %(published_by)s, %(position)s, %(checkpoint)s,
        %(policy)s, %(policy_version)s, %(json)s, %(csv)s, %(html)s)
"""
SELECT_ALL = """
SELECT report_id, published_at, published_by, position, checkpoint, policy, policy_version,
       encode(sha256(convert_to(json, 'UTF8')), 'hex') AS json_sha256,
       encode(sha256(convert_to(csv, 'UTF8')), 'hex') AS csv_sha256,
       encode(sha256(convert_to(html, 'UTF8')), 'hex') AS html_sha256
  FROM hirelog.impact_reports
"""
SELECT_TEXTS = "SELECT json, csv, html FROM hirelog.impact_reports WHERE report_id = %s"
SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = %s
 ORDER BY originator_version
"""


class ReportAltered(Exception):  # noqa: N818  # the name of the situation
    """A published report is not what the log says was published."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One report in each format."""

    json: str
    csv: str
    html: str


@dataclass(frozen=True, slots=True)
class Published:
    """Which report was published: when, by whom, up to which position of the log, and its digests.

    `checkpoint` is the signed one of the log at or after that position.
    """

    report_id: UUID
    published_at: datetime
    published_by: str
    position: int
    checkpoint: str | None
    policy: str
    policy_version: str
    json_sha256: str
    csv_sha256: str
    html_sha256: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A report as it is kept, or as it was published where it is gone; `wrong` says how it differs.

    `wrong` is None where the report is the one that the log tells of; `told` is that event.
    """

    report: Published
    wrong: str | None
    told: ImpactReportPublished | None

    @property
    def has_changed(self) -> bool:
        """Whether it is known not to be what was published.

        Of what was published before the log was told of it, nobody can know.
        """
        return self.wrong is not None and self.wrong != NOT_ON_RECORD

    def plain(self) -> dict[str, Any]:
        """All of it by name; `smallest_group` is None where groups of any size are shown."""
        smallest = self.told.smallest_group if self.told else None
        return {**asdict(self.report), "smallest_group": smallest, "wrong": self.wrong}


NOT_ON_RECORD = "no event in the log says that this was published, so nothing proves its text"
FORGED = "no event in the log says that this was published, and there were such events by then"
GONE = "the log says that this was published, and its text is not here any more"
WORDS: Mapping[str, str] = {
    "json_sha256": "its text as JSON",
    "csv_sha256": "its text as CSV",
    "html_sha256": "its text as HTML",
}


def digests(texts: Texts) -> dict[str, str]:
    """The SHA-256 of each text in hexadecimal, by the names that Published has for them."""
    return {
        f"{kind}_sha256": sha256(text.encode()).hexdigest() for kind, text in asdict(texts).items()
    }


def publish(
    connection: psycopg.Connection[Any],
    report: Published,
    texts: Texts,
    tell: Callable[[], object],
) -> None:
    """Keeps the report for good, once `tell` has appended the event on it; if that fails, neither.

    A crash between the two commits leaves the event alone, and the report reads as gone.
    """
    with connection.transaction():
        connection.execute(INSERT, asdict(report) | asdict(texts))
        tell()


def event_of(report: Published, smallest: SmallestCell | None) -> ImpactReportPublished:
    """What the log is told of it, beside who published it, when, and why with every group."""
    told: dict[str, Any] = {name: getattr(report, name) for name in _names_on_record()}
    return ImpactReportPublished(smallest_group=smallest.people if smallest else None, **told)


def _names_on_record() -> set[str]:
    return {*ImpactReportPublished.__struct_fields__} & {each.name for each in fields(Published)}


def published(connection: psycopg.Connection[Any]) -> list[Checked]:
    """Every report that is kept or was published, the newest first, held against the log."""
    told = _told(connection)
    with connection.cursor(row_factory=class_row(Published)) as cursor:
        kept = {each.report_id: each for each in cursor.execute(SELECT_ALL)}
    since = min((report.published_at for report, _ in told.values()), default=None)
    found = [
        Checked(report, GONE, event) for name, (report, event) in told.items() if name not in kept
    ]
    for name, report in kept.items():
        then, event = told.get(name, (None, None))
        found.append(Checked(report, _wrong(report, then, since), event))
    return sorted(
        found, key=lambda each: (each.report.published_at, each.report.report_id), reverse=True
    )


def kept(
    connection: psycopg.Connection[Any], report_id: UUID
) -> tuple[Checked, Texts | None] | None:
    """A report held against the log, and its texts unless they are gone; None if there is none."""
    found = next(
        (each for each in published(connection) if each.report.report_id == report_id), None
    )
    if found is None:
        return None
    with connection.cursor(row_factory=class_row(Texts)) as cursor:
        return found, cursor.execute(SELECT_TEXTS, (report_id,)).fetchone()


def _told(
    connection: psycopg.Connection[Any],
) -> dict[UUID, tuple[Published, ImpactReportPublished]]:
    """What the log says of each report; of several events on the same one the first counts."""
    found: dict[UUID, tuple[Published, ImpactReportPublished]] = {}
    names = _names_on_record()
    for row in connection.execute(SELECT_EVENTS, (IMPACT_REPORTS,)):
        match read(*row):
            case Recorded(event=ImpactReportPublished() as event, metadata=metadata):
                said: dict[str, Any] = {name: getattr(event, name) for name in names}
                when, who = metadata.occurred_at, metadata.actor
                made = Published(published_at=when, published_by=who, **said)
                found.setdefault(event.report_id, (made, event))
    return found


def _wrong(kept: Published, told: Published | None, since: datetime | None) -> str | None:
    if told is None:
        return FORGED if since and since <= kept.published_at else NOT_ON_RECORD
    names = [each.name for each in fields(Published)]
    differ = [name for name in names if getattr(kept, name) != getattr(told, name)]
    if not differ:
        return None
    named = ", ".join(WORDS.get(name, name.replace("_", " ")) for name in differ)
    return f"this was altered after it was published: {named}"
