"""What a command costs on a candidate with a long history, against one with a short one.

The same command by turns on both, in one process. The first on either is not counted, for it may
find what the others keep in memory; `first_on_long_stream_ms` tells what it took.
"""

import time
from statistics import median
from uuid import UUID, uuid4

from domain.candidate.intents import Note, Source
from domain.intake import Intake
from domain.recruiting import Recruiting
from tests.bench.bench import Bench
from tests.bench.contenders import NOTE
from tests.bench.writers import metadata

LONG, SHORT = 10_000, 10  # interactions
SHORT_ONES = 5  # so that a short history stays short
TURNS = 10  # on each of them


def measure(bench: Bench) -> dict[str, float]:
    """Medians in milliseconds; a history is never longer than the bench's log is asked to be."""
    recruiting = bench.system.recruiting
    long = _with_history(recruiting, min(LONG, bench.events))
    first = _timed(recruiting, long)
    longs: list[float] = []
    shorts: list[float] = []
    for _ in range(SHORT_ONES):
        short = _with_history(recruiting, SHORT)
        _timed(recruiting, short)
        for _ in range(TURNS):
            longs.append(_timed(recruiting, long))
            shorts.append(_timed(recruiting, short))
    return {
        "long_stream_ms": round(median(longs), 3),
        "short_stream_ms": round(median(shorts), 3),
        "first_on_long_stream_ms": round(first, 3),
    }


def _with_history(recruiting: Recruiting, interactions: int) -> UUID:
    candidate = uuid4()
    intake = Intake(recruiting)
    intake.command(candidate, Source(source="Conference", name="Ada Ruiz"), metadata())
    for _ in range(interactions - 1):
        intake.command(candidate, Note(text=NOTE), metadata())
    intake.flush()
    return candidate


def _timed(recruiting: Recruiting, candidate: UUID) -> float:
    command = metadata()
    before = time.monotonic()
    recruiting.record(candidate, Note(text=NOTE), command)
    return 1_000 * (time.monotonic() - before)
