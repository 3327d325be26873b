"""Knows how far the read models and the log are, and wakes whoever waits for a position.

One thread of a process listens for all of its waiters; the database is asked at most once for each
wave of notifications, and once a second for those that were missed.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

import psycopg
import structlog

LOG = "the log"  # stands for what is appended, beside the names of the read models
LISTEN = "LISTEN hirelog_projected"
LISTEN_TO_LOG = "LISTEN hirelog_events"
POSITIONS = """
SELECT model, position FROM read_models.builds WHERE state = 'live'
 UNION ALL
SELECT 'the log', max(notification_id) FROM hirelog.events HAVING max(notification_id) > 0
"""
POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.005  # between two looks, however many notifications there are

logger = structlog.get_logger()


@dataclass(eq=False)
class _Waiter:
    models: Collection[str]
    position: int
    loop: asyncio.AbstractEventLoop
    woken: "asyncio.Future[None]"

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class Watch:
    """The positions of the live read models and of the log as this process knows them, at least."""

    def __init__(self, conninfo: str, switched: Callable[[], None] = lambda: None) -> None:
        """Calls `switched` when other tables have become the live ones."""
        self._conninfo = conninfo
        self._switched = switched
        self._positions: dict[str, int] = {}
        self._waiters: set[_Waiter] = set()
        self._is_followed = False  # nobody is told of each append until somebody wants to know
        self._lock = Lock()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ends within a moment; waiters are left to their limits."""
        self._stop.set()
        self._thread.join()

    def position(self, models: Collection[str]) -> int:
        """The last event that all of these read models reflect, as far as is known."""
        return min((self._positions.get(model, 0) for model in models), default=0)

    async def reached(self, models: Collection[str], position: int, seconds: float) -> bool:
        """Waits until these read models, or LOG, reflect `position`, no longer than `seconds`.

        False when they do not yet.
        """
        self._is_followed = self._is_followed or LOG in models
        loop = asyncio.get_running_loop()
        waiter = _Waiter(models, position, loop, loop.create_future())
        with self._lock:
            if self.position(models) >= position:
                return True
            self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter.woken, seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiters.discard(waiter)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    connection.execute(LISTEN)
                    self._switched()  # that may have been told while nobody listened
                    self._follow(connection)
            except psycopg.Error as error:
                logger.warning("watch lost the database", error=type(error).__name__)
                self._stop.wait(POLL_SECONDS)

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        self._look(connection)
        listens_to_log = False
        while not self._stop.is_set():
            if self._is_followed and not listens_to_log:
                connection.execute(LISTEN_TO_LOG)
                listens_to_log = True
                self._look(connection)  # what came before that was not told
            told = list(connection.notifies(timeout=POLL_SECONDS / 4, stop_after=1))
            if any(notification.payload == "switched" for notification in told):
                self._switched()
            self._look(connection)
            time.sleep(PAUSE_SECONDS)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        positions = dict(connection.execute(POSITIONS, prepare=True).fetchall())
        with self._lock:
            self._positions = positions
            reached = [
                each for each in self._waiters if self.position(each.models) >= each.position
            ]
        for waiter in reached:
            with suppress(RuntimeError):  # its loop has ended
                waiter.loop.call_soon_threadsafe(waiter.wake)
