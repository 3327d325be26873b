"""The PostgreSQL cluster in a data directory: it is made, its server started and looked after."""

import fcntl
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from domain.machine import memory
from domain.store.accounts import (
    MAJOR_VERSION,
    PORT,
    SOCKET,
    EmbeddedServerError,
    access_files,
    make_private,
    socket_dir,
    start_program,
)

SUPERUSER = "postgres"

SERVER_LOCK = "server.lock"
LOG = "postgres.log"

# Errors as the log and the programs write them, without the refusals of clients that came early.
_REASON = re.compile(r"(?:FATAL|PANIC|initdb: error|postgres): ++(?!the database system is )(.+)")

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    # What follows keeps the personal data that statements and details carry out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


def shared_buffers() -> int:
    """MiB to hold the database in: a sixteenth of the memory there is, from 256 to 1024."""
    return min(max(memory() // 16 // 2**20, 256), 1024)


def lock(path: Path) -> BinaryIO | None:
    """Take the lock; None while another process has it. The kernel frees it at the end."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class Cluster:
    """The PostgreSQL cluster in a data directory, and the server that runs on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "postgres"
        self.socket_dir = socket_dir(data_dir)
        self._pid_file = self.path / "postmaster.pid"
        self._log = data_dir / LOG
        self._log_start = self._log.stat().st_size

    def bring_up(self) -> psutil.Process | None:
        """The running server, or a new one; None while the last processes of an old one end.

        Every process of the server inherits the lock. So it is free only when none is left, not
        even a backend that outlives its postmaster: no pid file can tell as much.
        """
        server_lock = lock(self.data_dir / SERVER_LOCK)
        if server_lock is None:
            return self._postmaster()
        with server_lock:
            make_private(self.socket_dir)
            self._create_if_absent(server_lock)
            return self._start(server_lock)

    def is_ready(self, server: psutil.Process) -> bool:
        """Whether the server accepts connections, or did so until it was killed."""
        with suppress(OSError):
            lines = self._pid_file.read_bytes().split(b"\n")
            return lines[:1] == [b"%d" % server.pid] and lines[7:8] == [b"ready   "]
        return False

    def failure(self) -> EmbeddedServerError:
        """Why the last start failed, in the words of the server's log."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return self._error(log.read())

    def remove_socket_dir(self) -> None:
        if self.socket_dir.parent != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _error(self, output: bytes) -> EmbeddedServerError:
        reasons = _REASON.findall(output.decode(errors="replace"))
        if not reasons and shutil.disk_usage(self.data_dir).free < 1 << 20:
            reasons = ["the disk is full"]
        return EmbeddedServerError(
            f"PostgreSQL did not start in {self.path}: {(reasons or ['no reason given'])[0]}. "
            f"Remove the cause and try again; {self._log} may say more"
        )

    def _postmaster(self) -> psutil.Process | None:
        """The process that the pid file names, unless it is another one that got the number."""
        try:
            process = psutil.Process(abs(int(self._pid_file.read_bytes().split()[0])))
            if process.name() != "postgres" or not is_alive(process):
                return None
            with suppress(psutil.AccessDenied):  # root in a container may not look
                if not self.path.samefile(process.cwd()):
                    return None
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return None
        return process

    def _create_if_absent(self, server_lock: BinaryIO) -> None:
        if self.path.exists():
            self._check_version()
            return
        unfinished = self.data_dir / "postgres.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        initdb = start_program(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth-local=peer",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            server_lock=server_lock,
            output=subprocess.PIPE,
        )
        output, _ = initdb.communicate()
        if initdb.returncode != 0:
            raise self._error(output)
        unfinished.rename(self.path)
        # Were the rename lost with the power, the next start would take the cluster for a leftover.
        directory = os.open(self.data_dir, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _check_version(self) -> None:
        file = self.path / "PG_VERSION"
        version = file.read_text().strip() if file.exists() else "an unknown version"
        if version != MAJOR_VERSION:
            raise EmbeddedServerError(
                f"{self.path} is of PostgreSQL {version}, and this hirelog brings {MAJOR_VERSION}: "
                "use the hirelog that made it, or choose another data directory"
            )

    def _start(self, server_lock: BinaryIO) -> psutil.Process:
        self._clear_traces()
        quoted_dir = str(self.socket_dir).replace('"', '""')
        settings = _SETTINGS | {
            "unix_socket_directories": f'"{quoted_dir}"',
            "shared_buffers": f"{shared_buffers()}MB",
        }
        for setting, text in access_files().items():
            file = self.data_dir / f"{setting}.conf"
            file.write_text(text)
            settings[setting] = str(file)
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            return start_program(
                "postgres", "-D", str(self.path), *arguments, server_lock=server_lock, output=log
            )

    def _clear_traces(self) -> None:
        """Remove what a killed server left; it would stop a start once a pid is used again."""
        if self._postmaster() is None:
            self._pid_file.unlink(missing_ok=True)
        for name in (SOCKET, f"{SOCKET}.lock"):
            (self.socket_dir / name).unlink(missing_ok=True)


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
