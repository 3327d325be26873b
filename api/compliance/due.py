"""Whose records are due for erasure: asked of the read models, page by page, for any number."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from api.wiring import System
from domain.erasure import EVERY_PURPOSE
from domain.retention import (
    Facts,
    Finding,
    Period,
    Policies,
    Policy,
    RecordClass,
    Start,
    facts_of,
    find,
)

PAGE = 2_000
SHORTEST_MONTH = 28

# Nobody is looked at further for whom the time of a policy runs still, by an event of its own
# clock; the same index finds that out and what the others are due by. A note that no clock of
# theirs counts skips nobody. A merge join begins at `after` only where it is said of both sides.
SELECT_ENDED = """
WITH ended AS MATERIALIZED (
    SELECT candidate_id, status,
           cardinality(ended_applications) > 0 AS has_applied,
           coalesce(consent_retention, false) AS may_be_kept,
           consent_retention_until AS may_be_kept_until
      FROM crm_engagement.candidates AS candidate
     WHERE candidate_id > %(after)s
       AND status IN ('prospect', 'erased')
       AND NOT erased @> %(every_purpose)s
       AND NOT EXISTS (SELECT FROM compliance_audit.entries AS entry
                        WHERE entry.candidate_id = candidate.candidate_id
                          AND entry.candidate_id > %(after)s
                          AND entry.type = ANY (%(starting)s)
                          AND entry.occurred_at > (%(running)s::jsonb
                              -> CASE cardinality(ended_applications) > 0
                                      WHEN true THEN 'application' ELSE 'prospect' END
                              ->> entry.type)::timestamptz)
     ORDER BY candidate_id
     LIMIT %(limit)s
)
SELECT DISTINCT ON (ended.candidate_id, entry.version = 1, entry.type)
       ended.candidate_id, ended.status, ended.has_applied, ended.may_be_kept,
       ended.may_be_kept_until, entry.type, entry.version, entry.occurred_at
  FROM ended JOIN compliance_audit.entries AS entry USING (candidate_id)
 WHERE entry.type = ANY (%(starting)s) OR entry.version = 1
 ORDER BY ended.candidate_id, entry.version = 1, entry.type, entry.occurred_at DESC,
          entry.version DESC
"""
FIRST = UUID(int=0)


@dataclass(frozen=True)
class Asked:
    """By when, under which policies: those that hold on that day, of these jurisdictions."""

    law: Policies
    as_of: datetime
    jurisdictions: Collection[str] = ()

    def applying(self) -> Sequence[Policy]:
        """The policies. Raises UnknownJurisdiction."""
        return self.law.applying(self.as_of.date(), self.jurisdictions)

    def find(self, facts: Facts) -> Finding:
        """What they say of a candidate."""
        return find(facts, self.applying(), self.law.clocks())


def due(connection: psycopg.Connection[Any], asked: Asked) -> Iterator[Finding]:
    """All that is due by the moment, in the order of the candidates' ids.

    As the read models have it, which may be behind the log; a finding of `confirmed` is not.
    """
    starting = asked.law.starting()
    running = Jsonb(_running(asked))
    given = {
        "starting": sorted(starting),
        "running": running,
        "every_purpose": list(map(str, EVERY_PURPOSE)),
        "limit": PAGE,
        "after": FIRST,
    }
    while page := _page(connection, given, starting):
        given["after"] = page[-1].candidate_id
        for facts in page:
            finding = asked.find(facts)
            if finding.is_due(asked.as_of):
                yield finding


def confirmed(
    system: System, asked: Asked, findings: Iterable[Finding], at_once: int
) -> Iterator[Finding]:
    """The same from the candidates' own events, of those that are due still, in their order.

    The events of `at_once` candidates are read together, as they are when the first is asked for.
    """
    starting = asked.law.starting()
    rest = iter(findings)
    while some := [each.candidate_id for each in islice(rest, at_once)]:
        system.keyring.load(some)
        histories = system.recruiting.histories(some)
        for _, history in groupby(histories, attrgetter("originator_id")):
            facts = facts_of(history, starting, asked.as_of)
            finding = facts and asked.find(facts)
            if finding and finding.is_due(asked.as_of):
                yield finding


def _running(asked: Asked) -> dict[RecordClass, dict[str, str]]:
    """By class of records and type of event: of whom one happened later nothing is due yet.

    The longest policy decides, for one whose time runs keeps the records, whatever others say.
    """
    since: dict[RecordClass, dict[str, datetime]] = {}
    for policy in asked.applying():
        if isinstance(policy.length, Period):
            begun = _before(asked.as_of, policy.length)
            of_class = since.setdefault(policy.record_class, {})
            for each in asked.law.clocks()[policy.starts].events:
                of_class[each] = min(begun, of_class.get(each, begun))
    return {
        kind: {each: begun.isoformat() for each, begun in of_class.items()}
        for kind, of_class in since.items()
    }


def _before(moment: datetime, period: Period) -> datetime:
    """A moment so early that the period from it on may be over, however short the months were."""
    try:
        return moment - timedelta(days=period.months * SHORTEST_MONTH + period.days)
    except OverflowError:
        return moment


def _page(
    connection: psycopg.Connection[Any], given: dict[str, Any], starting: Collection[str]
) -> list[Facts]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SELECT_ENDED, given).fetchall()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["candidate_id"], []).append(row)
    return [_facts(rows, starting) for rows in found.values()]


def _facts(rows: list[dict[str, Any]], starting: Collection[str]) -> Facts:
    starts = [Start(row["type"], row["version"], row["occurred_at"]) for row in rows]
    last: dict[str, Start] = {}
    for start in starts:
        known = last.get(start.type)
        if start.type in starting and (
            known is None or (known.occurred_at, known.version) < (start.occurred_at, start.version)
        ):
            last[start.type] = start
    row = rows[0]
    return Facts(
        row["candidate_id"],
        row["status"],
        row["has_applied"],
        min(starts, key=lambda start: start.version),
        last,
        row["may_be_kept"],
        row["may_be_kept_until"] if row["may_be_kept"] else None,
    )


def as_json(finding: Finding) -> dict[str, Any]:
    """The finding for programs."""
    return {
        "candidate_id": finding.candidate_id,
        "due_at": finding.due_at,
        "terms": [
            {
                "policy": term.policy.name,
                "version": term.policy.version,
                "jurisdiction": term.policy.jurisdiction,
                "legal_reference": term.policy.legal_reference,
                "started_by": vars(term.start),
                "due_at": term.due_at,
            }
            for term in finding.terms
        ],
    }
