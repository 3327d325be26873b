"""Random logs of several candidates and jobs: accepted commands, and facts that break rules.

Things are recorded in another order than they happened in, and positions have gaps.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID, uuid5

from hypothesis import strategies as st
from msgspec import structs

from domain import job as jobs
from domain.candidate import decisions, state
from domain.candidate import intents as i
from domain.candidate.rules import Known
from domain.candidate.state import Candidate
from domain.erasure import EVERY_PURPOSE, Erase
from domain.errors import Refusal
from domain.job import ChangeHiringManagers, ChangeStages, CloseJob, OpenJob, ReopenJob
from domain.recorded import Happened, Metadata, Recorded
from domain.values import Channel, ConsentPurpose
from domain.verdict import keep_and_mark, refuse_or_record
from tests.scenario import day

PEOPLE = [UUID(int=number) for number in (1, 2, 3)]
JOBS = [UUID(int=number) for number in (11, 12)]
STAGES = ("A", "B", "C")
ERASURES = (EVERY_PURPOSE, EVERY_PURPOSE[:1], EVERY_PURPOSE[1:])

# What a candidate's step can be, by one of their applications and a number that picks details.
CANDIDATE_INTENTS: tuple[Callable[[UUID, int], i.Intent], ...] = (
    lambda _, n: i.Source(source=f"source {n}", name=f"name {n}" if n else None),
    lambda a, n: i.ApplyAs(
        job_id=JOBS[n % 2], source="site", application_id=a, stage=STAGES[n % 3]
    ),
    lambda _, n: i.Apply(job_id=JOBS[n % 2], source="site", name=f"name {n}"),
    lambda a, n: i.Advance(application_id=a, to_stage=STAGES[n % 3]),
    lambda a, n: i.Advance(application_id=a, to_stage=STAGES[n % 3]),
    lambda a, n: i.MakeOffer(application_id=a, supersedes=(None, None, 1, 2)[n]),
    lambda a, n: i.MakeOffer(application_id=a, supersedes=(None, None, 1, 2)[n]),
    lambda a, n: i.AcceptOffer(application_id=a, offer_version=(None, None, 1, 2)[n]),
    lambda a, n: i.DeclineOffer(application_id=a, offer_version=(None, None, 1, 2)[n]),
    lambda a, _: i.Hire(application_id=a),
    lambda a, _: i.Reject(application_id=a),
    lambda a, n: i.Reinstate(application_id=a, stage=(*STAGES, None)[n]),
    lambda a, _: i.Withdraw(application_id=a),
    lambda a, n: i.ReturnToPool(pool=f"pool {n % 2}", application_id=a if n > 1 else None),
    lambda a, n: i.Contact(
        message_id=f"m{n}", channel=list(Channel)[n], application_id=None if n else a
    ),
    lambda _, n: i.Open(message_id=f"m{n}"),
    lambda _, n: i.Click(message_id=f"m{n}"),
    lambda _, n: i.Reply(message_id=f"m{n}" if n else None),
    lambda _, n: i.UpdateProfile(name=f"name {n}") if n else i.UpdateProfile(removed=("name",)),
    lambda a, n: i.Note(text="?", application_id=a if n else None),
    lambda a, n: i.Note(text="?") if n else Erase(erasure_id=a, purposes=ERASURES[a.int % 3]),
    lambda _, n: i.GrantConsent(purpose=list(ConsentPurpose)[n % 2]),
    lambda _, n: i.WithdrawConsent(purpose=list(ConsentPurpose)[n % 2]),
    lambda _, n: i.Unsubscribe(channel=(None, *Channel)[n]),
)
JOB_INTENTS: tuple[Callable[[int], i.Intent], ...] = (
    lambda n: OpenJob(title=f"job {n}", stages=STAGES[: n % 3 + 1]),
    lambda n: ChangeStages(stages=STAGES[n % 3 :]),
    lambda n: ChangeHiringManagers(hiring_managers=("kim", "lee")[: n % 3]),
    lambda _: CloseJob(),
    lambda _: ReopenJob(),
)


@dataclass(frozen=True)
class Step:
    """Something that is asked for: by whom or for what, what, when, and whether it is a fact."""

    stream: UUID
    intent: i.Intent
    at: int
    is_fact: bool


def step(salt: int, seed: int, *, may_be_fact: bool) -> Step:
    """A step that two numbers pick: hypothesis repeats single ones too often for varied logs."""
    pick = Random(f"{salt} {seed}")
    at, is_fact = pick.randrange(90), may_be_fact and pick.random() < 0.5
    if pick.random() < 0.08:
        return Step(pick.choice(JOBS), pick.choice(JOB_INTENTS)(pick.randrange(4)), at, is_fact)
    person = pick.choice(PEOPLE)
    application = application_of(person, pick.choice((1, 1, 2)))
    return Step(person, pick.choice(CANDIDATE_INTENTS)(application, pick.randrange(4)), at, is_fact)


def application_of(person: UUID, number: int) -> UUID:
    """An id of the person's applications, also the one of an applied that is event `number`."""
    return uuid5(person, f"application {number}")


