"""Candidates: put them on record, record interactions, read their state and history."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, TypeGuard
from uuid import UUID

import psycopg
from fastapi import APIRouter, Body, Query, Response
from fastapi.concurrency import run_in_threadpool

from api.access.callers import Role
from api.access.rights import MEETS_PEOPLE, READS_HISTORIES, READS_PEOPLE, open_to
from api.deps import CallerDep, ChangerDep, SystemDep
from api.door.route import Route
from api.errors import NotPermitted
from api.examples import BEGINNINGS, INTERACTIONS
from api.examples.answers import (
    CANDIDATE_BEGUN,
    CANDIDATE_STATE,
    HISTORY,
    INTERACTION_RECORDED,
)
from api.openapi import VERSION_HEADER, answers, records
from api.paging import Page, PageDep, bigint
from api.problem_documents import problems
from api.reading import SAYS_WHY, Reader, ReaderDep, reader_of, written
from api.readings import What
from api.remembered import Told
from api.schemas import CandidateState, Event, Recording, answer
from api.versions import tag_of
from api.views import jobs_by_id, relationships_by_id
from api.wiring import System
from domain import errors
from domain.candidate.events import CandidateEvent
from domain.candidate.intents import Beginning, Interaction
from domain.candidate.state import Candidate
from domain.given import GivenMoment
from domain.log import Head
from domain.values import now

router = APIRouter(prefix="/v1/candidates", tags=["Candidates"], route_class=Route)

# All that the decisions on a candidate can refuse with.
REFUSALS = tuple(
    each
    for each in errors.Refusal.__subclasses__() + errors.DoesNotFit.__subclasses__()
    if each
    not in {
        errors.NotOnRecord,
        errors.DoesNotFit,
        errors.JobAlreadyClosed,
        errors.JobAlreadyOpen,
        errors.StagesUnchanged,
        errors.HiringManagersUnchanged,
    }
)


@dataclass(frozen=True)
class When:
    """The moment of a state: as it is now, where nothing is said."""

    version: int | None
    as_of: datetime | None
    known_at: datetime | None

    def is_now(self) -> bool:
        """Whether the state is asked for as it is."""
        return self.version is None and self.as_of is None and self.known_at is None


@router.post(
    "",
    dependencies=[open_to(*MEETS_PEOPLE)],
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Put a candidate on record",
    responses=records(CANDIDATE_BEGUN)
    | problems(
        errors.UnknownJob,
        errors.JobIsClosed,
        errors.UnknownStage,
        errors.KeyUsedBefore,
        errors.OccurredInFuture,
        takes_body=True,
    ),
)
def begin_candidate(
    intent: Annotated[Beginning, Body(openapi_examples=BEGINNINGS)],
    system: SystemDep,
    caller: CallerDep,
) -> Response:
    """A candidate's history begins when someone **sourced** the person or when the person
    **applied**. The answer holds the candidate's id and, for an application, its id in
    `events[0].data.application_id`.

    Sent again with the same `Idempotency-Key`, nothing is added and the first answer comes again.
    """
    candidate_id = caller.new_id("candidate")
    metadata = caller.metadata(candidate_id, intent)
    outcome = system.recruiting.record(candidate_id, intent, metadata, begin=True)
    return answer("candidates", outcome)


@router.get(
    "/{candidate_id}",
    dependencies=[open_to(*READS_PEOPLE)],
    response_model=CandidateState,
    summary="Read a candidate's state, now or as of another moment",
    responses=answers(CANDIDATE_STATE, headers=VERSION_HEADER)
    | problems(errors.CandidateNotFound, errors.VersionNotFound),
    openapi_extra=SAYS_WHY,
)
async def read_candidate(
    candidate_id: UUID,
    reader: Annotated[Reader, reader_of(CandidateState, "engagement", "jobs")],
    version: Annotated[
        int | None, Query(ge=1, lt=2**63, description="The state after this event of the stream.")
    ] = None,
    as_of: Annotated[
        GivenMoment | None,
        Query(description="The state from what had happened in the world by then (RFC 3339)."),
    ] = None,
    known_at: Annotated[
        GivenMoment | None,
        Query(description="The state from what was on record by then (RFC 3339)."),
    ] = None,
) -> Response:
    """Folded from the candidate's own events, so it always reflects the last write.

    `version` gives the state after that event. `as_of` asks what was true at a moment, `known_at`
    what was on record at a moment; together they ask what we then believed to be true. Without
    any of them it is the state now. A hiring manager sees the person, and of the applications those
    for jobs that name them. The `ETag` is the version to insist on with `If-Match`;
    not so with `expand`, whose answer holds more than the candidate's own events.
    """
    when = When(version, as_of, known_at)
    if not when.is_now() or reader.view.expand or reader.hiring_manager:
        shown = await run_in_threadpool(_read, reader, candidate_id, when)
        await reader.note(candidate_id, What.STATE)
        return reader.told(shown)
    head = await reader.head(candidate_id)
    if not _is_candidate(head):
        raise _not_on_record(candidate_id)
    await reader.note(candidate_id, What.STATE)
    if reader.has(tag_of(head.version)):
        return reader.answered(b"")

    def make() -> Told:
        with reader.system.recruiting.present(candidate_id) as candidate:
            shown = CandidateState.of(candidate, personal=reader.personal)
        return Told(written(shown, reader.view), tag_of(shown.version))

    return await reader.remembered(("candidate", candidate_id), head, make)


def _read(reader: Reader, candidate_id: UUID, when: When) -> CandidateState:
    try:
        candidate = _at(reader.system, candidate_id, when)
    except (errors.CandidateNotFound, errors.VersionNotFound):
        if reader.hiring_manager:  # who is not to learn that there is such a candidate
            raise _not_on_record(candidate_id) from None
        raise
    shown = CandidateState.of(candidate, personal=reader.personal)
    if reader.hiring_manager:
        _narrow(reader.system, shown, reader.hiring_manager)
    if reader.view.expand:
        with reader.system.pool.connection() as connection:
            _expand(reader, connection, shown)
    return shown


def _at(system: System, candidate_id: UUID, when: When) -> Candidate:
    if when.as_of or when.known_at:
        return system.recruiting.candidate_as_of(
            candidate_id, version=when.version, as_of=when.as_of, known_at=when.known_at
        )
    return system.recruiting.candidate(candidate_id, when.version)


def _narrow(system: System, shown: CandidateState, hiring_manager: str) -> None:
    """Leaves the applications for jobs that name the hiring manager.

    Raises CandidateNotFound where there is none, as for somebody who is not on record.
    """
    own = _named_by(system, [each.job_id for each in shown.applications], hiring_manager)
    shown.applications = [each for each in shown.applications if each.job_id in own]
    if not shown.applications:
        raise _not_on_record(shown.id)


def _named_by(system: System, jobs: Iterable[UUID | None], hiring_manager: str) -> set[UUID]:
    """Those of the jobs that name this hiring manager now, as the log has it."""
    found = [system.recruiting.find_job(job) for job in set(jobs)]
    return {job.id for job in found if job and hiring_manager in job.hiring_managers}


def _expand(reader: Reader, connection: psycopg.Connection, shown: CandidateState) -> None:
    if "engagement" in reader.view.expand:
        known = relationships_by_id(reader, connection, [shown.id], now())
        shown.engagement = known.get(shown.id)
    if "jobs" in reader.view.expand:
        wanted = [each.job_id for each in shown.applications if each.job_id]
        jobs = jobs_by_id(connection, wanted)
        shown.jobs = [jobs[each] for each in dict.fromkeys(wanted) if each in jobs]


@router.post(
    "/{candidate_id}/interactions",
    dependencies=[open_to(*MEETS_PEOPLE, Role.HIRING_MANAGER)],
    status_code=201,
    response_model=Recording,
    response_description="Put on record.",
    summary="Record an interaction with a candidate",
    responses=records(INTERACTION_RECORDED)
    | problems(errors.CandidateNotFound, *REFUSALS, takes_body=True),
)
def record_interaction(
    candidate_id: UUID,
    intent: Annotated[Interaction, Body(openapi_examples=INTERACTIONS)],
    system: SystemDep,
    caller: ChangerDep,
) -> Response:
    """The body's `type` picks the interaction. Every interaction may say `occurred_at` (when it
    happened; now where it is left out) and `reason` (why; it is not encrypted, so name nobody).

    A rule that stands against it refuses with its stable code. A command sent again, with the same
    `Idempotency-Key` or with the same content and `occurred_at`, adds nothing and gets the first
    answer again.
    """
    metadata = caller.metadata(candidate_id, intent)
    if hiring_manager := caller.principal.hiring_manager:
        _refuse_for_others(system, candidate_id, intent, hiring_manager)
    outcome = system.recruiting.record(candidate_id, intent, metadata, expected=caller.expected)
    return answer("candidates", outcome)


def _refuse_for_others(
    system: SystemDep, candidate_id: UUID, intent: Interaction, hiring_manager: str
) -> None:
    """Raises NotPermitted unless it is about an application for a job of the hiring manager's."""
    asked = getattr(intent, "application_id", None)
    with suppress(errors.CandidateNotFound):
        candidate = system.recruiting.candidate(candidate_id)
        concerned = [
            each.job_id for each in candidate.applications.values() if asked in {None, each.id}
        ]
        if _named_by(system, concerned, hiring_manager):
            return
    raise NotPermitted(
        f"candidate {candidate_id} has no such application for a job that names "
        f"{hiring_manager}; ask a recruiter"
    )


