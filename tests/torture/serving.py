"""Servers of the API as real processes to be killed, and clients that never give up a command."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import Any

from tests.bench.bench import environ

Json = dict[str, Any]

PATIENCE = 120.0  # seconds for one command, whatever happens meanwhile
ANSWER_SECONDS = 30.0
PAUSE = 0.05


class Unanswered(Exception):  # noqa: N818  # the name of the situation
    """Nobody said what became of the command."""


@dataclass(frozen=True)
class Answer:
    """What a server answered, to the byte; `replayed` when the command was on record before."""

    status: int
    body: bytes
    replayed: bool

    def json(self) -> Json:
        """The document in it."""
        read: Json = json.loads(self.body)
        return read

    def __str__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


class Server:
    """`hirelog serve` on some port; it has none while it starts."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *options: str,
        level: str = "error",
        said: Path | None = None,
    ) -> None:
        """What it logs from `level` on is appended to `said`, else to our standard error."""
        self.port: int | None = None
        self.key: str | None = None
        self._environ = {**environ, "HIRELOG_LOG_LEVEL": level}
        self._options, self._said = options, said
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", *self._options]
        with self._said.open("ab") if self._said else nullcontext() as said:
            self._running = subprocess.Popen(
                command, env=self._environ, stdout=subprocess.PIPE, stderr=said, text=True
            )
        Thread(target=self._listen, args=(self._running,), daemon=True).start()

    def _listen(self, running: subprocess.Popen[str]) -> None:
        assert running.stdout
        with running.stdout as lines:
            for line in lines:
                said = re.search(r"http://127\.0\.0\.1:(\d+)", line)
                if said and running is self._running:
                    self.port = int(said[1])

    def kill(self) -> None:
        """Kills it and starts another in its place."""
        self.end()
        self._start()

    def end(self) -> None:
        """Kills it for good."""
        self.port = None
        self._running.kill()
        self._running.wait()

    def stop(self) -> None:
        """Ends it in order."""
        self.port = None
        self._running.terminate()
        self._running.wait()

    def keep_up(self) -> bool:
        """Whether it had ended by itself, as it may where it finds no database; starts another."""
        if self._running.poll() is None:
            return False
        self.kill()
        return True


@contextmanager
def serving(data_dir: Path, count: int) -> Iterator[list[Server]]:
    """So many servers on one data directory, each of which takes requests and knows one key."""
    with ExitStack() as stack:
        servers = []
        for _ in range(count):
            servers.append(Server(environ(data_dir), "--no-project"))
            stack.callback(servers[-1].end)
        wait_for(lambda: all(server.port for server in servers))
        servers[0].key = new_key(environ(data_dir), "integration")
        yield servers


def new_key(environ: Mapping[str, str], role: str) -> str:
    """A key for a caller who may ask as often as it likes."""
    create = [sys.executable, "-m", "api.cli", "keys", "create", "--role", role]
    made = subprocess.run(
        [*create, "--name", "torture", "--rate", "1000000/second"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns when it holds. Raises Unanswered when that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Unanswered(f"waited {seconds:.0f} s in vain")
        time.sleep(PAUSE)


class Client:
    """Sends commands to some servers over connections of its own. Not safe for threads."""

    def __init__(self, servers: Sequence[Server], actor: str | None, first: int = 0) -> None:
        """`actor` is on whose behalf it speaks."""
        self._servers, self._actor, self._next = servers, actor, first
        self._connections: dict[int, HTTPConnection] = {}
        self.repeats = 0

    def send(self, path: str, body: Json, key: str) -> Answer:
        """The answer of one server. Raises OSError or HTTPException when there is none."""
        port = self._servers[self._next % len(self._servers)].port
        if port is None:
            raise ConnectionRefusedError
        connection = self._connections.get(port) or HTTPConnection(
            "127.0.0.1", port, timeout=ANSWER_SECONDS
        )
        self._connections[port] = connection
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._servers[0].key}",
            "Idempotency-Key": key,
        }
        if self._actor:
            headers["On-Behalf-Of"] = self._actor
        try:
            connection.request("POST", path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            replayed = answer.getheader("Idempotent-Replayed") == "true"
            return Answer(answer.status, answer.read(), replayed)
        except BaseException:
            connection.close()
            del self._connections[port]
            raise

    def insist(self, path: str, body: Json, key: str) -> Answer:
        """The first answer that tells what became of it; another server is asked until then.

        Raises Unanswered when none does.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = self.send(path, body, key)
                if answer.status != 503:
                    return answer
            except (OSError, HTTPException):
                pass
            self.repeats += 1
            self._next += 1
            time.sleep(PAUSE)
        raise Unanswered(f"{path} was not answered within {PATIENCE:.0f} s")

    def close(self) -> None:
        """Ends its connections."""
        for connection in self._connections.values():
            connection.close()
