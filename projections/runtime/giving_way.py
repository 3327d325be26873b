"""Rests after a step of a rebuild while others append, so that they keep most of their rate."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from projections.runtime import log

BUSY = 50  # events appended in a second
REST = 1.0  # of the time that the step took

Rest = Callable[[psycopg.Connection[Any], float], None]


@contextmanager
def giving_way(connection: psycopg.Connection[Any], rest: Rest) -> Iterator[None]:
    """Around a step; `rest` waits for so many seconds, if it came to much in the way of others.

    What takes the processors from whoever appends then does so for half of the time.
    """
    before, began = log.head(connection), time.monotonic()
    yield
    seconds = time.monotonic() - began
    if log.head(connection) - before > BUSY * seconds:
        rest(connection, REST * seconds)
