"""The embedded PostgreSQL: attach to the server of a data directory, started if need be."""

import fcntl
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from domain.store.accounts import PORT, EmbeddedServerError, own_name, socket_dir
from domain.store.cluster import LOG, SUPERUSER, lock
from domain.store.supervisor import HOLDERS_LOCK, SUPERVISOR_LOCK

__all__ = ["SUPERUSER", "EmbeddedServer", "EmbeddedServerError", "attach"]

_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server. Keep it: the server stops when no process holds it any more."""

    host: str
    _hold: BinaryIO = field(repr=False, compare=False)

    def conninfo(self, user: str, dbname: str) -> str:
        # Where hostaddr is not given, PGHOSTADDR would lead elsewhere.
        return make_conninfo(host=self.host, hostaddr="", port=PORT, user=user, dbname=dbname)

    def release(self) -> None:
        self._hold.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release()


def attach(data_dir: Path) -> EmbeddedServer:
    """Hold the server of the data directory, once it accepts connections.

    There is no time limit, because recovery after a crash may take minutes.
    """
    own_name()
    data_dir = data_dir.resolve()
    with ExitStack() as undo:
        try:
            _make_private(data_dir)
            hold = undo.enter_context((data_dir / HOLDERS_LOCK).open("ab"))
            fcntl.flock(hold, fcntl.LOCK_SH)
            server = EmbeddedServer(str(socket_dir(data_dir)), hold)
            _wait_for(server, data_dir)
        except OSError as error:
            raise EmbeddedServerError(
                f"The data directory {data_dir} cannot be used: {error.strerror}. "
                f"Make it a directory that {own_name()} can write to, or choose another"
            ) from error
        undo.pop_all()
    return server


def _make_private(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        raise EmbeddedServerError(
            f"The data directory {data_dir} belongs to the user id {found.st_uid}, not to "
            f"{own_name()}: run hirelog as its owner, or choose another"
        )
    if not found.st_mode & 0o077:
        return
    if any(data_dir.iterdir()) and not (data_dir / HOLDERS_LOCK).exists():
        raise EmbeddedServerError(
            f"The data directory {data_dir} holds other files and is open to other users: "
            "choose an empty one, or make it private with chmod 700"
        )
    data_dir.chmod(0o700)


def _wait_for(server: EmbeddedServer, data_dir: Path) -> None:
    conninfo = make_conninfo(server.conninfo(SUPERUSER, "postgres"), connect_timeout=5)
    with ExitStack() as reports:
        report: BinaryIO | None = None
        pause = 0.02
        while True:
            # To have this lock is to know that no supervisor lives; a new one inherits it.
            supervisor_lock = lock(data_dir / SUPERVISOR_LOCK)
            if supervisor_lock is not None:
                with supervisor_lock:
                    if report is not None and (reason := report.read()):
                        raise EmbeddedServerError(reason.decode())
                    report = reports.enter_context(_start_supervisor(data_dir, supervisor_lock))
            if PGconn.ping(conninfo.encode()) == Ping.OK:
                return
            time.sleep(pause)
            pause = min(1.1 * pause, 1.0)  # the server logs each attempt that comes too early


def _start_supervisor(data_dir: Path, supervisor_lock: BinaryIO) -> BinaryIO:
    """Start it apart from this process and its terminal; it answers only if it fails."""
    answer, its_end = os.pipe()
    import_path = [str(_PROJECT), os.environ.get("PYTHONPATH", "")]
    try:
        with (data_dir / LOG).open("ab") as log:
            started = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "domain.store.supervisor", data_dir],
                stdin=subprocess.DEVNULL,
                stdout=its_end,
                stderr=log,
                cwd="/",
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, import_path))},
                pass_fds=[supervisor_lock.fileno()],
                start_new_session=True,
                check=False,
            )
        if started.returncode > 0:  # if it was killed, the caller starts another
            raise EmbeddedServerError(
                f"The supervisor of {data_dir} could not start: see {data_dir / LOG}"
            )
    except BaseException:
        os.close(answer)
        raise
    finally:
        os.close(its_end)
    return os.fdopen(answer, "rb")
