"""Legal holds, found by the entries of the audit trail that placed them."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from api.erasure.schemas import LegalHoldState
from domain.candidate import state
from domain.candidate.events import Held
from domain.candidate.state import Candidate
from domain.recruiting import Recruiting
from projections.compliance_audit import queries


def placed(
    connection: psycopg.Connection[Any],
    limit: int,
    candidate: UUID | None = None,
    before: int | None = None,
) -> list[DictRow]:
    """The entries that placed holds, the latest first, before a position of the log."""
    return queries.entries(
        connection, limit, type=Held.TOPIC.partition(".")[2], candidate=candidate, before=before
    )


def states(recruiting: Recruiting, entries: list[DictRow]) -> list[LegalHoldState]:
    """What became of the holds that these entries placed."""
    wanted = {(entry["candidate_id"], entry["version"]) for entry in entries}
    candidates: dict[UUID, Candidate] = {}
    found = {}
    for recorded in recruiting.histories(list({stream for stream, _ in wanted})):
        stream = recorded.originator_id
        candidates[stream] = state.evolve(candidates.get(stream), recorded)
        if (stream, recorded.originator_version) in wanted:
            found[stream, recorded.originator_version] = recorded
    told = []
    for entry in entries:
        recorded = found[entry["candidate_id"], entry["version"]]
        assert isinstance(recorded.event, Held)  # noqa: S101  # the entry's type says so
        hold = candidates[recorded.originator_id].holds[recorded.event.hold_id]
        told.append(LegalHoldState.of(recorded, hold))
    return told
