"""Published reports are kept word for word, and the log tells when one is not."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from api.wiring import System
from projections.adverse_impact.published import (
    FORGED,
    GONE,
    NOT_ON_RECORD,
    Published,
    Texts,
    digests,
    event_of,
    kept,
    publish,
    published,
)
from tests.databases import Database
from tests.scenario import NOW, by

TEXTS = Texts("{}\n", "a\n", "<p>ä")
OTHER = Texts("{}\n", "b\n", "<p>ä")


def report() -> Published:
    return Published(uuid4(), NOW, "officer:kim", 42, "note", "us-ugesp", "1", **digests(TEXTS))


def told(system: System, which: Published) -> None:
    metadata = by(which.published_by, occurred_at=which.published_at)
    system.recruiting.record_upkeep(event_of(which, None), metadata)


def wrong(connection: psycopg.Connection) -> dict[UUID, str | None]:
    return {each.report.report_id: each.wrong for each in published(connection)}


def test_what_was_published_stays_word_for_word(system: System, database: Database) -> None:
    which = report()
    with psycopg.connect(database.service, autocommit=True) as connection:
        with pytest.raises(ZeroDivisionError):  # what cannot be told is not kept
            publish(connection, report(), TEXTS, lambda: 1 // 0)
        publish(connection, which, TEXTS, lambda: told(system, which))
        (checked,) = published(connection)
        assert (checked.report, checked.wrong) == (which, None)
        assert checked.told == event_of(which, None)
        assert kept(connection, which.report_id) == (checked, TEXTS)
        assert kept(connection, uuid4()) is None
        for change in (
            "UPDATE hirelog.impact_reports SET position = 1",
            "DELETE FROM hirelog.impact_reports",
            "TRUNCATE hirelog.impact_reports",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(change.encode())


def test_a_report_that_was_altered_forged_or_removed_by_hand_is_noticed(
    system: System, database: Database
) -> None:
    which, removed, forged = report(), report(), report()
    altered = replace(which, published_by="officer:eve", csv_sha256=digests(OTHER)["csv_sha256"])
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        publish(connection, which, TEXTS, lambda: told(system, which))
        early = replace(report(), published_at=NOW - timedelta(days=1))
        for each in early, forged:
            publish(connection, each, TEXTS, str)
        told(system, removed)
        found = {which.report_id: None, removed.report_id: GONE, forged.report_id: FORGED}
        found |= {early.report_id: NOT_ON_RECORD}
        assert wrong(connection) == found
        connection.execute(
            "UPDATE hirelog.impact_reports SET csv = %s, published_by = 'officer:eve'"
            " WHERE report_id = %s",
            (OTHER.csv, which.report_id),
        )
        told(system, altered)  # an event that suits the altered text comes too late
        found[which.report_id] = (
            "this was altered after it was published: published by, its text as CSV"
        )
        assert wrong(connection) == found
