"""Takes many interactions at once: decided one by one, appended in groups.

What a group has just written is kept in memory, so that a candidate's next interaction needs no
read. Where another writer was faster with a stream, what was taken for that stream is decided anew.
A command that is on its stream already adds nothing, so an interrupted intake goes on where it
stopped when it is fed the same again.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from eventsourcing.application import LRUCache
from eventsourcing.persistence import IntegrityError

from domain import job as jobs
from domain.candidate import decisions, state
from domain.candidate.events import CandidateEvent
from domain.candidate.intents import Intent
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.errors import CandidateNotFound, Refusal
from domain.job_events import JobEvent
from domain.known_jobs import KnownJobs, decided
from domain.recorded import Metadata, Recorded
from domain.recruiting import ATTEMPTS, COMMUTING_ATTEMPTS, Recruiting, contended
from domain.taken import Pending, Taken, Tally, VersionTaken, append, broken_by
from domain.verdict import keep_and_mark, refuse_or_record

GROUP = 2_000  # events in one append
REMEMBERED = 20_000  # candidates


class Intake:
    """One writer's intake. Not safe for threads."""

    def __init__(
        self,
        recruiting: Recruiting,
        *,
        group: int = GROUP,
        remember: int = REMEMBERED,
        before_job: Callable[[UUID], None] = lambda _: None,
    ) -> None:
        """Appends `group` events at once and keeps the state of `remember` candidates.

        `before_job` is called before a job is read, and before what rests on it is appended.
        """
        self.tally = Tally()
        self._recruiting = recruiting
        self._group = group
        self._candidates: LRUCache[UUID, Candidate] = LRUCache(maxsize=remember)
        self._before_job = before_job
        self._jobs = KnownJobs(recruiting, before_job)
        self._pending: list[Pending] = []
        self._pending_events = 0
        # Of those who are remembered, what their commands on record broke.
        self._broken: dict[UUID, dict[UUID, list[tuple[str, str]]]] = {}
        recruiting.tell(self)

    def forget(self, candidate_id: UUID) -> None:
        """Lets go of what is personal of this candidate; safe for threads.

        The rest stays, for what is pending follows on it.
        """
        if known := self._remembered(candidate_id):
            known.details = {}

    def expect(self, candidate_ids: Iterable[UUID]) -> None:
        """Reads what is on record of these in one query, so that none is looked up alone."""
        unknown = {each for each in candidate_ids if self._remembered(each) is None}
        if not unknown:
            return
        histories: dict[UUID, list[Recorded]] = {each: [] for each in unknown}
        forgotten = self._recruiting.forgotten
        for recorded in self._recruiting.histories(list(unknown)):
            histories[recorded.originator_id].append(recorded)
        for candidate_id, history in histories.items():
            if history and isinstance(history[0].event, JobEvent):
                raise _job_id(candidate_id)
            candidate = state.fold(Candidate(id=candidate_id), history)
            self._remember(candidate_id, candidate)
            broken = {
                recorded.metadata.command_id: broken_by(recorded)
                for recorded in history
                if recorded.metadata.broken_rules
            }
            if broken:
                self._broken[candidate_id] = broken
            if candidate and self._recruiting.forgotten != forgotten:
                candidate.details = {}  # perhaps this one's

    def foresee(self, job_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes as done what another writer will append to the job by its own job_fact().

        What rests on the job as it was is appended before this returns. What is taken from here on
        rests on the job as it will be, so `before_job` must wait until that is on record: the log
        refuses what rests on less than there is, not on more. Where the job has gone further then,
        that is decided anew.
        """
        if any(each.rests_on and each.rests_on[0] == job_id for each in self._pending):
            self.flush()
        self._jobs.foresee(job_id, intent, metadata)

    def command(self, candidate_id: UUID, intent: Intent, metadata: Metadata) -> Taken:
        """Takes a command; raises the first rule that it breaks and adds nothing then."""
        return self._begin(candidate_id, partial(self._take, intent, metadata, refuse_or_record))

    def fact(self, candidate_id: UUID, intent: Intent, metadata: Metadata) -> Taken:
        """Takes what happened elsewhere: kept also against the rules, and marked with them."""
        return self._begin(candidate_id, partial(self._take, intent, metadata, keep_and_mark))

    def job_fact(self, job_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes what happened to a job elsewhere, and appends it at once.

        Raises ConcurrentChange when others keep changing the same job.
        """
        self.flush()
        for _ in range(COMMUTING_ATTEMPTS):
            history = list(self._recruiting.history(job_id))
            if any(each.metadata.command_id == metadata.command_id for each in history):
                self.tally.repeated += 1
                return
            job = jobs.fold(None, history)
            if history and job is None:
                raise VersionTaken(f"{job_id} is the id of a candidate; give the job another one")
            events = decided(job_id, job, intent, metadata)
            try:
                self._recruiting.append(events)
            except IntegrityError:
                continue
            self._count(events)
            self._jobs.forget(job_id)
            return
        raise contended("job", job_id)

    def recorded(self, event: Recorded) -> Taken:
        """Takes an event as it is on record elsewhere, unchanged, with its version.

        Raises VersionTaken when another event stands in its place here.
        """
        return self._begin(event.originator_id, partial(self._take_recorded, event))

    def flush(self) -> None:
        """Appends what is pending, in the order in which it was taken.

        Where another writer was faster with a stream, its part is decided anew: a command a few
        times, what commutes or is a fact many times. Raises ConcurrentChange after that.
        """
        for attempt in range(COMMUTING_ATTEMPTS):
            if not self._pending:
                return
            for job_id in {each.rests_on[0] for each in self._pending if each.rests_on}:
                self._before_job(job_id)
            pending, self._pending, self._pending_events = self._pending, [], 0
            conflicts = self._append(pending) if attempt == 0 else self._append_by_stream(pending)
            for each in conflicts:
                self._forget(each)
            for each in conflicts:
                try:
                    if attempt + 1 >= each.attempts:
                        raise contended("candidate", each.taken.stream)
                    each.again(each.taken)
                except Refusal as refusal:
                    self._refuse(each, refusal)
        if self._pending:
            raise contended("stream", self._pending[0].taken.stream)

    def _append(self, pending: list[Pending]) -> list[Pending]:
        """Appends all or none; what it returns is still to be appended."""
        try:
            done = append(self._recruiting.events, pending)
        except Refusal:
            done = False
        return [] if done else self._append_by_stream(pending)

    def _append_by_stream(self, pending: list[Pending]) -> list[Pending]:
        """Appends each stream's part by itself; returns those that another writer has changed."""
        parts: dict[UUID, list[Pending]] = {}
        for each in pending:
            parts.setdefault(each.taken.stream, []).append(each)
        conflicts = []
        for part in parts.values():
            try:
                if not append(self._recruiting.events, part):
                    conflicts += part
            except Refusal as refusal:
                for each in part:
                    self._forget(each)
                    self._refuse(each, refusal)
        return conflicts

    def _begin(self, stream: UUID, take: Callable[[Taken], None]) -> Taken:
        taken = Taken(stream)
        take(taken)
        if self._pending_events >= self._group:
            self.flush()
        return taken

    def _take(
        self,
        intent: Intent,
        metadata: Metadata,
        decide: Callable[..., list[Recorded]],
        taken: Taken,
    ) -> None:
        candidate = self._candidate(taken.stream)
        job_id = decisions.concerned_job(candidate, intent)
        job = self._jobs.get(job_id)
        known = Known(candidate, job, metadata.occurred_at)
        is_fact = decide is keep_and_mark
        if decisions.is_repeated(known, intent, metadata, is_fact=is_fact):
            self._repeat(taken, metadata.command_id)
            return
        consequences = decisions.consequences(known, intent)
        taken.events = decide(candidate.id, candidate.version, consequences, metadata)
        state.fold(candidate, taken.events)
        rests_on = self._jobs.rests_on(job_id) if job_id else None
        again = partial(self._take, intent, metadata, decide)
        is_few = not is_fact and not intent.COMMUTES
        attempts = ATTEMPTS if is_few else COMMUTING_ATTEMPTS
        self._keep(Pending(taken, rests_on, again, attempts))

    def _take_recorded(self, event: Recorded, taken: Taken) -> None:
        stream = event.originator_id
        known: Collection[UUID]
        of_candidate = isinstance(event.event, CandidateEvent)
        if of_candidate:
            candidate = self._candidate(stream)
            version, known = candidate.version, candidate.commands.keys()
        else:
            self.flush()
            history = list(self._recruiting.history(stream))
            version = len(history)
            known = {each.metadata.command_id for each in history}
        if event.originator_version <= version:
            if event.metadata.command_id not in known:
                raise _conflict(stream)
            self._repeat(taken, event.metadata.command_id)
            return
        if event.originator_version != version + 1:
            raise VersionTaken(
                f"event {event.originator_version} of stream {stream} does not follow the "
                f"{version} that are on record; import the whole export, in its order"
            )
        taken.events = [event]
        if of_candidate:
            state.evolve(candidate, event)
        self._keep(Pending(taken, None, partial(self._take_recorded, event), COMMUTING_ATTEMPTS))
        if not of_candidate:
            self._jobs.forget(stream)
            self.flush()

    def _keep(self, pending: Pending) -> None:
        self._count(pending.taken.events)
        self._pending.append(pending)
        self._pending_events += len(pending.taken.events)

    def _repeat(self, taken: Taken, command_id: UUID) -> None:
        taken.repeated = True
        self.tally.repeated += 1
        self.tally.broken_rules.update(self._broken.get(taken.stream, {}).get(command_id, ()))

    def _count(self, events: Sequence[Recorded]) -> None:
        self.tally.added += len(events)
        for recorded in events:
            if recorded.metadata.broken_rules:
                self.tally.broken_rules.update(broken_by(recorded))

    def _forget(self, pending: Pending) -> None:
        """Takes back what was counted and remembered of something that was not appended."""
        self.tally.added -= len(pending.taken.events)
        for recorded in pending.taken.events:
            self.tally.broken_rules.subtract(broken_by(recorded))
        with suppress(KeyError):
            self._candidates.get(pending.taken.stream, evict=True)
        if pending.rests_on:
            self._jobs.forget(pending.rests_on[0])

    def _refuse(self, pending: Pending, refusal: Refusal) -> None:
        pending.taken.events, pending.taken.refusal = (), refusal
        self.tally.refused[refusal.code] += 1

    def _candidate(self, candidate_id: UUID) -> Candidate:
        candidate = self._remembered(candidate_id)
        if candidate is None:
            forgotten = self._recruiting.forgotten
            try:
                candidate = self._recruiting.candidate(candidate_id)
            except CandidateNotFound:
                if self._recruiting.find_job(candidate_id):
                    raise _job_id(candidate_id) from None
                candidate = Candidate(id=candidate_id)
            self._remember(candidate_id, candidate)
            if self._recruiting.forgotten != forgotten:
                candidate.details = {}  # perhaps this one's
        return candidate

    def _remember(self, candidate_id: UUID, candidate: Candidate | None) -> None:
        gone, _ = self._candidates.put(candidate_id, candidate) or (None, None)
        if gone:
            self._broken.pop(gone, None)

    def _remembered(self, candidate_id: UUID) -> Candidate | None:
        try:
            return self._candidates.get(candidate_id)
        except KeyError:
            return None


def _job_id(candidate_id: UUID) -> VersionTaken:
    return VersionTaken(f"{candidate_id} is the id of a job; give the candidate another one")


def _conflict(stream: UUID) -> VersionTaken:
    return VersionTaken(
        f"stream {stream} holds other events than the import; import into an empty database"
    )
