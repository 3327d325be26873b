"""Folds events into jobs, applications, their visits to stages, and sealed names.

All times are when things happened in the world (occurred_at), but for updated_at: when the last
event that changed the row was recorded. A clock stops when the application ends: its last visit is
closed then and nothing later prolongs it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain import job as j
from domain.candidate import events as e
from domain.errors import CandidateErased
from domain.recorded import Recorded
from domain.values import ApplicationStatus, Purpose
from projections.ats_pipeline.rows import APPLICATIONS, JOBS, Application, Job, Person, StageVisit
from projections.runtime.contract import Forgotten, Row, Touched

ENDS = {
    e.Hired: ApplicationStatus.HIRED,
    e.Rejected: ApplicationStatus.REJECTED,
    e.Withdrawn: ApplicationStatus.WITHDRAWN,
    e.ReturnedToPool: ApplicationStatus.POOLED,
}


def touches(recorded: Recorded) -> Touched | None:
    """The job of a job's event, the application of an application's, all of who was erased."""
    event = recorded.event
    if isinstance(event, j.JobEvent):
        return JOBS, (recorded.originator_id,)
    if isinstance(event, e.ApplicationEvent | e.ReturnedToPool) and event.application_id:
        return APPLICATIONS, (recorded.originator_id, event.application_id)
    if isinstance(event, e.Erased):
        return APPLICATIONS, (recorded.originator_id,)
    return None


def fold(row: Any, recorded: Recorded) -> list[Row]:
    """The rows that are new or changed by one event."""
    event = recorded.event
    rows: list[Row] = []
    if isinstance(event, j.JobEvent):
        return [_fold_job(row, event, recorded)]
    if isinstance(event, e.ApplicationEvent | e.ReturnedToPool) and event.application_id:
        if row is None and isinstance(event, e.ReturnedToPool):
            return []  # an application that nothing else is known of
        rows = _fold_application(row, event, event.application_id, recorded)
        if CandidateErased.code in recorded.metadata.broken_rules:
            rows += _fold_fact_of_erased(rows[-1], recorded)
    if isinstance(event, e.Erased):
        return _fold_erasure(row, event, recorded)
    if isinstance(event, e.DetailsLearned | e.Applied):
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
            if row.status == ApplicationStatus.ACTIVE:
                rows += _leave(_happened(row, recorded), ApplicationStatus.ERASED, recorded)
    return rows


def _fold_fact_of_erased(row: Any, recorded: Recorded) -> list[Row]:
    # Marked, for the row does not say so of its person: it is kept, and nothing goes on with it.
    if row.status != ApplicationStatus.ACTIVE:
        return []
    return _leave(row, ApplicationStatus.ERASED, recorded)


def _fold_job(row: Job | None, event: j.JobEvent, recorded: Recorded) -> Job:
    when, recorded_at = recorded.metadata.occurred_at, recorded.metadata.recorded_at
    row = row or Job(
        recorded.originator_id,
        *("", None, None, 1, [], "open", None, None, []),
        updated_at=recorded_at,
        first_position=recorded.position,
    )
    row = row._replace(updated_at=max(row.updated_at, recorded_at))
    match event:
        case j.JobOpened():
            return row._replace(
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
            return row._replace(stages=list(event.stages))
        case j.StagesChanged():
            return row._replace(stages=list(event.to_stages))
        case j.HiringManagersChanged():
            return row._replace(hiring_managers=list(event.to_hiring_managers))
        case j.JobClosed():
            return row._replace(status="closed", closed_at=when)
        case j.JobReopened():
            return row._replace(status="open", closed_at=None)
    return row


def _fold_application(
    row: Application | None,
    event: e.ApplicationEvent | e.ReturnedToPool,
    application_id: UUID,
    recorded: Recorded,
) -> list[Row]:
    metadata = recorded.metadata
    row = _happened(row or _unseen(event, application_id, recorded), recorded)
    if metadata.broken_rules:
        row = row._replace(broken_rules=row.broken_rules + 1)
    match event:
        case e.Applied():
            row = row._replace(
                origin=event.origin, source=event.source, applied_at=metadata.occurred_at
            )
            return _enter(row, event.stage, recorded)
        case e.Advanced():
            return _enter(row, event.to_stage, recorded)
        case e.Reinstated():
            goes_on = row.status != ApplicationStatus.ACTIVE
            row = row._replace(
                status=ApplicationStatus.ACTIVE, ended_at=None, end_reason=None, rejection_type=None
            )
            return _enter(row, event.stage, recorded, goes_on=goes_on)
        case e.Offered():
            return [row._replace(offers=row.offers + 1, offer_status="outstanding")]
        case e.OfferAccepted():
            return [_answered(row, event.offer_version, "accepted")]
        case e.OfferDeclined():
            return [_answered(row, event.offer_version, "declined")]
        case e.Rejected():
            if row.status == ApplicationStatus.ACTIVE:
                row = row._replace(rejection_type=event.rejection_type)
    if row.status == ApplicationStatus.ACTIVE:
        return _leave(row, ENDS[type(event)], recorded)
    return [row]


def _happened(row: Application, recorded: Recorded) -> Application:
    return row._replace(
        last_event_at=recorded.metadata.occurred_at,
        updated_at=max(row.updated_at, recorded.metadata.recorded_at),
        last_position=recorded.position,
    )


def _answered(row: Application, offer_version: int | None, status: str) -> Application:
    """An answer to an offer that was replaced since changes nothing about the last one."""
    return row._replace(offer_status=status) if offer_version == row.offers else row


def _unseen(
    event: e.ApplicationEvent | e.ReturnedToPool, application_id: UUID, recorded: Recorded
) -> Application:
    return Application(
        application_id=application_id,
        candidate_id=recorded.originator_id,
        job_id=event.job_id,
        job_title=event.job_title,
        status=ApplicationStatus.ACTIVE,
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
    row: Application, stage: str | None, recorded: Recorded, *, goes_on: bool = False
) -> list[Row]:
    # Where an ended application goes on, its last visit was closed when it ended.
    when, actor = recorded.metadata.occurred_at, recorded.metadata.actor
    rows: list[Row] = []
    if row.stage_visit and row.status == ApplicationStatus.ACTIVE and not goes_on:
        rows.append(_visit(row, exited_at=when, exited_by=actor, exited_to=stage))
    row = row._replace(
        stage=stage,
        stage_visit=row.stage_visit + 1,
        stage_entered_at=when,
        stage_entered_by=actor,
    )
    if row.status == ApplicationStatus.ACTIVE:
        rows.append(_visit(row))
    else:
        # A fact that came after the end: kept as a visit, but its clock does not run.
        rows.append(_visit(row, exited_at=when, exited_by=actor, exited_to=row.status))
    rows.append(row)
    return rows


def _leave(row: Application, status: ApplicationStatus, recorded: Recorded) -> list[Row]:
    when, actor = recorded.metadata.occurred_at, recorded.metadata.actor
    ended = row._replace(status=status, ended_at=when, end_reason=recorded.metadata.reason)
    if not row.stage_visit:
        return [ended]
    return [_visit(row, exited_at=when, exited_by=actor, exited_to=status), ended]


def _visit(
    row: Application,
    exited_at: datetime | None = None,
    exited_by: str | None = None,
    exited_to: str | None = None,
) -> StageVisit:
    return StageVisit(
        application_id=row.application_id,
        visit=row.stage_visit,
        candidate_id=row.candidate_id,
        job_id=row.job_id,
        stage=row.stage,
        entered_at=row.stage_entered_at,
        entered_by=row.stage_entered_by,
        exited_at=exited_at,
        exited_by=exited_by,
        exited_to=exited_to,
    )
