"""Where self-identifications are recorded and read: under a database role of their own.

Recruiting cannot read the keys: the database does not show them to its role.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol, cast
from uuid import UUID, uuid4

from eventsourcing.application import Application
from msgspec import structs

from domain import errors
from domain.log import AppendingStore, Decided, EventLog
from domain.recorded import Metadata, Recorded
from domain.self_identification import IdentifySelf, SelfIdentification, consequences, fold
from domain.self_identification_events import SelfIdentified
from domain.values import Purpose
from domain.verdict import refuse_or_record

ATTEMPTS = 5
AT_ONCE = 1_000
PAGE = 5_000


class Keys(Protocol):
    """What the vault needs of the keyring."""

    def owner_of(self, candidate_id: UUID, purpose: Purpose) -> UUID:
        """The stream under whose id the candidate's key of this purpose is kept."""

    def load(self, candidate_ids: Iterable[UUID]) -> None:
        """Reads the keys of many streams at once."""

    def destroyed(self, candidate_ids: Iterable[UUID], purpose: Purpose) -> set[UUID]:
        """The streams whose key of this purpose is gone for ever."""


class SelfIdentifications(Application[UUID]):
    """Self-identifications on their streams.

    Constructed from the library's environment, which names the event store with the role of its
    own; the composition root gives it the `keys`. Safe for threads.
    """

    name = "self-identification"
    recorder: EventLog
    events: AppendingStore
    keys: Keys

    def stream_of(self, candidate_id: UUID) -> UUID:
        """The candidate's stream of self-identification."""
        return self.keys.owner_of(candidate_id, Purpose.SELF_IDENTIFICATION)

    def record(self, said: Mapping[UUID, IdentifySelf], metadata: Metadata) -> int:
        """Records what candidates answered and returns how many said something new.

        Nobody's answer stands next to other things that the person did: streams are written in the
        order of their ids. Each event has a command id of its own. Raises CandidateErased, before
        anything is recorded, where somebody's answers could not be kept; ConcurrentChange when
        others keep answering for the same people.
        """
        if gone := self.erased(said):
            raise errors.CandidateErased(
                f"what candidate {min(gone)} said of themselves was erased; leave it out, or begin "
                "a new candidate if the person comes back"
            )
        by_stream = {self.stream_of(candidate): candidate for candidate in said}
        streams = iter(sorted(by_stream))
        added = 0
        while some := list(islice(streams, AT_ONCE)):
            for _ in range(ATTEMPTS):
                states = self._states(some)
                decided = []
                for stream in some:
                    candidate, state = by_stream[stream], states[stream]
                    own = structs.replace(metadata, command_id=uuid4())
                    happens = consequences(state, candidate, said[candidate])
                    if events := refuse_or_record(stream, state.version, happens, own):
                        decided.append(Decided(events))
                answers = self.events.append_each(decided) if decided else []
                added += sum(positions is not None for positions in answers)
                if None not in answers:
                    break
            else:
                raise errors.ConcurrentChange(
                    "others keep answering for the same people; try again in a moment"
                )
        return added

    def erased(self, candidates: Iterable[UUID]) -> set[UUID]:
        """Those of whom nothing can be recorded here any more: what was sealed would be lost."""
        by_stream = {self.stream_of(candidate): candidate for candidate in candidates}
        streams = iter(by_stream)
        gone: set[UUID] = set()
        while some := list(islice(streams, AT_ONCE)):
            gone |= self.keys.destroyed(some, Purpose.SELF_IDENTIFICATION)
        return {by_stream[stream] for stream in gone}

    def answers(self, *, until: int) -> Mapping[UUID, Mapping[str, str]]:
        """What each candidate answered up to position `until`; without those who were erased."""
        states: dict[UUID, SelfIdentification] = {}
        for recorded in self._stated(until):
            stream = recorded.originator_id
            fold(states.setdefault(stream, SelfIdentification(stream)), [recorded])
        return {
            state.candidate_id: state.answers
            for state in states.values()
            if state.candidate_id is not None
        }

    def said_by(self, candidate_id: UUID) -> list[Recorded]:
        """What the candidate answered, time after time; redacted where it was erased."""
        stored = self.recorder.select_history(self.stream_of(candidate_id))
        return [cast("Recorded", self.mapper.to_domain_event(each)) for each in stored]

    def _states(self, streams: list[UUID]) -> dict[UUID, SelfIdentification]:
        states = {stream: SelfIdentification(stream) for stream in streams}
        stored = self.recorder.select_histories(streams)
        self.keys.load({cast("UUID", each.originator_id) for each in stored})
        for each in stored:
            recorded = cast("Recorded", self.mapper.to_domain_event(each))
            fold(states[recorded.originator_id], [recorded])
        return states

    def _stated(self, until: int) -> Iterator[Recorded]:
        start = 1
        while page := self.recorder.select_notifications(
            start, PAGE, stop=until, topics=[SelfIdentified.TOPIC]
        ):
            self.keys.load({cast("UUID", each.originator_id) for each in page})
            yield from (cast("Recorded", self.mapper.to_domain_event(each)) for each in page)
            start = page[-1].id + 1