SEEDS = st.integers(0, 2**32)


@st.composite
def steps(draw: st.DrawFn, *, facts: bool, at_most: int) -> list[Step]:
    """Lists of all lengths alike; left to itself hypothesis makes mostly short ones."""
    salt, size = draw(SEEDS), draw(st.integers(0, at_most))
    seeds = draw(st.lists(SEEDS, min_size=size, max_size=size))
    return [step(salt, seed, may_be_fact=facts) for seed in seeds]


def consequences(
    asked: Step, recorded: Sequence[Recorded]
) -> tuple[int, Iterable[Refusal | Happened]]:
    """The version of the step's stream and what follows from its intent."""
    history = [each for each in recorded if each.originator_id == asked.stream]
    if asked.stream in JOBS:
        return len(history), jobs.consequences(jobs.fold(None, history), asked.intent)
    candidate = state.fold(None, history) or Candidate(id=asked.stream)
    job_id = decisions.concerned_job(candidate, asked.intent)
    job = jobs.fold(None, [each for each in recorded if each.originator_id == job_id])
    known = Known(candidate, job, day(asked.at))
    return len(history), decisions.consequences(known, asked.intent)


def take(asked: Step, recorded: Sequence[Recorded], *, as_fact: bool) -> list[Recorded]:
    """The events of the step on top of the log; raises the broken rule unless it is a fact."""
    metadata = Metadata(
        actor=f"actor {asked.at % 3}",
        command_id=UUID(int=len(recorded)),
        occurred_at=day(asked.at),
        recorded_at=day(100 + len(recorded)),
    )
    version, follows = consequences(asked, recorded)
    decide = keep_and_mark if as_fact else refuse_or_record
    return decide(asked.stream, version, follows, metadata)


# Every log begins with the jobs and with two people who have applied; the third is not on record.
OPENINGS = [
    *(Step(job_id, OpenJob(title="Engineer", stages=STAGES), 0, is_fact=False) for job_id in JOBS),
    *(
        Step(person, CANDIDATE_INTENTS[1](application_of(person, 1), 0), 1, is_fact=False)
        for person in PEOPLE[:2]
    ),
]


def logged(asked: Iterable[Step]) -> list[Recorded]:
    """The log after these steps, without commands that were refused; positions have gaps."""
    recorded: list[Recorded] = []
    for each in [*OPENINGS, *asked]:
        try:
            recorded += take(each, recorded, as_fact=each.is_fact)
        except Refusal:
            continue
    return placed(recorded)


def of_the_erased() -> list[Recorded]:
    """Facts of people who are erased: one whose application goes on, and one who is hired."""
    one, two = PEOPLE[:2]
    first, second = (application_of(one, number) for number in (1, 2))
    offered = application_of(two, 2)
    asked: list[tuple[UUID, i.Intent]] = [
        *((person, Erase(erasure_id=person, purposes=EVERY_PURPOSE)) for person in (one, two)),
        (one, i.ApplyAs(job_id=JOBS[1], source="site", application_id=second, stage="A")),
        (one, i.Reinstate(application_id=first, stage="B")),
        (one, i.Advance(application_id=first, to_stage="C")),
        (one, i.ReturnToPool(pool="pool 0")),
        (two, i.MakeOffer(application_id=offered)),
        (two, i.Hire(application_id=application_of(two, 3))),
    ]
    return logged(
        Step(person, intent, 10 + number, is_fact=number > 1)
        for number, (person, intent) in enumerate(asked)
    )


def placed(recorded: Iterable[Recorded]) -> list[Recorded]:
    return [structs.replace(each, position=3 * number) for number, each in enumerate(recorded, 1)]


LOGS = steps(facts=True, at_most=60).map(logged)
STEPS = st.builds(step, SEEDS, SEEDS, may_be_fact=st.just(value=True))
LAWFUL_LOGS = steps(facts=False, at_most=100).map(logged)
