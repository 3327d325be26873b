"""Folds events into jobs, applications, their visits to stages, and sealed names.

All times are when things happened in the world (occurred_at), but for updated_at: when the last
event that changed the row was recorded. A clock stops when the application ends: its last visit is
closed then and nothing later prolongs it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain import job_events as j
from domain.candidate import events as e
from domain.errors import CandidateErased
from domain.recorded import Happened, Metadata, Recorded
from domain.values import ApplicationStatus, Purpose
from projections.ats_pipeline.rows import APPLICATIONS, JOBS, Application, Job, Person, StageVisit
from projections.runtime.contract import Forgotten, Row, Touched

ACTIVE, ERASED = ApplicationStatus.ACTIVE, ApplicationStatus.ERASED
OF_APPLICATION = (e.ApplicationEvent, e.ReturnedToPool)


def touches(recorded: Recorded) -> Touched | None:
    """The job of a job's event, the application of an application's, all of who was erased."""
    event = recorded.event
    if isinstance(event, OF_APPLICATION):
        application_id = event.application_id
        return (APPLICATIONS, (recorded.originator_id, application_id)) if application_id else None
    if isinstance(event, j.JobEvent):
        return JOBS, (recorded.originator_id,)
    if isinstance(event, e.Erased):
        return APPLICATIONS, (recorded.originator_id,)
    return None


def fold(row: Any, recorded: Recorded) -> list[Row]:
    """The rows that are new or changed by one event."""
    event = recorded.event
    rows: list[Row] = []
    if isinstance(event, OF_APPLICATION):
        if event.application_id:
            rows = _fold_application(row, event, event.application_id, recorded)
    elif isinstance(event, j.JobEvent):
        return [_fold_job(row, event, recorded)]
    elif isinstance(event, e.Erased):
        return _fold_erasure(row, event, recorded)
    if isinstance(event, e.DetailsLearned):
        if event.name is not None:
            rows.append(Person(recorded.originator_id, event.name))
        elif isinstance(event, e.ProfileUpdated) and "name" in event.removed:
            rows.append(Person(recorded.originator_id, None))
    return rows


def _fold_erasure(
    applications: list[Application], event: e.Erased, recorded: Recorded
) -> list[Row]:
    rows: list[Row] = []
    if Purpose.CONTACT in event.purposes:
        rows.append(Person(recorded.originator_id, None))
    if event.leaves_nobody and not isinstance(event, Forgotten):
        for row in applications:
            if row.status == ACTIVE:
                rows += _leave(_happened(row, recorded), ERASED, recorded.metadata)
    return rows


def _fold_fact_of_erased(row: Any, metadata: Metadata) -> list[Row]:
    # Marked, for the row does not say so of its person: it is kept, and nothing goes on with it.
    if row.status != ACTIVE:
        return []
    return _leave(row, ERASED, metadata)


def _fold_job(row: Job | None, event: j.JobEvent, recorded: Recorded) -> Job:
    when, recorded_at = recorded.metadata.occurred_at, recorded.metadata.recorded_at
    row = row or Job(
        recorded.originator_id,
        *("", None, None, 1, [], "open", None, None, []),
        updated_at=recorded_at,
        first_position=recorded.position,
    )
    row = replace(row, updated_at=max(row.updated_at, recorded_at))
    match event:
        case j.JobOpened():
            return replace(
                row,
                title=event.title,
                department=event.department,
                location=event.location,
                openings=event.openings,
                status="open",
                opened_at=when,
                closed_at=None,
                hiring_managers=list(event.hiring_managers or ()),
            )
        case j.StagesDefined():
            return replace(row, stages=list(event.stages))
        case j.StagesChanged():
            return replace(row, stages=list(event.to_stages))
        case j.HiringManagersChanged():
            return replace(row, hiring_managers=list(event.to_hiring_managers))
        case j.JobClosed():
            return replace(row, status="closed", closed_at=when)
        case j.JobReopened():
            return replace(row, status="open", closed_at=None)
    return row


def _fold_application(
    row: Application | None,
    event: e.ApplicationEvent | e.ReturnedToPool,
    application_id: UUID,
    recorded: Recorded,
) -> list[Row]:
    if row is None:
        if isinstance(event, e.ReturnedToPool):
            return []  # an application that nothing else is known of
        row = _unseen(event, application_id, recorded)
    row = _happened(row, recorded)
    broken_rules = recorded.metadata.broken_rules
    if broken_rules:
        row = replace(row, broken_rules=row.broken_rules + 1)
    rows = STEPS[type(event)](row, event, recorded.metadata)
    if CandidateErased.code in broken_rules:
        rows += _fold_fact_of_erased(rows[-1], recorded.metadata)
    return rows


def _applied(row: Application, event: e.Applied, metadata: Metadata) -> list[Row]:
    when = metadata.occurred_at
    row = replace(row, origin=event.origin, source=event.source, applied_at=when)
    return _enter(row, event.stage, metadata)


def _advanced(row: Application, event: e.Advanced, metadata: Metadata) -> list[Row]:
    return _enter(row, event.to_stage, metadata)


def _reinstated(row: Application, event: e.Reinstated, metadata: Metadata) -> list[Row]:
    goes_on = row.status != ACTIVE
    row = replace(row, status=ACTIVE, ended_at=None, end_reason=None, rejection_type=None)
    return _enter(row, event.stage, metadata, goes_on=goes_on)


def _offered(row: Application, _event: e.Offered, _metadata: Metadata) -> list[Row]:
    return [replace(row, offers=row.offers + 1, offer_status="outstanding")]


def _accepted(row: Application, event: e.OfferAccepted, _metadata: Metadata) -> list[Row]:
    return [_answered(row, event.offer_version, "accepted")]


def _declined(row: Application, event: e.OfferDeclined, _metadata: Metadata) -> list[Row]:
    return [_answered(row, event.offer_version, "declined")]


def _rejected(row: Application, event: e.Rejected, metadata: Metadata) -> list[Row]:
    if row.status == ACTIVE:
        row = replace(row, rejection_type=event.rejection_type)
    return _end(row, ApplicationStatus.REJECTED, metadata)


def _hired(row: Application, _event: e.Hired, metadata: Metadata) -> list[Row]:
    return _end(row, ApplicationStatus.HIRED, metadata)


def _withdrawn(row: Application, _event: e.Withdrawn, metadata: Metadata) -> list[Row]:
    return _end(row, ApplicationStatus.WITHDRAWN, metadata)


def _pooled(row: Application, _event: e.ReturnedToPool, metadata: Metadata) -> list[Row]:
    return _end(row, ApplicationStatus.POOLED, metadata)


STEPS: dict[type[Happened], Callable[[Application, Any, Metadata], list[Row]]] = {
    e.Applied: _applied,
    e.Advanced: _advanced,
    e.Offered: _offered,
    e.OfferAccepted: _accepted,
    e.OfferDeclined: _declined,
    e.Hired: _hired,
    e.Rejected: _rejected,
    e.Reinstated: _reinstated,
    e.Withdrawn: _withdrawn,
    e.ReturnedToPool: _pooled,
}
"""What each event does to its application; the application's own row is the last of the rows."""


