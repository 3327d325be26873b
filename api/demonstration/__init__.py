"""The demonstration company: two years of believable hiring, the same for the same seed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush, heapreplace
from itertools import chain, islice
from math import sqrt
from random import Random

from api.demonstration.jobs import CANDIDATES_COME, NEVER, Jobs
from api.demonstration.life import Life
from api.demonstration.people import person
from api.demonstration.steps import Step
from api.demonstration.stories import begin
from domain.intake import Intake
from domain.values import to_utc

__all__ = ["Step", "company", "load"]

HISTORY = timedelta(days=730)  # never more than 24 months
AT_FIRST = 0.3  # how many candidates a day come at first, in shares of the average
CHUNK = 2_000  # steps

Begun = tuple[datetime, Iterator[Step]]


def company(candidates: int, *, seed: int = 1, until: datetime) -> Iterator[Step]:
    """All that happened in the 24 months before `until` (with a zone), in order of occurred_at.

    The same arguments give the same steps; companies that differ in any share no identifier, so
    that one can be loaded beside another.
    """
    until = to_utc(until).replace(microsecond=0)
    begins = until - HISTORY
    name = f"{seed} {candidates} {until.isoformat()}"
    jobs = Jobs(candidates, Random(name), begins, until)  # noqa: S311  # the same each time

    def begun() -> Iterator[Begun]:
        yield begins, jobs.steps()
        first = begins + CANDIDATES_COME
        for number in range(candidates):
            rng = Random(f"{name} {number}")  # noqa: S311  # likewise
            when = first + (until - first) * _when_comes((number + rng.random()) / candidates)
            life = Life(person(number, rng), rng, jobs, when.replace(microsecond=0), until)
            yield life.now, begin(life)

    return _in_order(begun(), until)


def load(intake: Intake, steps: Iterable[Step], progress: Callable[[int], None]) -> None:
    """Feeds the steps to the intake, its rules enforced, and says now and then how many."""
    remaining, count = iter(steps), 0
    while chunk := list(islice(remaining, CHUNK)):
        intake.expect({step.stream for step in chunk if step.intent.BEGINS})
        for step in chunk:
            take = intake.job_fact if step.of_job else intake.command
            take(step.stream, step.intent, step.metadata)
        count += len(chunk)
        progress(count)
    intake.flush()


def _when_comes(share: float) -> float:
    """How much of the time has passed when that share of all candidates has come.

    Their number a day grows evenly, from AT_FIRST at the beginning.
    """
    growth = 1 - AT_FIRST
    return (sqrt(AT_FIRST**2 + 4 * growth * share) - AT_FIRST) / (2 * growth)


def _in_order(begun: Iterator[Begun], until: datetime) -> Iterator[Step]:
    """The steps of all stories up to `until`, in order; holds only stories that are under way.

    The stories come in order of when they begin, and none has a step before that.
    """
    under_way: list[tuple[datetime, int, Step, Iterator[Step]]] = []
    end: Begun = NEVER, iter(())
    for number, (begins, begun_story) in enumerate(chain(begun, [end])):
        while under_way and under_way[0][0] < begins:
            _, earlier, step, story = under_way[0]
            following = next(story, None)
            if following is None or (when := following.metadata.occurred_at) > until:
                heappop(under_way)
            else:
                heapreplace(under_way, (when, earlier, following, story))
            yield step
        first = next(begun_story, None)
        if first and first.metadata.occurred_at <= until:
            heappush(under_way, (first.metadata.occurred_at, number, first, begun_story))
