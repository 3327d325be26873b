"""The command line as real processes: short ones from a shell, long ones until they are stopped."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg

from api.access import keys
from api.access.callers import Role
from tests.databases import Database

ROOT = Path(__file__).parents[3]
ENVIRON = {k: v for k, v in os.environ.items() if not k.startswith("HIRELOG_")} | {
    "PYTHONPATH": str(ROOT)
}
Ended = subprocess.CompletedProcess[str]
Environ = Mapping[str, str]
NONE: Environ = {}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "api.cli", *map(str, arguments)]


# Forks a process for each line of its input, so that the modules are loaded but once.
FORKS = """
import json, os, signal, sys, tempfile, traceback
from api.cli.main import main

def become(arguments, environ, seconds, out, err):
    signal.alarm(seconds)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.update(environ)
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()

for case in sys.stdin:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if not child:
            os._exit(become(*json.loads(case), out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        print(json.dumps([code, out.read(), err.read()]), flush=True)
"""


WHY = ("--why", "A test")


@dataclass(frozen=True)
class Shell:
    """Runs commands, each as a process of its own."""

    forks: subprocess.Popen[str]

    def run(self, *arguments: object, seconds: int = 60, environ: Environ = NONE) -> Ended:
        assert self.forks.stdin is not None
        case = [*map(str, arguments)]
        self.forks.stdin.write(json.dumps([case, dict(environ), seconds]) + "\n")
        self.forks.stdin.flush()
        return subprocess.CompletedProcess(case, *json.loads(line(self.forks.stdout)))

    def done(self, *arguments: object, environ: Environ = NONE) -> str:
        """What a process that must succeed prints."""
        ended = self.run(*arguments, environ=environ)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout

    def result(self, *arguments: object, environ: Environ = NONE) -> Any:
        return json.loads(self.done(*arguments, "--json", environ=environ))


def line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def complaint(ended: Ended, containing: str) -> str | None:
    """What is wrong with how a process failed."""
    lines = ended.stderr.splitlines()
    if ended.returncode != 2:
        return f"ended with {ended.returncode}: {ended.stderr[-300:]}"
    if len(lines) != 1 or not lines[0].startswith("hirelog: "):
        return f"said {lines}"
    if containing not in lines[0]:
        return f"said {lines[0]!r} without {containing!r}"
    return "printed on stdout" if ended.stdout else None


@contextmanager
def process(*arguments: object, environ: Environ = NONE) -> Iterator[subprocess.Popen[str]]:
    """A process that runs until it is told to stop, or else is killed."""
    with subprocess.Popen(
        command(*arguments),
        env={**ENVIRON, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def stopped(started: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """What it said on standard error until it ended in order."""
    started.send_signal(number)
    _, said = started.communicate(timeout=20)
    assert started.returncode == 0, said
    return said


def address(started: subprocess.Popen[str]) -> str:
    said = line(started.stdout)
    found = re.search(r"http://127\.0\.0\.1:\d+(?= )", said)
    assert found, said or started.communicate()[1]
    return found[0]


@dataclass(frozen=True)
class Home:
    """A data directory whose server runs."""

    data_dir: Path
    conninfo: str

    def at(self) -> tuple[str, Path]:
        """The option that names it."""
        return "--data-dir", self.data_dir


def known_at(home: Home) -> dict[str, str]:
    """The header by which a new administrator is known there."""
    with psycopg.connect(home.conninfo, autocommit=True) as connection:
        return {"Authorization": f"Bearer {keys.create(connection, Role.ADMIN, 'ada', by='tests')}"}


def head(conninfo: str) -> int:
    """How many events the log holds."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT max(notification_id) FROM hirelog.events").fetchone()
    return (row and row[0]) or 0


def own_server(database: Database) -> Environ:
    """What makes processes use a database of a server instead of the embedded one."""
    return {"HIRELOG_DATABASE_URL": database.owner}