def _happened(row: Application, recorded: Recorded) -> Application:
    return replace(
        row,
        last_event_at=recorded.metadata.occurred_at,
        updated_at=max(row.updated_at, recorded.metadata.recorded_at),
        last_position=recorded.position,
    )


def _answered(row: Application, offer_version: int | None, status: str) -> Application:
    """An answer to an offer that was replaced since changes nothing about the last one."""
    return replace(row, offer_status=status) if offer_version == row.offers else row


def _unseen(
    event: e.ApplicationEvent | e.ReturnedToPool, application_id: UUID, recorded: Recorded
) -> Application:
    return Application(
        application_id=application_id,
        candidate_id=recorded.originator_id,
        job_id=event.job_id,
        job_title=event.job_title,
        status=ACTIVE,
        stage=None,
        stage_visit=0,
        stage_entered_at=None,
        stage_entered_by=None,
        origin=None,
        source=None,
        applied_at=None,
        ended_at=None,
        end_reason=None,
        rejection_type=None,
        offers=0,
        offer_status=None,
        broken_rules=0,
        last_event_at=recorded.metadata.occurred_at,
        updated_at=recorded.metadata.recorded_at,
        first_position=recorded.position,
        last_position=recorded.position,
    )


def _enter(
    row: Application, stage: str | None, metadata: Metadata, *, goes_on: bool = False
) -> list[Row]:
    # Where an ended application goes on, its last visit was closed when it ended.
    when, actor = metadata.occurred_at, metadata.actor
    rows: list[Row] = []
    if row.stage_visit and row.status == ACTIVE and not goes_on:
        rows.append(_visit(row, when, actor, stage))
    row = replace(
        row,
        stage=stage,
        stage_visit=row.stage_visit + 1,
        stage_entered_at=when,
        stage_entered_by=actor,
    )
    if row.status == ACTIVE:
        rows.append(_visit(row))
    else:
        # A fact that came after the end: kept as a visit, but its clock does not run.
        rows.append(_visit(row, when, actor, row.status))
    rows.append(row)
    return rows


def _end(row: Application, status: ApplicationStatus, metadata: Metadata) -> list[Row]:
    return _leave(row, status, metadata) if row.status == ACTIVE else [row]


def _leave(row: Application, status: ApplicationStatus, metadata: Metadata) -> list[Row]:
    when = metadata.occurred_at
    ended = replace(row, status=status, ended_at=when, end_reason=metadata.reason)
    if not row.stage_visit:
        return [ended]
    return [_visit(row, when, metadata.actor, status), ended]


def _visit(
    row: Application,
    exited_at: datetime | None = None,
    exited_by: str | None = None,
    exited_to: str | None = None,
) -> StageVisit:
    # By place, which is twice as fast as by name.
    return StageVisit(
        row.application_id,
        row.stage_visit,
        row.candidate_id,
        row.job_id,
        row.stage,
        row.stage_entered_at,
        row.stage_entered_by,
        exited_at,
        exited_by,
        exited_to,
    )
