"""Kills a reader of the feed and the servers that it follows: it must see all, once and in order.

The reader is a process of its own that keeps each event in a file, and goes on from the last one
there at whichever server lives; meanwhile others write through both servers.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Event, Thread
from uuid import UUID

from tests.bench.bench import bench
from tests.torture.feed_reader import KEY, last_of
from tests.torture.following import Row, faults, whole_log
from tests.torture.report import report, say
from tests.torture.serving import Client, Server, Unanswered, serving, wait_for

SERVERS = 2
WRITERS = 4
SEEN_BETWEEN, MOST_SECONDS = 20, 0.2  # at the most, between two kills
FAULTS = ("missed", "repeated", "out of order", "invented", "gaps", "wrong versions")


def run(kills: int) -> bool:
    """Whether all went well; prints what happened."""
    with bench(0, 0, quiet=True) as shared, serving(shared.data_dir, SERVERS) as servers:
        say(f"{WRITERS} write through {SERVERS} servers; {kills} times one or the reader is killed")
        began, stop = time.monotonic(), Event()
        reader = Reader(shared.data_dir / "seen", servers)
        writers = [Writer(servers, number, stop) for number in range(WRITERS)]
        happened = torture(servers, reader, kills)
        stop.set()
        for writer in writers:
            writer.join()
        wrong = [line for writer in writers for line in writer.wrong]
        head = shared.head()
        try:
            wait_for(lambda: reader.keep_up().last() >= head)
        except Unanswered:
            wrong.append(f"the reader stands at {reader.last()}, the log at {head}")
        reader.end()
        log, seen = whole_log(shared.system.conninfo, 0), reader.seen()
    happened += faults(seen, log) + Counter(repeated=len(seen) - len(set(seen)))
    happened["events"], happened["seen"], happened["starts"] = len(log), len(seen), reader.starts
    happened["seconds"] = round(time.monotonic() - began)
    wrong += [f"{happened[name]} {name}" for name in FAULTS if happened[name]]
    names = ("events", "seen", "readers killed", "servers killed", "starts", "seconds", *FAULTS)
    return report(happened, names, wrong)


def torture(servers: Sequence[Server], reader: "Reader", kills: int) -> Counter[str]:
    """Kills one after the other, most often the reader."""
    pick, happened = Random(), Counter[str]()
    for _ in range(kills):
        reader.see(pick.randint(0, SEEN_BETWEEN))
        time.sleep(pick.uniform(0, MOST_SECONDS))
        if pick.random() < 0.7:
            reader.end()
            happened["readers killed"] += 1
        else:
            pick.choice(servers).kill()
            happened["servers killed"] += 1
    return happened


class Writer(Thread):
    """Puts persons on record until told to stop."""

    def __init__(self, servers: Sequence[Server], number: int, stop: Event) -> None:
        super().__init__(daemon=True)
        self.wrong: list[str] = []
        self._client = Client(servers, f"writer:{number}", first=number)
        self._number, self._enough = number, stop
        self.start()

    def run(self) -> None:
        """One after the other, each until it is acknowledged."""
        count = 0
        while not self._enough.is_set():
            count += 1
            body = {"type": "sourced", "source": "Fair"}
            try:
                answer = self._client.insist("/v1/candidates", body, f"{self._number}-{count}")
            except Unanswered as error:
                self.wrong.append(str(error))
                break
            if answer.status != 201:
                self.wrong.append(str(answer))
        self._client.close()


class Reader:
    """The process that reads, started again at another server whenever it has ended."""

    def __init__(self, kept: Path, servers: Sequence[Server]) -> None:
        self.starts = 0
        self._kept, self._servers = kept, servers
        self._kept.touch()
        self._running: subprocess.Popen[bytes] | None = None

    def keep_up(self) -> "Reader":
        """Starts it where it does not run, at one server after the other."""
        if self._running is None or self._running.poll() is not None:
            ports = [server.port for server in self._servers if server.port]
            if ports:
                port = str(ports[self.starts % len(ports)])
                command = [sys.executable, "-m", "tests.torture.feed_reader", port, str(self._kept)]
                environ = {**os.environ, KEY: self._servers[0].key or ""}
                self._running = subprocess.Popen(command, env=environ)
                self.starts += 1
        return self

    def see(self, events: int) -> None:
        """Lets it see so many more. Raises Unanswered when that takes too long."""
        wanted = self.last() + events
        wait_for(lambda: self.keep_up().last() >= wanted)

    def end(self) -> None:
        """Kills it in whatever it does."""
        if self._running:
            self._running.kill()
            self._running.wait()

    def last(self) -> int:
        """The position of the last event that it kept."""
        return last_of(self._kept)

    def seen(self) -> list[Row]:
        """All that it kept, in its order."""
        rows = []
        for line in self._kept.read_text("utf-8").splitlines():
            position, stream, version = line.split()
            rows.append((int(position), UUID(stream), int(version)))
        return rows
