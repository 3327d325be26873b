"""Judges a concurrent history: is each stream what some order of its commands would have led to?

What is known from outside of an attempt is when it began, when it was answered, and what the answer
was. The order is the one of the stream; it must agree with everything that was observed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import errors
from domain.candidate import decisions, state
from domain.candidate.intents import Intent
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.job import Job
from domain.recorded import Metadata, Recorded
from domain.verdict import refuse_or_record

Told = tuple[tuple[int, int], ...]  # version and position of each event


@dataclass(frozen=True)
class Attempt:
    """A command as it was sent once, between two moments of one clock, and its answer."""

    candidate: UUID
    intent: Intent
    metadata: Metadata
    begin: bool
    invoked: int
    answered: int
    outcome: Told | str  # what was recorded, or the code of the refusal

    @property
    def command(self) -> UUID:
        """The id of the command, the same when it is sent again."""
        return self.metadata.command_id


def faults(
    attempts: Sequence[Attempt],
    streams: Mapping[UUID, Sequence[Recorded]],
    jobs: Mapping[UUID, Job],
) -> list[str]:
    """Everything on the streams, or in the answers, that no order of the commands explains.

    The jobs must not have changed meanwhile, and the streams hold nothing else.
    """
    by_candidate: defaultdict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_candidate[attempt.candidate].append(attempt)
    return [
        f"{candidate}: {fault}"
        for candidate in by_candidate.keys() | streams.keys()
        for fault in _Stream(by_candidate[candidate], streams.get(candidate, ()), jobs).faults()
    ]


@dataclass(frozen=True)
class _Effect:
    """A command that is on record: its events, and the narrowest time in which it took effect."""

    events: Sequence[Recorded]
    invoked: int
    answered: int

    @property
    def version(self) -> int:
        return self.events[-1].originator_version


class _Stream:
    def __init__(
        self,
        attempts: Sequence[Attempt],
        stream: Sequence[Recorded],
        jobs: Mapping[UUID, Job],
    ) -> None:
        self._attempts, self._stream, self._jobs = attempts, stream, jobs
        self._by_command: dict[UUID, list[Attempt]] = {}
        self._events: dict[UUID, list[Recorded]] = {}
        for attempt in attempts:
            self._by_command.setdefault(attempt.command, []).append(attempt)
        for recorded in stream:
            self._events.setdefault(recorded.metadata.command_id, []).append(recorded)

    def faults(self) -> Iterator[str]:
        yield from self._answers()
        effects = sorted(self._effects(), key=lambda each: each.version)
        yield from self._real_time(effects)
        yield from self._replay(effects)

    def _answers(self) -> Iterator[str]:
        """Each acknowledged command is there as it was told, and nothing else is."""
        for place, recorded in enumerate(self._stream, 1):
            if recorded.originator_version != place:
                yield f"version {recorded.originator_version} stands in place {place}"
        positions = [recorded.position for recorded in self._stream]
        if positions != sorted(set(positions)):
            yield "positions do not follow the versions"
        for attempt in self._attempts:
            if isinstance(attempt.outcome, str):
                continue
            there = tuple(
                (recorded.originator_version, recorded.position)
                for recorded in self._events.get(attempt.command, ())
            )
            if there != attempt.outcome:
                yield f"{attempt.intent} was told {attempt.outcome} and has {there}"
        for command in self._events:
            attempts = self._by_command.get(command, [])
            if all(isinstance(attempt.outcome, str) for attempt in attempts):
                yield f"command {command} is on record and nobody was told"

    def _effects(self) -> Iterator[_Effect]:
        for command, events in self._events.items():
            told = [
                attempt
                for attempt in self._by_command.get(command, ())
                if not isinstance(attempt.outcome, str)
            ]
            if told:
                # Any of these may have been the one that did it, before the first was answered.
                invoked = min(attempt.invoked for attempt in told)
                yield _Effect(events, invoked, min(attempt.answered for attempt in told))

    def _real_time(self, effects: Sequence[_Effect]) -> Iterator[str]:
        """What was answered before something else began comes before it."""
        latest: _Effect | None = None
        for effect in effects:
            if latest and effect.answered < latest.invoked:
                yield (
                    f"version {latest.version} began after version {effect.version} was answered "
                    "and comes before it"
                )
            if latest is None or effect.invoked > latest.invoked:
                latest = effect

    def _replay(self, effects: Sequence[_Effect]) -> Iterator[str]:
        """Each decision, taken again, gives what is there; each refusal holds at some time."""
        refused = [
            (attempt, *self._window(attempt, effects))
            for attempt in self._attempts
            if isinstance(attempt.outcome, str)
        ]
        candidate = _nobody(self._attempts, self._stream)
        unexplained = [each for each in refused if not self._holds(each, candidate)]
        for effect in effects:
            yield from self._repeat(effect, candidate)
            for recorded in effect.events:
                state.evolve(candidate, recorded)
            unexplained = [each for each in unexplained if not self._holds(each, candidate)]
        for attempt, first, last in unexplained:
            yield (
                f"{attempt.intent} was refused with {attempt.outcome}, which holds at no version "
                f"from {first} to {last}"
            )

    def _window(self, attempt: Attempt, effects: Sequence[_Effect]) -> tuple[int, int]:
        """The first and the last version that the attempt can have seen."""
        first = max(
            (effect.version for effect in effects if effect.answered < attempt.invoked), default=0
        )
        # Versions are taken in order: none behind one that had not even begun.
        last = 0
        for effect in effects:
            if effect.invoked > attempt.answered:
                break
            last = effect.version
        return first, last

    def _holds(self, refused: tuple[Attempt, int, int], candidate: Candidate) -> bool:
        """Whether the refusal is right in this state, which the attempt can have seen."""
        attempt, first, last = refused
        if not first <= candidate.version <= last or attempt.command in candidate.commands:
            return False
        if attempt.outcome == errors.ConcurrentChange.code:
            return last > first
        return self._decide(attempt, candidate) == attempt.outcome

    def _repeat(self, effect: _Effect, candidate: Candidate) -> Iterator[str]:
        attempt = self._by_command[effect.events[0].metadata.command_id][0]
        decided = self._decide(attempt, candidate)
        if isinstance(decided, str):
            yield f"version {effect.version} is on record though {decided} stood against it"
        elif decided != list(effect.events):
            yield f"version {effect.version} is {effect.events} instead of {decided}"

    def _decide(self, attempt: Attempt, candidate: Candidate) -> list[Recorded] | str:
        intent, metadata = attempt.intent, attempt.metadata
        if attempt.begin and candidate.version:
            return errors.AlreadyOnRecord.code
        job = self._jobs.get(decisions.concerned_job(candidate, intent) or UUID(int=0))
        known = Known(candidate, job, metadata.occurred_at)
        consequences = decisions.consequences(known, intent)
        try:
            return refuse_or_record(candidate.id, candidate.version, consequences, metadata)
        except errors.Refusal as refusal:
            return refusal.code


def _nobody(attempts: Sequence[Attempt], stream: Sequence[Recorded]) -> Candidate:
    return Candidate(id=attempts[0].candidate if attempts else stream[0].originator_id)
