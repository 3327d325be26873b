"""A process that may remember personal values: it says that it lives, and forgets when it is told.

It registers before it reads the first key. So whoever destroys a key and then looks who is there
finds every process that may know it. One that lost touch forgets everybody when it is back.
"""

import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from eventsourcing.persistence import PersistenceError

LOOK_SECONDS = 1.0  # how long a missed notification can stay unnoticed
BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 60.0

REGISTER = "INSERT INTO hirelog.processes (process_id, host, pid) VALUES (%s, %s, %s)"
BEAT = "UPDATE hirelog.processes SET seen_at = now() WHERE process_id = %s RETURNING pid"
LEAVE = "DELETE FROM hirelog.processes WHERE process_id = %s"
TO_FORGET = """
SELECT erasure_id, candidate_id
  FROM hirelog.erasure_holders
  JOIN hirelog.erasures USING (erasure_id)
 WHERE holder = %s AND erasure_holders.state = 'pending'
"""
ACKNOWLEDGE = """
UPDATE hirelog.erasure_holders SET state = 'acknowledged', changed_at = now()
 WHERE erasure_id = %s AND holder = %s
"""

log = structlog.get_logger()


class Presence:
    """This process, as the table of processes has it."""

    def __init__(
        self,
        conninfo: str,
        forget: Callable[[UUID], None],
        forget_all: Callable[[], None],
        tick: Callable[[], object] | None = None,
    ) -> None:
        """Calls `forget` for whoever was erased, `tick` about every second."""
        self.process_id = uuid4()
        self._conninfo = conninfo
        self._forget = forget
        self._forget_all = forget_all
        self._tick = tick
        self._stop = Event()
        self._ear, self._mouth = socket.socketpair()
        self._thread = Thread(target=self._run, name="presence", daemon=True)
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def holder(self) -> str:
        """Its name among the holders of an erasure."""
        return f"process:{self.process_id}"

    def start(self) -> None:
        """Registers, and begins to listen. Raises psycopg.Error."""
        self._connection = self._register()
        self._thread.start()

    def stop(self) -> None:
        """Ends at once and takes its name off the list: nothing is remembered any more."""
        self._stop.set()
        self._mouth.send(b".")
        self._thread.join()
        self._ear.close()
        self._mouth.close()

    def _register(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._conninfo, autocommit=True)
        with ExitStack() as undo:
            undo.callback(connection.close)
            connection.execute("LISTEN hirelog_erased")
            if connection.execute(BEAT, (self.process_id,)).fetchone() is None:
                connection.execute(REGISTER, (self.process_id, socket.gethostname(), os.getpid()))
            undo.pop_all()
        return connection

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._connection is None:
                    self._connection = self._register()
                    self._forget_all()  # whatever was told while nobody listened
                with self._connection as connection:
                    self._listen(connection)
                    connection.execute(LEAVE, (self.process_id,))
            except Exception as error:  # noqa: BLE001  # nobody would start the thread again
                log.warning("presence lost the database", error=type(error).__name__)
                self._stop.wait(LOOK_SECONDS)
            finally:
                self._connection = None

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        next_look = next_beat = time.monotonic()
        while not self._stop.is_set():
            seconds = max(0, next_look - time.monotonic())
            select.select([connection.fileno(), self._ear.fileno()], [], [], seconds)
            told = {UUID(each.payload) for each in connection.notifies(timeout=0)}
            for candidate_id in told:
                self._let_go(candidate_id)
            now = time.monotonic()
            if now >= next_beat:
                next_beat = now + BEAT_SECONDS
                if connection.execute(BEAT, (self.process_id,)).fetchone() is None:
                    raise psycopg.OperationalError("taken for dead")
            if told or now >= next_look:
                next_look = now + LOOK_SECONDS
                self._acknowledge(connection)
                self._do_tick()

    def _acknowledge(self, connection: psycopg.Connection[Any]) -> None:
        for erasure_id, candidate_id in connection.execute(TO_FORGET, (self.holder,)).fetchall():
            if self._let_go(candidate_id):
                connection.execute(ACKNOWLEDGE, (erasure_id, self.holder))

    def _let_go(self, candidate_id: UUID) -> bool:
        try:
            self._forget(candidate_id)
        except PersistenceError:
            return False  # a command on the candidate takes long; the next look tries again
        return True

    def _do_tick(self) -> None:
        if self._tick is None:
            return
        try:
            self._tick()
        except Exception as error:  # noqa: BLE001  # the next look tries again
            log.warning("erasures wait", error=type(error).__name__)
