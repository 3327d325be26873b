"""The judge of concurrent histories finds what was altered by hand, and nothing in a good one."""

from dataclasses import dataclass, field, replace

import pytest
from msgspec import structs

from domain import errors
from domain.candidate import decisions, state
from domain.candidate import intents as i
from domain.candidate.events import Noted
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.recorded import Metadata, Recorded
from domain.verdict import refuse_or_record
from tests.scenario import APPLICATION, CANDIDATE, JOB, by, open_job
from tests.torture.checker import Attempt, faults

APPLY = i.ApplyAs(job_id=JOB, application_id=APPLICATION, source="Mail", name="Ada")
ADVANCE = i.Advance(application_id=APPLICATION, to_stage="B")
REJECT = i.Reject(application_id=APPLICATION)
NOTE = i.Note(text="Kind.")


@dataclass
class History:
    """Attempts one after the other, from moment 0 on, ten for each; and the stream they lead to."""

    attempts: list[Attempt] = field(default_factory=list)
    stream: list[Recorded] = field(default_factory=list)

    def send(self, intent: i.Intent, metadata: Metadata | None = None) -> Attempt:
        """As the write path should do it."""
        metadata = metadata or by()
        known = state.fold(Candidate(id=CANDIDATE), self.stream) or Candidate(id=CANDIDATE)
        outcome: tuple[tuple[int, int], ...] | str
        try:
            if metadata.command_id not in known.commands:
                consequences = decisions.consequences(
                    Known(known, open_job(), metadata.occurred_at), intent
                )
                for event in refuse_or_record(CANDIDATE, known.version, consequences, metadata):
                    position = 100 + event.originator_version
                    self.stream.append(structs.replace(event, position=position))
            outcome = tuple(
                (each.originator_version, each.position)
                for each in self.stream
                if each.metadata.command_id == metadata.command_id
            )
        except errors.Refusal as refusal:
            outcome = refusal.code
        began = 10 * len(self.attempts)
        attempt = Attempt(
            CANDIDATE,
            intent,
            metadata,
            begin=False,
            invoked=began,
            answered=began + 5,
            outcome=outcome,
        )
        self.attempts.append(attempt)
        return attempt

    def answer(self, place: int, **otherwise: object) -> None:
        """Alters what was observed of an attempt."""
        self.attempts[place] = replace(self.attempts[place], **otherwise)  # type: ignore[arg-type]

    def record(self, place: int, **otherwise: object) -> None:
        """Alters what is on record."""
        self.stream[place] = structs.replace(self.stream[place], **otherwise)

    def faults(self) -> list[str]:
        """What the judge finds."""
        return faults(self.attempts, {CANDIDATE: self.stream}, {JOB: open_job()})


@pytest.fixture
def history() -> History:
    """A refusal before there is anyone, an application, a move, a refusal, two notes, a repeat."""
    made = History()
    for intent in (ADVANCE, APPLY, ADVANCE, ADVANCE, NOTE, NOTE):
        made.send(intent)
    made.send(ADVANCE, made.attempts[2].metadata)
    return made


def found(history: History, *containing: str) -> None:
    """The judge finds something, and says each of these."""
    said = history.faults()
    assert said
    for words in containing:
        assert any(words in line for line in said), said


def test_a_good_history(history: History) -> None:
    outcomes = [attempt.outcome for attempt in history.attempts]
    assert outcomes == [
        "candidate-not-found",
        ((1, 101),),
        ((2, 102),),
        "already-in-stage",
        ((3, 103),),
        ((4, 104),),
        ((2, 102),),
    ]
    assert history.faults() == []


def test_a_lost_command(history: History) -> None:
    history.stream.pop()
    found(history, "was told ((4, 104),) and has ()")


def test_an_event_that_was_replaced_by_another(history: History) -> None:
    history.record(3, metadata=by())
    found(history, "was told ((4, 104),) and has ()", "nobody was told")


def test_a_command_that_took_effect_twice(history: History) -> None:
    history.stream.append(structs.replace(history.stream[3], originator_version=5, position=105))
    found(history, "has ((4, 104), (5, 105))")


def test_a_gap_on_the_stream(history: History) -> None:
    history.record(3, originator_version=5)
    found(history, "version 5 stands in place 4")


def test_positions_against_the_versions(history: History) -> None:
    history.record(2, position=104)
    history.record(3, position=103)
    history.answer(4, outcome=((3, 104),))
    history.answer(5, outcome=((4, 103),))
    assert history.faults() == [f"{CANDIDATE}: positions do not follow the versions"]


def test_an_order_against_time(history: History) -> None:
    """The second note was told the lower version though it began when the first had its answer."""
    history.answer(4, outcome=((4, 104),))
    history.answer(5, outcome=((3, 103),))
    first, second = history.stream[2].metadata, history.stream[3].metadata
    history.record(2, metadata=second)
    history.record(3, metadata=first)
    found(history, "version 3 began after version 4 was answered")
    history.answer(5, invoked=44)  # while the first was still under way
    assert history.faults() == []


def test_a_repeat_that_was_told_something_else(history: History) -> None:
    history.answer(6, outcome=((5, 105),))
    found(history, "was told ((5, 105),) and has ((2, 102),)")


def test_a_refusal_that_never_held(history: History) -> None:
    history.send(REJECT)
    history.stream.pop()
    history.answer(7, outcome="already-rejected")
    found(history, "refused with already-rejected, which holds at no version from 4 to 4")


def test_a_refusal_that_held_only_before(history: History) -> None:
    """The candidate was on record long before this began; only one under way may say otherwise."""
    history.answer(3, outcome="candidate-not-found")
    found(history, "refused with candidate-not-found")
    history.answer(3, outcome="unknown-application")
    found(history, "refused with unknown-application")


def test_a_refusal_that_held_while_it_was_under_way(history: History) -> None:
    history.answer(0, answered=24)
    assert history.faults() == []
    history.answer(3, outcome="candidate-not-found", invoked=4)  # as long as nobody was there
    assert history.faults() == []


def test_a_refusal_from_what_had_not_begun(history: History) -> None:
    history.answer(0, outcome="already-in-stage")
    found(history, "refused with already-in-stage, which holds at no version from 0 to 0")


def test_a_refusal_of_what_is_on_record(history: History) -> None:
    history.answer(6, outcome="already-in-stage")
    found(history, "refused with already-in-stage")


def test_a_conflict_with_nobody(history: History) -> None:
    history.answer(3, outcome="concurrent-change")
    found(history, "refused with concurrent-change")
    history.answer(3, answered=42)  # when the first note had begun
    assert history.faults() == []


def test_an_event_against_the_rules(history: History) -> None:
    again = history.send(ADVANCE)
    assert again.outcome == "already-in-stage"
    event = structs.replace(
        history.stream[1], originator_version=5, position=105, metadata=again.metadata
    )
    history.stream.append(event)
    history.answer(7, outcome=((5, 105),))
    found(history, "version 5 is on record though already-in-stage stood against it")


def test_an_event_that_was_not_decided(history: History) -> None:
    history.record(3, event=Noted(text="Rude."))
    found(history, "version 4 is ", "instead of")


def test_a_stream_of_which_nobody_knows(history: History) -> None:
    assert faults([], {CANDIDATE: history.stream}, {JOB: open_job()})
