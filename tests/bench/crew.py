"""Writers in processes of their own, one in each, that live through a whole benchmark."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.bench import opened
from tests.bench.contenders import contenders
from tests.bench.writers import START_SECONDS, Laps, write

Order = tuple[str, float, float]  # which contender, from when, until when


class Crew:
    """The other end of the processes."""

    def __init__(self, pipes: "Sequence[Connection[Order | None, Laps]]") -> None:
        self._pipes = pipes

    def write(self, contender: str, seconds: float) -> tuple[float, Sequence[Laps]]:
        """One round. Times are time.monotonic(), which the processes of a machine share."""
        begin = time.monotonic() + START_SECONDS
        for pipe in self._pipes:
            pipe.send((contender, begin, begin + seconds))
        return begin, [pipe.recv() for pipe in self._pipes]


@contextmanager
def crew(data_dir: Path, processes: int) -> Iterator[Crew]:
    """So many processes, ready to write; the contenders' tables must be there."""
    context = get_context("spawn")
    pairs = [context.Pipe() for _ in range(processes)]
    members = [
        context.Process(target=_work, args=(data_dir, theirs), daemon=True) for _, theirs in pairs
    ]
    for member, (_, theirs) in zip(members, pairs, strict=True):
        member.start()
        theirs.close()  # so that its end would be noticed
    pipes = [ours for ours, _ in pairs]
    for pipe in pipes:
        pipe.recv()  # it is ready
    try:
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for member in members:
            member.join()


def _work(data_dir: Path, pipe: "Connection[Laps | None, Order | None]") -> None:
    with opened(data_dir) as system, contenders(system, writers=1) as ways:
        pipe.send(None)
        while order := pipe.recv():
            contender, begin, end = order
            pipe.send(write(ways[contender], begin, end))
