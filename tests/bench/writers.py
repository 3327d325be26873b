"""Writers that append for a while, in threads or processes, and what that showed."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Protocol, TypeVar
from uuid import uuid4

from domain.recorded import Metadata
from domain.values import now

ROUNDS = 5  # short ones, so that what else the machine does meets all contenders alike
SHORTEST_SECONDS = 0.5  # of a round; there are fewer where there is no time for more
START_SECONDS = 0.15  # for all writers of a round to get ready

Command = Callable[[], object]
Key = TypeVar("Key")


class Contender(Protocol):
    """One way to append events."""

    def commands(self) -> Generator[Command, None, None]:
        """One writer's commands, for ever; each appends one event when it is called."""
        ...


@dataclass(frozen=True)
class Laps:
    """What one writer did: how long each command took, and when the last one returned."""

    commands: list[float]
    ended: float


@dataclass
class Found:
    """What all rounds of one contender showed."""

    rates: list[float] = field(default_factory=list)  # of each round, appends a second
    commands: list[float] = field(default_factory=list)  # seconds

    @property
    def per_second(self) -> float:
        """The median of the rounds."""
        return median(self.rates)

    def figures(self) -> dict[str, float]:
        """For programs."""
        ordered = sorted(self.commands)
        return {
            "appends_per_second": round(self.per_second, 1),
            "p50_ms": ms(ordered, 0.5),
            "p99_ms": ms(ordered, 0.99),
        }


Round = Callable[[float], tuple[float, Sequence[Laps]]]
"""Lets all writers of a crew append for so many seconds; returns when they began."""


def metadata() -> Metadata:
    """Of a command that is given now."""
    moment = now()
    return Metadata(
        actor="recruiter:bench", command_id=uuid4(), occurred_at=moment, recorded_at=moment
    )


def ms(ordered: Sequence[float], share: float) -> float:
    """The time that this share of the ordered ones, in seconds, does not exceed."""
    return round(1_000 * ordered[ceil(share * len(ordered)) - 1], 2)


def write(contender: Contender, begin: float, end: float) -> Laps:
    """One writer's commands from `begin` to `end`, at least one of them."""
    laps: list[float] = []
    with closing(contender.commands()) as commands:
        command = next(commands)  # connects, where the contender does that
        time.sleep(max(0.0, begin - time.monotonic()))
        while True:
            before = time.monotonic()
            command()
            after = time.monotonic()
            laps.append(after - before)
            if after >= end:
                return Laps(laps, after)
            command = next(commands)


def in_threads(contender: Contender, writers: int, seconds: float) -> tuple[float, Sequence[Laps]]:
    """One round by threads of this process."""
    begin = time.monotonic() + START_SECONDS
    with ThreadPoolExecutor(writers) as pool:
        writing = [pool.submit(write, contender, begin, begin + seconds) for _ in range(writers)]
        return begin, [each.result() for each in writing]


def interleaved(contenders: Mapping[Key, Round], seconds: float) -> dict[Key, Found]:
    """Lets all take their turns in every round, each for its share of the seconds.

    A first, short round warms up and does not count. Who begins changes from round to round.
    """
    rounds = max(1, min(ROUNDS, int(seconds / SHORTEST_SECONDS)))
    found = {key: Found() for key in contenders}
    for warming in contenders.values():
        warming(min(0.3, seconds / rounds))
    order = list(contenders)
    for _ in range(rounds):
        for key in order:
            begin, writers = contenders[key](seconds / rounds)
            commands = [lap for laps in writers for lap in laps.commands]
            elapsed = max(laps.ended for laps in writers) - begin
            found[key].rates.append(len(commands) / elapsed)
            found[key].commands += commands
        order.append(order.pop(0))
    return found
