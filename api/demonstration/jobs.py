"""The jobs of the demonstration: planned before any candidate comes, so that all stories fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import exp, isqrt
from random import Random
from uuid import UUID

from api.demonstration import words
from api.demonstration.departments import DEPARTMENTS, LOCATIONS, Department
from api.demonstration.people import RECRUITERS, random_uuid
from api.demonstration.steps import DAY, PROVENANCE, Step, in_working_hours
from domain.candidate.intents import Intent
from domain.job import ChangeStages, CloseJob, OpenJob, ReopenJob
from domain.recorded import Metadata

NEVER = datetime.max.replace(tzinfo=UTC)
FEWEST, MOST = 12, 60
EVERGREEN = 0  # never closes, so that there is a job to apply for at any time
CHANGING = (0, 5)  # get one more stage later
ADDED_STAGE = "Values conversation"
FIRST_JOBS = 4  # open in the company's first days
CANDIDATES_COME = timedelta(days=8)  # after those
NEWEST_AGE = timedelta(days=24)  # of the last job to open, at the end

# How long before its close a job takes no more applications, and decides no more on those it has.
# The last decision must leave time for an offer, its second version, the answer and the hire.
NO_APPLICATIONS = timedelta(days=95)
NO_DECISIONS = timedelta(days=45)

INTEREST_FADES = 40.0  # days after which a job draws a third of what it drew when new
LASTING_INTEREST = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A job with its two lists of stages."""

    id: UUID
    title: str
    department: Department
    location: str
    recruiter: str
    stages: tuple[str, ...]
    later_stages: tuple[str, ...]
    stages_change_at: datetime

    def stages_at(self, moment: datetime) -> tuple[str, ...]:
        """The stages that the job has at that moment."""
        return self.stages if moment < self.stages_change_at else self.later_stages


@dataclass(frozen=True, slots=True, eq=False)
class Vacancy:
    """One time in which a job is open; a job that is opened again has two."""

    job: Job
    opens_at: datetime
    closes_at: datetime

    @property
    def decisions_end(self) -> datetime:
        """From when on whoever is still in the pipeline is let go."""
        return self.closes_at - NO_DECISIONS

    def accepts(self, moment: datetime) -> bool:
        """Whether people may apply at any time of this day."""
        return self.opens_at.date() < moment.date() < (self.closes_at - NO_APPLICATIONS).date()

    def attraction(self, moment: datetime) -> float:
        """How many people it draws in comparison with others: most when it is new."""
        age = (moment - self.opens_at) / timedelta(days=1)
        return LASTING_INTEREST + exp(-age / INTEREST_FADES)


class Jobs:
    """All jobs of a company, and which of them someone may choose on a day."""

    def __init__(self, candidates: int, rng: Random, begins: datetime, until: datetime) -> None:
        self.count = min(MOST, FEWEST + isqrt(candidates) // 4)
        self._openings = min(10_000, 2 + candidates // (8 * self.count))
        self._rng, self._begins, self._until = rng, begins, until
        departments = rng.sample(DEPARTMENTS, len(DEPARTMENTS))
        titles = {each: rng.sample(each.titles, len(each.titles)) for each in departments}
        self._vacancies: list[Vacancy] = []
        self._steps: list[Step] = []
        for number in range(self.count):
            department = departments[number % len(departments)]
            self._plan(number, department, titles[department][number // len(departments)])
        self._steps.sort(key=lambda step: step.metadata.occurred_at)
        self._on: dict[int, tuple[list[Vacancy], list[float]]] = {}

    def steps(self) -> Iterator[Step]:
        """What happens to the jobs, in order of time."""
        return iter(self._steps)

    def choose(self, moment: datetime, rng: Random) -> Vacancy:
        """A job that takes applications on that day; new ones are chosen more often."""
        vacancies, weights = self._open_on(moment)
        return rng.choices(vacancies, cum_weights=weights)[0]

    def another(self, moment: datetime, rng: Random, job: Job) -> Vacancy | None:
        """A different job, of the same department where there is one."""
        others = [each for each in self._open_on(moment)[0] if each.job is not job]
        near = [each for each in others if each.job.department is job.department]
        return rng.choice(near or others) if others else None

    def _open_on(self, moment: datetime) -> tuple[list[Vacancy], list[float]]:
        day = moment.toordinal()
        if day not in self._on:
            vacancies = [each for each in self._vacancies if each.accepts(moment)]
            weights = accumulate(each.attraction(moment) for each in vacancies)
            self._on[day] = vacancies, list(weights)
        return self._on[day]

    def _plan(self, number: int, department: Department, title: str) -> None:
        opens_at = self._later(self._begins, *self._opening_days(number))
        stages = department.stages
        job = Job(
            id=random_uuid(self._rng),
            title=title,
            department=department,
            location=self._rng.choice(LOCATIONS),
            recruiter=self._rng.choice(RECRUITERS),
            stages=stages,
            later_stages=(*stages[:-1], ADDED_STAGE, stages[-1]),
            stages_change_at=self._later(opens_at, 60, 120) if number in CHANGING else NEVER,
        )
        opening = OpenJob(
            title=title,
            department=department.name,
            location=job.location,
            openings=self._openings,
            stages=stages,
            hiring_managers=(department.manager,),
        )
        self._happens(job, opening, opens_at, "Approved in the headcount plan")
        if number in CHANGING:
            change = ChangeStages(stages=job.later_stages)
            self._happens(job, change, job.stages_change_at, "Interviewers asked for it")
        if number == EVERGREEN:
            self._vacancies.append(Vacancy(job, opens_at, NEVER))
            return
        closes_at = self._is_open(job, opens_at)
        if number % 3 == 1:
            reopens_at = self._later(closes_at, 45, 90)
            self._happens(job, ReopenJob(), reopens_at, "More headcount was approved")
            self._is_open(job, reopens_at)

    def _opening_days(self, number: int) -> tuple[float, float]:
        if number < FIRST_JOBS:
            return 0.1, 4.0
        first = CANDIDATES_COME / timedelta(days=1)
        last = (self._until - NEWEST_AGE - self._begins) / timedelta(days=1)
        day = first + (last - first) * (number - FIRST_JOBS + 1) / (self.count - FIRST_JOBS)
        return day - 5, day

    def _is_open(self, job: Job, opens_at: datetime) -> datetime:
        closes_at = self._later(opens_at, 240, 360)
        self._vacancies.append(Vacancy(job, opens_at, closes_at))
        self._happens(job, CloseJob(), closes_at, self._rng.choice(words.CLOSING))
        return closes_at

    def _later(self, moment: datetime, low: float, high: float) -> datetime:
        seconds = int(self._rng.uniform(low, high) * DAY)
        return in_working_hours(moment + timedelta(seconds=seconds), self._rng)

    def _happens(self, job: Job, intent: Intent, moment: datetime, reason: str) -> None:
        metadata = Metadata(
            actor=job.recruiter,
            on_behalf_of=job.department.manager,
            reason=reason,
            command_id=random_uuid(self._rng),
            occurred_at=moment,
            recorded_at=moment,
            provenance=PROVENANCE,
        )
        self._steps.append(Step(job.id, intent, metadata))
