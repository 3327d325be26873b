"""One candidate's clock: it moves on by hours and days and stamps what happens meanwhile."""

from datetime import datetime, timedelta
from random import Random

from api.demonstration.jobs import Jobs
from api.demonstration.people import CALENDAR, CANDIDATE, MAILER, Person, random_uuid
from api.demonstration.steps import DAY, PROVENANCE, Step, in_working_hours
from domain.candidate.intents import Intent
from domain.recorded import Metadata

WAKES, SLEEPS, NIGHT = 7, 23, 8
HOUR = 3_600

# People write down some of it late: a few minutes mostly, days for a call or an interview.
AT_ONCE = frozenset({CANDIDATE, MAILER, CALENDAR})
MINUTES_LATE, DAYS_LATE = 0.05, 0.03


class Life:
    """A candidate at a moment of their story."""

    __slots__ = ("jobs", "now", "person", "rng", "until")

    def __init__(
        self, person: Person, rng: Random, jobs: Jobs, now: datetime, until: datetime
    ) -> None:
        self.person = person
        self.rng = rng
        self.jobs = jobs
        self.now = now
        self.until = until

    def beside(self) -> "Life":
        """The same person with a clock of its own, for what goes on at the same time."""
        return Life(self.person, self.rng, self.jobs, self.now, self.until)

    def chance(self, probability: float) -> bool:
        """Whether something of that probability comes about."""
        return self.rng.random() < probability

    def work(self, low: float, high: float) -> None:
        """Lets days pass until someone of the company has done their part."""
        seconds = int((low + (high - low) * self.rng.random()) * DAY)
        self.now = in_working_hours(self.now + timedelta(seconds=seconds), self.rng)

    def leisure(self, low: float, high: float) -> None:
        """Lets hours pass until the candidate comes to it: on any day, but not at night."""
        seconds = int((low + (high - low) * self.rng.random()) * HOUR)
        moment = self.now + timedelta(seconds=seconds)
        if not WAKES <= moment.hour < SLEEPS:
            moment += timedelta(hours=NIGHT)
        self.now = moment

    def soon(self) -> None:
        """Lets a minute or two pass, as a machine needs them."""
        self.now += timedelta(seconds=self.rng.randrange(5, 120))

    def message_id(self) -> str:
        """An id for one more message."""
        return f"{self.rng.getrandbits(64):016x}@mail.example"

    def step(
        self,
        intent: Intent,
        actor: str,
        reason: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Step:
        """What happens now."""
        recorded_at = self.now
        if actor not in AT_ONCE and (draw := self.rng.random()) < MINUTES_LATE + DAYS_LATE:
            days = draw < DAYS_LATE
            delay = self.rng.randrange(DAY, 3 * DAY) if days else self.rng.randrange(60, 30 * 60)
            recorded_at = min(self.until, self.now + timedelta(seconds=delay))
        return Step(
            self.person.id,
            intent,
            Metadata(
                actor=actor,
                on_behalf_of=on_behalf_of,
                reason=reason,
                command_id=random_uuid(self.rng),
                occurred_at=self.now,
                recorded_at=recorded_at,
                provenance=PROVENANCE,
            ),
        )
