"""The small process that owns the embedded server: it starts, restarts and at last stops it."""

import fcntl
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

import psutil

from domain.store.accounts import EmbeddedServerError
from domain.store.cluster import Cluster, is_alive

HOLDERS_LOCK = "holders.lock"
SUPERVISOR_LOCK = "supervisor.lock"

POLL = 0.1
LINGER = 1.0  # so that consecutive commands share one server
LONGEST_PAUSE = 5.0
FAST_SHUTDOWN_PATIENCE = 300.0


class Supervisor:
    """Keeps the server of a data directory up while anyone holds it."""

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._holders = (data_dir / HOLDERS_LOCK).open("ab")
        self._free_since: float | None = None
        self._told_to_stop = False
        self._server: psutil.Process | None = None

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        try:
            self._keep_up()
        finally:
            if self._server is not None:
                shut_down(self._server)
                self._cluster.remove_socket_dir()

    def _stop(self, *_: object) -> None:
        self._told_to_stop = True

    def _keep_up(self) -> None:
        was_ready = False
        pause = next_try = 0.0
        while not self._is_done():
            if self._server is not None and self._cluster.is_ready(self._server):
                was_ready, pause = True, 0.0
            if self._server is None or not is_alive(self._server):
                if self._gave_up() and not was_ready:
                    raise self._cluster.failure()
                if time.monotonic() >= next_try:
                    self._bring_up(must_work=not was_ready)
                    if self._server is not None:
                        pause = min(2 * pause + POLL, LONGEST_PAUSE)
                        next_try = time.monotonic() + pause
            time.sleep(POLL)

    def _gave_up(self) -> bool:
        """Whether the server ended by itself; one that was killed may well start next time."""
        return isinstance(self._server, psutil.Popen) and (self._server.poll() or 0) > 0

    def _bring_up(self, *, must_work: bool) -> None:
        try:
            self._server = self._cluster.bring_up()
        except (OSError, EmbeddedServerError):
            if must_work:
                raise
            traceback.print_exc()

    def _is_done(self) -> bool:
        """Whether to stop. If no one holds the server, newcomers are kept waiting from here on."""
        # When the data directory was deleted, a new one in its place is not ours to serve.
        if self._told_to_stop or os.fstat(self._holders.fileno()).st_nlink == 0:
            return True
        try:
            fcntl.flock(self._holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._free_since = None
            return False
        now = time.monotonic()
        self._free_since = self._free_since or now
        if now - self._free_since >= LINGER:
            return True
        fcntl.flock(self._holders, fcntl.LOCK_UN)
        return False


def shut_down(process: psutil.Process) -> None:
    """End sessions and stop; a server that cannot is told to drop everything, never killed."""
    deadline = time.monotonic() + FAST_SHUTDOWN_PATIENCE
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGINT)
        while is_alive(process):
            if time.monotonic() > deadline:
                process.send_signal(signal.SIGQUIT)
                deadline += FAST_SHUTDOWN_PATIENCE
            time.sleep(POLL)


def main() -> None:
    """Run as `-m domain.store.supervisor DATA_DIR`, with the supervisor's lock as an open file."""
    # The caller's child ends at once: its grandchild leaves it no zombie and takes no signal.
    if os.fork():
        os._exit(0)
    try:
        Supervisor(Path(sys.argv[1])).run()
    except Exception as error:  # noqa: BLE001 - whoever waits for the server must hear of it
        traceback.print_exc()
        known = isinstance(error, EmbeddedServerError)
        reason = str(error) if known else f"The supervisor of {sys.argv[1]} failed: {error}"
        with suppress(BrokenPipeError):  # no one waits any more
            os.write(sys.stdout.fileno(), reason.encode())


if __name__ == "__main__":
    main()
