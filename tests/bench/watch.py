"""Watches, in a process of its own, how far the read models are: when each position was visible."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import psycopg

POLL_SECONDS = 0.001

Seen = list[tuple[float, int]]  # when a position was first seen to be visible, in order


def visible(connection: psycopg.Connection[Any]) -> int:
    """The position that every read model has reached. Cheaper than status(), which counts more."""
    row = connection.execute(
        "SELECT min(position) FROM read_models.builds WHERE state = 'live'", prepare=True
    ).fetchone()
    assert row is not None
    return int(row[0])


class Watcher:
    """The other end of the process that watches."""

    def __init__(self, pipe: "Connection[int, Seen]") -> None:
        self._pipe = pipe

    def seen_until(self, position: int, patience: float) -> Seen:
        """All that was seen since the last call, once `position` is visible."""
        self._pipe.send(position)
        if not self._pipe.poll(patience):
            raise TimeoutError(f"no projector gets to position {position}")
        return self._pipe.recv()


@contextmanager
def watching(conninfo: str) -> Iterator[Watcher]:
    """Watches meanwhile. Times are time.monotonic(), which the processes of a machine share."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_watch, args=(conninfo, theirs), daemon=True)
    process.start()
    theirs.close()  # so that its end would be noticed
    ours.recv()  # it is connected
    try:
        yield Watcher(ours)
    finally:
        process.terminate()
        process.join()
        ours.close()


def _watch(conninfo: str, pipe: "Connection[Seen, int]") -> None:
    seen: Seen = []
    wanted: int | None = None
    with psycopg.connect(conninfo, autocommit=True) as connection:
        pipe.send([])
        while True:
            position, when = visible(connection), time.monotonic()
            if not seen or position > seen[-1][1]:
                seen.append((when, position))
            if wanted is None and pipe.poll():
                wanted = pipe.recv()
            if wanted is not None and position >= wanted:
                pipe.send(seen)
                seen, wanted = [], None
            time.sleep(POLL_SECONDS)
