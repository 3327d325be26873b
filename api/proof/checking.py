"""Checks the whole log: events against checkpoints, keys against values, reports against events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from api.database import CannotStart
from api.progress import bar
from api.proof import lost_keys, signing
from api.wiring import System
from projections.adverse_impact.published import Checked, published
from projections.compliance_audit.merkle import check, stored
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.findings import Finding, Report
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.rotation import History, follow_what_holds


@dataclass(frozen=True)
class Found:
    """What a check found in the log and its keys, and of each published report."""

    log: Report
    kept: int  # checkpoints that were kept elsewhere
    reports: list[Checked]

    @property
    def holds(self) -> bool:
        """Whether nothing was altered. A report that no event tells of is no alteration."""
        return not self.log.findings and not any(each.has_changed for each in self.reports)


def check_all(
    system: System,
    connection: psycopg.Connection[Any],
    key: VerifierKey | None = None,
    notes: Sequence[str] = (),
    *,
    quiet: bool,
) -> Found:
    """Reads everything on record; shows how far it is unless `quiet`.

    `notes` are checkpoints that were kept elsewhere; without `key`, that of our signing key is
    trusted. Raises NotProven where a note does not hold, and CannotStart.
    """
    given, wrong = (key, []) if key else _own_key(system, connection)
    trusted, not_held = follow_what_holds(given, stored.rotations(connection))
    earlier = [_opened(trusted, each) for each in notes]
    if last := signing.last_kept(system.settings, trusted):
        earlier.append(last)
    head = system.recruiting.recorder.max_notification_id() or 0
    with bar("Checking", head, quiet=quiet) as advance:
        changes = [each.checkpoint for each in trusted.rotations]
        report = check.check(connection, trusted, [*earlier, *changes], advance)
    # First, for it may be why so many checkpoints do not hold that no more findings are kept.
    report.findings[:0] = [Finding(1, head, what) for what in (*wrong, *not_held)]
    reports = published(connection)
    with bar("Opening", head, quiet=quiet) as advance:
        for each in lost_keys.find(system, connection, advance):
            report.add(each.first, each.last, each.what)
    return Found(report, len(earlier), reports)


def _opened(trusted: History, note: str) -> Checkpoint:
    try:
        return trusted.opened(note)
    except NotProven as error:
        raise NotProven(f"what was kept elsewhere is no checkpoint of this log: {error}") from error


def _own_key(system: System, connection: psycopg.Connection[Any]) -> tuple[VerifierKey, list[str]]:
    """The log's key, and what is wrong with what the database says of it. Raises CannotStart."""
    # The key on record would prove nothing against who can write there.
    try:
        return signing.sealer(system.settings, connection).key, []
    except CannotStart as error:
        key = signing.key_that_signed_last(system.settings)
        # A wrong HIRELOG_LOG_ORIGIN is no alteration.
        if key is None or system.settings.log_origin not in {None, key.name}:
            raise
        return key, [f"what is on record of the log's key was altered: {error}"]
