"""Takes many interactions at once: decided one by one, appended in groups.

What a group has just written is kept in memory, so that a candidate's next interaction needs no
read. A group is appended whole or not at all; a command that is on its stream already adds nothing,
so an interrupted intake goes on where it stopped when it is fed the same again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
from domain.job import Job, JobEvent
from domain.recorded import Metadata, Recorded
from domain.recruiting import ATTEMPTS, Recruiting, contended
from domain.verdict import keep_and_mark, refuse_or_record

GROUP = 2_000  # events in one append
REMEMBERED = 20_000  # candidates


class VersionTaken(Exception):  # noqa: N818  # the name of the situation
    """An event on record elsewhere does not fit what is on record here."""


@dataclass
class Tally:
    """What an intake did: events appended, commands repeated, and the rules that facts break.

    `broken_rules` counts by the event's name and the rule, also of what was on record before.
    """

    added: int = 0
    repeated: int = 0
    broken_rules: Counter[tuple[str, str]] = field(default_factory=Counter)


class Intake:
    """One writer's intake. Not safe for threads."""

    def __init__(
        self, recruiting: Recruiting, *, group: int = GROUP, remember: int = REMEMBERED
    ) -> None:
        """Appends `group` events at once and keeps the state of `remember` candidates."""
        self.tally = Tally()
        self._recruiting = recruiting
        self._group = group
        self._candidates: LRUCache[UUID, Candidate] = LRUCache(maxsize=remember)
        self._jobs: dict[UUID, Job | None] = {}
        self._pending: list[Recorded] = []
        self._again: list[Callable[[], None]] = []
        self._retries = 0
        self._broken: dict[UUID, list[tuple[str, str]]] = {}  # by commands on record

    def expect(self, candidate_ids: Iterable[UUID]) -> None:
        """Reads what is on record of these in one query, so that none is looked up alone."""
        unknown = {each for each in candidate_ids if self._remembered(each) is None}
        if not unknown:
            return
        histories: dict[UUID, list[Recorded]] = {each: [] for each in unknown}
        for recorded in self._recruiting.histories(list(unknown)):
            histories[recorded.originator_id].append(recorded)
        self._broken = {}
        for candidate_id, history in histories.items():
            if history and isinstance(history[0].event, JobEvent):
                raise _job_id(candidate_id)
            candidate = state.fold(Candidate(id=candidate_id), history)
            self._candidates.put(candidate_id, candidate)
            for recorded in history:
                if recorded.metadata.broken_rules:
                    self._broken[recorded.metadata.command_id] = _broken_by(recorded)

    def command(self, candidate_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes a command; raises the first rule that it breaks and adds nothing then."""
        self._take(candidate_id, intent, metadata, facts=False)

    def fact(self, candidate_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes what happened elsewhere: kept also against the rules, and marked with them."""
        self._take(candidate_id, intent, metadata, facts=True)

    def job_fact(self, job_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes what happened to a job elsewhere, and appends it at once.

        Raises the library's IntegrityError when others keep changing the same job.
        """
        self.flush()
        for last in (False, False, True):
            history = list(self._recruiting.history(job_id))
            if any(each.metadata.command_id == metadata.command_id for each in history):
                self.tally.repeated += 1
                return
            job = jobs.fold(None, history)
            if history and job is None:
                raise VersionTaken(f"{job_id} is the id of a candidate; give the job another one")
            consequences = jobs.consequences(job, intent)
            events = keep_and_mark(job_id, job.version if job else 0, consequences, metadata)
            try:
                self._recruiting.append(events)
            except IntegrityError:
                if last:
                    raise
            else:
                self._count(events)
                self._jobs.pop(job_id, None)
                return

    def recorded(self, event: Recorded) -> None:
        """Takes an event as it is on record elsewhere, unchanged, with its version.

        Raises VersionTaken when another event stands in its place here.
        """
        stream = event.originator_id
        known: Collection[UUID]
        if isinstance(event.event, CandidateEvent):
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
            self._repeat(event.metadata.command_id)
            return
        if event.originator_version != version + 1:
            raise VersionTaken(
                f"event {event.originator_version} of stream {stream} does not follow the "
                f"{version} that are on record; import the whole export, in its order"
            )
        self._again.append(lambda: self.recorded(event))
        self._keep([event])

    def flush(self) -> None:
        """Appends what is pending. On a conflict with another writer, decides it all anew.

        Raises the first Refusal of a command that does not stand any more; the others are kept.
        """
        if not self._pending:
            return
        pending, again = self._pending, self._again
        self._pending, self._again = [], []
        try:
            self._recruiting.append(pending)
            return
        except IntegrityError:
            self._forget(pending)
        refusals: list[Refusal] = []
        if self._retries == ATTEMPTS:
            raise contended("stream", pending[0].originator_id)
        self._retries += 1
        for retry in again:
            try:
                retry()
                self.flush()
            except Refusal as refusal:
                refusals.append(refusal)
        self._retries -= 1
        if refusals:
            raise refusals[0]

    def _take(self, candidate_id: UUID, intent: Intent, metadata: Metadata, *, facts: bool) -> None:
        candidate = self._candidate(candidate_id)
        if metadata.command_id in candidate.commands:
            self._repeat(metadata.command_id)
            return
        job = self._job(decisions.concerned_job(candidate, intent))
        consequences = decisions.consequences(Known(candidate, job, metadata.occurred_at), intent)
        decide = keep_and_mark if facts else refuse_or_record
        events = decide(candidate_id, candidate.version, consequences, metadata)
        self._again.append(lambda: self._take(candidate_id, intent, metadata, facts=facts))
        self._keep(events)

    def _keep(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            if isinstance(recorded.event, CandidateEvent):
                state.evolve(self._candidate(recorded.originator_id), recorded)
        self._count(events)
        self._pending.extend(events)
        if len(self._pending) >= self._group:
            self.flush()

    def _repeat(self, command_id: UUID) -> None:
        self.tally.repeated += 1
        self.tally.broken_rules.update(self._broken.get(command_id, ()))

    def _count(self, events: Sequence[Recorded]) -> None:
        self.tally.added += len(events)
        for recorded in events:
            self.tally.broken_rules.update(_broken_by(recorded))

    def _forget(self, events: Sequence[Recorded]) -> None:
        self.tally.added -= len(events)
        for recorded in events:
            self.tally.broken_rules.subtract(_broken_by(recorded))
            with suppress(KeyError):
                self._candidates.get(recorded.originator_id, evict=True)

    def _candidate(self, candidate_id: UUID) -> Candidate:
        candidate = self._remembered(candidate_id)
        if candidate is None:
            try:
                candidate = self._recruiting.candidate(candidate_id)
            except CandidateNotFound:
                if self._recruiting.find_job(candidate_id):
                    raise _job_id(candidate_id) from None
                candidate = Candidate(id=candidate_id)
            self._candidates.put(candidate_id, candidate)
        return candidate

    def _remembered(self, candidate_id: UUID) -> Candidate | None:
        try:
            return self._candidates.get(candidate_id)
        except KeyError:
            return None

    def _job(self, job_id: UUID | None) -> Job | None:
        if job_id is None:
            return None
        if job_id not in self._jobs:
            self._jobs[job_id] = self._recruiting.find_job(job_id)
        return self._jobs[job_id]


def _broken_by(recorded: Recorded) -> list[tuple[str, str]]:
    return [(recorded.event.wire_name(), rule) for rule in recorded.metadata.broken_rules]


def _job_id(candidate_id: UUID) -> VersionTaken:
    return VersionTaken(f"{candidate_id} is the id of a job; give the candidate another one")


def _conflict(stream: UUID) -> VersionTaken:
    return VersionTaken(
        f"stream {stream} holds other events than the import; import into an empty database"
    )
