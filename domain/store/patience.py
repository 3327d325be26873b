"""Tries again what failed because a connection was lost, for it may be there again."""

from collections.abc import Callable
from functools import wraps
from time import sleep
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.postgres import PostgresDatastore
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import PoolTimeout

RETRY_WAITS = (0.05, 0.2, 0.8)  # seconds

LOST = (InterfaceError, OperationalError)
TOO_SLOW = (PoolTimeout, QueryCanceled, LockNotAvailable)


class HasDatastore(Protocol):
    """What reads from the database."""

    datastore: PostgresDatastore


S = TypeVar("S", bound=HasDatastore)
P = ParamSpec("P")
R = TypeVar("R")


def is_lost(error: Exception) -> bool:
    """Whether the connection was lost, so that another one may do.

    Not where none could be had in the pool's time, nor where the database took too long: others
    wait behind this.
    """
    return isinstance(error, LOST) and not isinstance(error.__cause__, TOO_SLOW)


def wait(datastore: PostgresDatastore, seconds: float) -> None:
    """Waits, and has the pool take new connections in the place of all, which may be lost too."""
    sleep(seconds)
    datastore.pool.drain()


def patiently(
    read: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """The method, tried again a few times where its connection was lost."""

    @wraps(read)
    def trying(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        for seconds in RETRY_WAITS:
            try:
                return read(self, *args, **kwargs)
            except LOST as error:
                if not is_lost(error):
                    raise
                wait(self.datastore, seconds)
        return read(self, *args, **kwargs)

    return trying
