"""Records what happens when many send commands for few candidates at once, and has it judged."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

from api.wiring import System
from domain.candidate import intents as i
from domain.errors import Refusal
from domain.job import OpenJob
from domain.recorded import Metadata, Recorded
from domain.values import NAMESPACE
from tests.bench.bench import bench, opened
from tests.scenario import by
from tests.torture.checker import Attempt, faults
from tests.torture.report import report, say

PROCESSES = 2
THREADS = 4  # in each
CANDIDATES = 3  # in each round
ROUND_SECONDS = 1.0
START_SECONDS = 5.0  # for the processes to be there
AGAIN = 0.15  # of the commands are sent again
STAGES = ("A", "B", "C")
JOB = uuid5(NAMESPACE, "job of the histories")


def run(rounds: int) -> bool:
    """Whether all went well; prints what happened."""
    with bench(0, 0, quiet=True) as shared:
        say(f"{PROCESSES * THREADS} threads contend for {CANDIDATES} candidates, {rounds} times")
        recruiting = shared.system.recruiting
        recruiting.record_job(JOB, OpenJob(title="Analyst", stages=STAGES), by())
        job = recruiting.job(JOB)
        # All processes of a machine have this clock in common.
        start = time.monotonic_ns() + round(START_SECONDS * 1e9)
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            working = [
                pool.submit(_attempt, shared.data_dir, start, rounds) for _ in range(PROCESSES)
            ]
            attempts = [attempt for each in working for attempt in each.result()]
        people = [_candidate(n, place) for n in range(rounds) for place in range(CANDIDATES)]
        streams: dict[UUID, list[Recorded]] = {each: [] for each in people}
        for recorded in recruiting.histories(people):
            streams[recorded.originator_id].append(recorded)
    wrong = faults(attempts, streams, {JOB: job})
    refused = Counter(each.outcome for each in attempts if isinstance(each.outcome, str))
    happened = Counter(
        rounds=rounds,
        attempts=len(attempts),
        events=sum(map(len, streams.values())),
        refused=refused.total(),
        faults=len(wrong),
    )
    happened["sent again"] = len(attempts) - len({each.command for each in attempts})
    names = ("rounds", "attempts", "sent again", "events", "refused", "faults")
    well = report(happened, names, wrong)
    say("refused with " + ", ".join(f"{code} {n}" for code, n in refused.most_common()))
    return well and happened["events"] > 0


def _candidate(number: int, place: int) -> UUID:
    return uuid5(NAMESPACE, f"histories {number} {place}")


def _attempt(data_dir: Path, start: int, rounds: int) -> list[Attempt]:
    with opened(data_dir) as system, ThreadPoolExecutor(THREADS) as threads:
        working = [threads.submit(_contend, system, start, rounds) for _ in range(THREADS)]
        return [attempt for each in working for attempt in each.result()]


def _contend(system: System, start: int, rounds: int) -> list[Attempt]:
    """Random commands for the candidates of the round that it is time for."""
    pick, attempts = Random(), list[Attempt]()
    time.sleep(max(0, start - time.monotonic_ns()) / 1e9)
    while (number := int((time.monotonic_ns() - start) / 1e9 / ROUND_SECONDS)) < rounds:
        if attempts and pick.random() < AGAIN:
            earlier = pick.choice(attempts[-10:])
            sent = (earlier.candidate, earlier.intent, earlier.metadata)
            attempts.append(_send(system, *sent, begin=earlier.begin))
        else:
            candidate = _candidate(number, pick.randrange(CANDIDATES))
            intent = pick.choice(INTENTS)(pick, candidate)
            begin = intent.BEGINS and pick.random() < 0.2
            attempts.append(_send(system, candidate, intent, by(), begin=begin))
    return attempts


def _send(
    system: System, candidate: UUID, intent: i.Intent, metadata: Metadata, *, begin: bool
) -> Attempt:
    outcome: tuple[tuple[int, int], ...] | str
    invoked = time.monotonic_ns()
    try:
        events = system.recruiting.record(candidate, intent, metadata, begin=begin).events
        outcome = tuple((each.originator_version, each.position) for each in events)
    except Refusal as refusal:
        outcome = refusal.code
    answered = time.monotonic_ns()
    return Attempt(candidate, intent, metadata, begin, invoked, answered, outcome)


def _application(pick: Random, candidate: UUID) -> UUID:
    return uuid5(candidate, f"application {pick.randrange(2)}")


def _message(pick: Random) -> str:
    return f"m{pick.randrange(6)}"


# Few different ones of each kind, so that they stand in each other's way.
INTENTS: tuple[Callable[[Random, UUID], i.Intent], ...] = (
    lambda pick, _: i.Source(source=f"Fair {pick.randrange(4)}"),
    lambda pick, who: i.ApplyAs(
        job_id=JOB, source="Mail", application_id=_application(pick, who), name="Ada"
    ),
    lambda pick, who: i.Advance(
        application_id=_application(pick, who), to_stage=pick.choice(STAGES)
    ),
    lambda pick, who: i.MakeOffer(application_id=_application(pick, who)),
    lambda pick, who: i.AcceptOffer(application_id=_application(pick, who)),
    lambda pick, who: i.DeclineOffer(application_id=_application(pick, who)),
    lambda pick, who: i.Hire(application_id=_application(pick, who)),
    lambda pick, who: i.Reject(application_id=_application(pick, who)),
    lambda pick, who: i.Withdraw(application_id=_application(pick, who)),
    lambda pick, who: i.Reinstate(application_id=_application(pick, who)),
    lambda pick, who: i.ReturnToPool(pool="Silver", application_id=_application(pick, who)),
    lambda pick, _: i.ReturnToPool(pool=f"Pool {pick.randrange(2)}"),
    lambda pick, _: i.Contact(message_id=_message(pick), channel="email"),
    lambda pick, _: i.Open(message_id=_message(pick)),
    lambda pick, _: i.Reply(message_id=_message(pick)),
    lambda _, __: i.Unsubscribe(),
    lambda _, __: i.GrantConsent(purpose="outreach"),
    lambda _, __: i.WithdrawConsent(purpose="retention"),
    lambda _, __: i.GrantConsent(purpose="retention"),
    lambda pick, _: i.UpdateProfile(name=f"Ada {pick.randrange(3)}"),
    lambda _, __: i.Note(text="Kind."),
)
