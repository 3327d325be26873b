"""Appends from 16 writers while one follows by position: nothing may be missed or out of order.

The same check must find missed events once the lock that orders the appends is taken out.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from random import Random
from uuid import UUID, uuid4, uuid5

import psycopg

from api.database import embedded
from api.wiring import System
from domain.candidate.intents import Contact, Intent, Open, Reply, Source
from domain.errors import ConcurrentChange
from domain.intake import Intake
from domain.values import NAMESPACE
from tests.bench.bench import Bench, bench, opened
from tests.scenario import by
from tests.torture.following import Follower, faults, whole_log
from tests.torture.report import report, say

PROCESSES = 2
WRITERS = 8  # threads in each process
LARGEST_GROUP = 200
SINGLE = 0.07  # of the events come one by one, the others in groups
SHARED = [uuid5(NAMESPACE, f"order {number}") for number in range(200)]
EVENTS_A_CANDIDATE = 8

UNLOCKED_EVENTS = 8_000
UNLOCKED_TRIES = 5

FAULTS = ("missed", "invented", "out of order", "gaps", "wrong versions")


def run(events: int) -> bool:
    """Whether all went well; prints what happened."""
    with bench(0, 0, quiet=True) as shared:
        say(f"{PROCESSES * WRITERS} writers append {events} events while one follows them")
        happened = followed(shared, events)
        wrong = [f"{happened[name]} {name}" for name in FAULTS if happened[name]]
        if happened["events"] < events:
            wrong.append(f"only {happened['events']} events are on record")
        well = report(happened, ("events", "seen", "streams", "seconds", *FAULTS), wrong)
    return unlocked() and well


def unlocked() -> bool:
    """Whether the same check finds missed events in a log whose appends are not ordered."""
    happened = Counter[str]()
    with bench(0, 0, quiet=True) as shared:
        say("the same without the lock: the check must find events that were missed")
        take_out_the_lock(shared.data_dir)
        while not happened["missed"] and happened["tries"] < UNLOCKED_TRIES:
            happened += followed(shared, UNLOCKED_EVENTS) + Counter(tries=1)
    wrong = [] if happened["missed"] else ["nothing was missed without the lock: a blind check"]
    return report(happened, ("tries", "events", "seen", "missed"), wrong)


def followed(shared: Bench, events: int) -> Counter[str]:
    """What a reader that follows meanwhile makes of so many more events."""
    last, conninfo, began = shared.head(), shared.system.conninfo, time.monotonic()
    follower = Follower(conninfo, last)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        share = events // PROCESSES
        for done in [pool.submit(_write, shared.data_dir, share) for _ in range(PROCESSES)]:
            done.result()
    seen = follower.stop()
    log = whole_log(conninfo, last)
    happened = faults(seen, log, last + 1)
    happened["events"], happened["seen"] = len(log), len(seen)
    happened["streams"] = len({stream for _, stream, _ in log})
    happened["seconds"] = round(time.monotonic() - began)
    return happened


def take_out_the_lock(data_dir: Path) -> None:
    """Lets appends pass each other: no lock, and positions that are given out before the commit."""
    with embedded(data_dir, create=False) as (owner, _), psycopg.connect(owner) as connection:
        found = connection.execute(
            "SELECT pg_get_functiondef('hirelog.append_group'::regproc)"
        ).fetchone()
        assert found
        lines = str(found[0]).splitlines()
        without = [line for line in lines if "pg_advisory_xact_lock" not in line]
        assert len(without) < len(lines), "the lock was not found where it should be"
        connection.execute("\n".join(without).encode())
        connection.execute("CREATE SEQUENCE hirelog.unordered")
        # A trigger, so that it does not matter how the function comes to its positions.
        connection.execute(
            "CREATE FUNCTION hirelog.take_a_position() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN NEW.notification_id = nextval('hirelog.unordered'); RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER take_a_position BEFORE INSERT ON hirelog.events"
            " FOR EACH ROW EXECUTE FUNCTION hirelog.take_a_position()"
        )


def _write(data_dir: Path, events: int) -> None:
    with opened(data_dir) as system, ThreadPoolExecutor(WRITERS) as threads:
        share = -(-events // WRITERS)
        for done in [threads.submit(_append, system, share) for _ in range(WRITERS)]:
            done.result()


def _append(system: System, events: int) -> None:
    """One writer: singles on candidates that all share, and groups of any size on its own."""
    pick = Random()
    singles = round(events * SINGLE)
    groups = _group_sizes(pick, events - singles)
    commands = _own_commands()
    intake = Intake(system.recruiting, group=LARGEST_GROUP + 1, remember=100)
    every = max(1, singles // max(1, len(groups)))
    for size in groups:
        group = [next(commands) for _ in range(size)]
        intake.expect({candidate for candidate, _ in group})
        for candidate, intent in group:
            intake.command(candidate, intent, by())
        intake.flush()
        for _ in range(min(every, singles)):
            _say_once(system, pick)
            singles -= 1
    for _ in range(singles):
        _say_once(system, pick)


def _group_sizes(pick: Random, events: int) -> list[int]:
    sizes = []
    while events:
        sizes.append(min(events, pick.randint(1, LARGEST_GROUP)))
        events -= sizes[-1]
    return sizes


def _own_commands() -> Iterator[tuple[UUID, Intent]]:
    while True:
        candidate = uuid4()
        yield candidate, Source(source="Fair")
        yield candidate, Contact(message_id="m1", channel="email")
        for number in range(EVENTS_A_CANDIDATE - 2):
            yield candidate, Open(message_id="m1") if number % 2 else Reply(message_id="m1")


def _say_once(system: System, pick: Random) -> None:
    while True:
        candidate = pick.choice(SHARED)
        intent = Source(source=str(uuid4()))  # one that is never refused, for it is new each time
        with suppress(ConcurrentChange):  # others were faster each time
            system.recruiting.record(candidate, intent, by())
            return