@router.get(
    "/{candidate_id}/interactions",
    dependencies=[open_to(*READS_HISTORIES)],
    response_model=Page[Event],
    summary="Replay a candidate's history",
    responses=answers(HISTORY) | problems(errors.CandidateNotFound, paged=True),
    openapi_extra=SAYS_WHY,
)
def replay_candidate(candidate_id: UUID, reader: ReaderDep, page: PageDep) -> Response:
    """Every event of the candidate's stream in order, with who, why and both times."""
    (after,) = page.key(bigint)
    recruiting = reader.system.recruiting
    history = recruiting.history(candidate_id, after=after or 0, limit=page.limit + 1)
    events = [
        Event.of(recorded, personal=reader.personal)
        for recorded in islice(history, page.limit + 1)
        if isinstance(recorded.event, CandidateEvent)
    ]
    if not events and not (
        after and _is_candidate(recruiting.heads([candidate_id]).get(candidate_id))
    ):
        raise _not_on_record(candidate_id)
    reader.note_on_thread(candidate_id, What.HISTORY)
    rows = [{"version": each.version} for each in events]
    return reader.told(page.page(rows, events, "version"))


def _is_candidate(head: Head | None) -> TypeGuard[Head]:
    return head is not None and head.topic.startswith("candidate.")


def _not_on_record(candidate_id: UUID) -> errors.CandidateNotFound:
    return errors.CandidateNotFound(
        f"candidate {candidate_id} is not on record; begin with sourced or applied"
    )
