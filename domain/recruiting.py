"""The one write path: load the stream, decide, append, return the position."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Protocol
from uuid import UUID
from weakref import WeakSet

from eventsourcing.persistence import IntegrityError

from domain import errors
from domain import job as jobs
from domain.candidate import decisions, state
from domain.candidate.events import CandidateEvent, Erased
from domain.candidate.intents import Intent
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.histories import Histories, not_found
from domain.job import Job
from domain.log import AppendingStore, Decided
from domain.memory import Memory
from domain.outcome import Outcome, again
from domain.recorded import Metadata, Recorded
from domain.upkeep import UpkeepEvent
from domain.verdict import Expected, number, refuse_or_record, refuse_unless_expected

ATTEMPTS = 5
COMMUTING_ATTEMPTS = 100  # of what can follow anything, so that it is not refused for being slow
REMEMBERED_EVENTS = 100_000  # in the states of candidates, some 2.5 kilobytes each at the most


class Forgetter(Protocol):
    """What remembers candidates beside the write path."""

    def forget(self, candidate_id: UUID) -> None:
        """Lets go of what is personal of this candidate; called on any thread."""


class Recruiting(Histories):
    """Candidates and jobs on their streams.

    Constructed from the library's environment, which names the event store. Safe for threads.
    """

    name = "hirelog"
    events: AppendingStore

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self._candidates = Memory[Candidate](REMEMBERED_EVENTS)
        self._jobs = Memory[Job](REMEMBERED_EVENTS)
        self.forgotten = 0  # how often somebody was forgotten
        self._forgetters: WeakSet[Forgetter] = WeakSet()
        self._forgetters_lock = Lock()

    def tell(self, forgetter: "Forgetter") -> None:
        """Tells `forgetter`, for as long as it lives, whom it must not remember any more."""
        with self._forgetters_lock:
            self._forgetters.add(forgetter)

    def forget(self, candidate_id: UUID) -> None:
        """Lets go of all that this process remembers of a candidate, for the person was erased.

        The keyring must have forgotten the keys before. Waits for commands on the candidate that
        are under way; raises the library's OperationalError where they take too long.
        """
        self.forgotten += 1  # before they go: whoever reads meanwhile finds out
        with self._candidates.held(candidate_id):
            self._candidates.forget(candidate_id)
        with self._forgetters_lock:
            forgetters = list(self._forgetters)
        for each in forgetters:
            each.forget(candidate_id)

    def forget_all(self) -> None:
        """Has everybody read anew, but for what an intake has in hand."""
        self.forgotten += 1
        self._candidates.clear()

    @contextmanager
    def present(self, candidate_id: UUID) -> Iterator[Candidate]:
        """The candidate with all that is on record, for a look while nobody changes the object.

        What a command remembers is brought up to date with the stream's tail, whoever wrote that.
        Raises CandidateNotFound.
        """
        with self._candidates.held(candidate_id):
            candidate = self._candidates.get(candidate_id) or Candidate(id=candidate_id)
            self._catch_up(candidate)
            if not candidate.version:
                raise not_found(candidate_id)
            yield candidate

    def record(
        self,
        candidate_id: UUID,
        intent: Intent,
        metadata: Metadata,
        *,
        begin: bool = False,
        expected: Expected = None,
    ) -> Outcome:
        """Decides on the candidate's state and appends what happens.

        With `begin` the stream must be a new one; with `expected` it must be at that version. A
        command id that is on the stream already returns its first outcome. Raises the broken rule,
        or ConcurrentChange when others kept changing the same stream.
        """
        with self._candidates.held(candidate_id):
            candidate = self._candidates.get(candidate_id)
            if candidate is None:
                candidate = Candidate(id=candidate_id)
                if not begin:
                    self._catch_up(candidate)
            for attempt in range(COMMUTING_ATTEMPTS if intent.COMMUTES else ATTEMPTS):
                try:
                    return self._decide(candidate, intent, metadata, begin=begin, expected=expected)
                except errors.Refusal:
                    # What is known may be behind what is on record, but not twice.
                    if attempt:
                        raise
                except IntegrityError:
                    pass
                self._catch_up(candidate)
                if job_id := decisions.concerned_job(candidate, intent):
                    self._jobs.forget(job_id)
        raise contended("candidate", candidate_id)

    def _decide(
        self,
        candidate: Candidate,
        intent: Intent,
        metadata: Metadata,
        *,
        begin: bool,
        expected: Expected,
    ) -> Outcome:
        job_id = decisions.concerned_job(candidate, intent)
        job = self._known_job(job_id)
        known = Known(candidate, job, metadata.occurred_at)
        if decisions.is_repeated(known, intent, metadata):
            return self._first_outcome(candidate, metadata)
        if begin and candidate.version:
            raise errors.AlreadyOnRecord(f"candidate {candidate.id} is on record already")
        if candidate.version or intent.BEGINS:  # what is not there is refused as that
            refuse_unless_expected("candidate", candidate.version, expected)
        consequences = decisions.consequences(known, intent)
        events = refuse_or_record(candidate.id, candidate.version, consequences, metadata)
        rests_on = {job_id: job.version if job else 0} if job_id else {}
        recorded = self.append(events, rests_on)
        state.fold(candidate, recorded)
        self._candidates.keep(candidate.id, candidate)
        return Outcome(candidate.id, recorded)

    def _catch_up(self, candidate: Candidate) -> None:
        """Takes in what is on record after the candidate's version. Raises CandidateNotFound."""
        for recorded in self.history(candidate.id, after=candidate.version):
            if not isinstance(recorded.event, CandidateEvent):
                raise not_found(candidate.id)
            state.evolve(candidate, recorded)
        if candidate.version:
            self._candidates.keep(candidate.id, candidate)

    def _known_job(self, job_id: UUID | None) -> Job | None:
        if job_id is None:
            return None
        job = self._jobs.get(job_id)
        if job is None and (job := self.find_job(job_id)):
            self._jobs.keep(job_id, job)
        return job

    def record_job(
        self, job_id: UUID, intent: Intent, metadata: Metadata, *, expected: Expected = None
    ) -> Outcome:
        """The same for a job. Raises the broken rule or ConcurrentChange."""
        for _ in range(ATTEMPTS):
            history = list(self.history(job_id))
            repeated = [r for r in history if r.metadata.command_id == metadata.command_id]
            if repeated:
                return again(job_id, repeated, metadata)
            job = jobs.fold(None, history)
            version = job.version if job else 0
            if job or isinstance(intent, jobs.OpenJob):
                refuse_unless_expected("job", version, expected)
            consequences = jobs.consequences(job, intent)
            events = refuse_or_record(job_id, version, consequences, metadata)
            try:
                recorded = self.append(events)
            except IntegrityError:
                continue
            self._jobs.forget(job_id)
            return Outcome(job_id, recorded)
        raise contended("job", job_id)

    def record_upkeep(self, event: UpkeepEvent, metadata: Metadata) -> Outcome:
        """Appends what was done of no candidate and no job. Raises ConcurrentChange."""
        stream = event.kept_on()
        for _ in range(ATTEMPTS):
            history = list(self.history(stream))
            repeated = [r for r in history if r.metadata.command_id == metadata.command_id]
            if repeated:
                return Outcome(stream, repeated, repeated=True)
            version = history[-1].originator_version if history else 0
            try:
                return Outcome(stream, self.append(number(stream, version, [event], metadata)))
            except IntegrityError:
                continue
        raise contended("stream", stream)

    def append(
        self, events: Sequence[Recorded], rests_on: Mapping[UUID, int] | None = None
    ) -> list[Recorded]:
        """Appends all or none and returns them with their positions.

        Raises the library's IntegrityError when a version is taken, or when another stream is not
        at the version on which the events rest.
        """
        (positions,) = self.events.append_each([Decided(events, rests_on or {})])
        if positions is None:
            raise IntegrityError("a stream that the events go on with, or rest on, has moved on")
        return [
            Recorded(each.originator_id, each.originator_version, each.event, each.metadata, at)
            for each, at in zip(events, positions, strict=True)
        ]

    def first_outcomes(
        self, commands: Sequence[tuple[UUID, Metadata]]
    ) -> Sequence[Outcome | errors.KeyUsedBefore | None]:
        """What commands that were taken before led to, each on its stream, read in one query.

        None stands for a command that is not on record, KeyUsedBefore for one whose key recorded
        another command.
        """
        if not commands:
            return []
        wanted = {(stream, metadata.command_id) for stream, metadata in commands}
        found: dict[tuple[UUID, UUID], list[Recorded]] = {}
        erased: dict[UUID, int] = {}
        for recorded in self.histories(list({stream for stream, _ in wanted})):
            command = (recorded.originator_id, recorded.metadata.command_id)
            if isinstance(recorded.event, Erased):
                erased[recorded.originator_id] = recorded.originator_version
            if command in wanted:
                found.setdefault(command, []).append(recorded)
        outcomes: list[Outcome | errors.KeyUsedBefore | None] = []
        for stream, metadata in commands:
            events, at = found.get((stream, metadata.command_id)), erased.get(stream, 0)
            try:
                first = again(stream, events, metadata, erased_at=at) if events else None
                outcomes.append(first)
            except errors.KeyUsedBefore as refusal:
                outcomes.append(refusal)
        return outcomes

    def _first_outcome(self, candidate: Candidate, metadata: Metadata) -> Outcome:
        before = candidate.commands[metadata.command_id] - 1
        events = [
            recorded
            for recorded in self.history(candidate.id, after=before, limit=10)
            if recorded.metadata.command_id == metadata.command_id
        ]
        return again(candidate.id, events, metadata, erased_at=candidate.erased_at)


def contended(kind: str, stream: UUID) -> errors.ConcurrentChange:
    """The refusal of a command that others were always faster than."""
    return errors.ConcurrentChange(
        f"{kind} {stream} was changed by others again and again while this was decided; "
        "send it again"
    )
