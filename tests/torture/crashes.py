"""Kills servers of the API and of the database under load: every acknowledged command stays, once.

Each client has candidates of its own, so that any refusal it gets is a false one: of its own write,
which it sends again under the same key until it hears what became of it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random, shuffle
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psutil
import psycopg

from tests.bench.bench import bench
from tests.torture.report import report, say
from tests.torture.serving import Client, Json, Server, Unanswered, serving, wait_for

SERVERS = 2
CLIENTS = 8
FEWEST_SECONDS, MOST_SECONDS = 0.2, 1.0  # between two kills
ACKNOWLEDGED_BETWEEN = 40  # so that there is load on whatever is killed
STAGES = ["A", "B", "C"]
SERVER, DATABASE = "servers", "database"

LOG = """
SELECT notification_id, originator_id, originator_version,
       (convert_from(state, 'UTF8')::jsonb #>> '{metadata,command_id}')::uuid
  FROM hirelog.events ORDER BY notification_id
"""
Row = tuple[int, UUID, int, UUID]  # position, stream, version, command


@dataclass(frozen=True)
class Acknowledged:
    """A command that was answered: which, how many events it must have, and those it was told."""

    command: UUID
    events: int
    told: tuple[tuple[int, UUID, int], ...]  # position, stream, version


class Refused(Exception):  # noqa: N818  # the name of the situation
    """A command was refused that must not be."""


class Recruiter(Thread):
    """Leads one candidate after the other through an application until told to stop."""

    def __init__(self, servers: Sequence[Server], number: int, stop: Event) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[Acknowledged] = []
        self.wrong: list[str] = []
        self.client = Client(servers, f"client:{number}", first=number)
        self._number, self._stop_now = number, stop
        self.replayed = 0
        self._keys = 0
        self._pick = Random(number)
        self.start()

    def run(self) -> None:
        """Stories until the end; one that goes wrong is left for the next."""
        while not self._stop_now.is_set():
            try:
                self._story()
            except (Refused, Unanswered) as error:
                self.wrong.append(str(error))
        self.client.close()

    def _story(self) -> None:
        job = self._say("/v1/jobs", {"type": "opened", "title": "Analyst", "stages": STAGES}, 2)
        applied = {"type": "applied", "job_id": job["id"], "source": "Fair", "name": "Ada"}
        begun = self._say("/v1/candidates", applied)
        application = {"application_id": begun["events"][0]["data"]["application_id"]}
        path = f"/v1/candidates/{begun['id']}/interactions"
        for body in (
            {"type": "contacted", "message_id": "m1", "channel": "email", "text": "Hello"},
            {"type": "advanced", "to_stage": "B"} | application,
            {"type": "noted", "text": "Kind."},  # no rule would stand against a second one
            {"type": "offered"} | application,
            *self._pick.choice(_endings(application)),
        ):
            self._say(path, body)
        self._say(f"/v1/jobs/{job['id']}/interactions", {"type": "closed"})

    def _say(self, path: str, body: Json, events: int = 1) -> Json:
        self._keys += 1
        answer = self.client.insist(path, body, f"{self._number}-{self._keys}")
        if answer.status != 201:
            raise Refused(f"{body['type']} got {answer.status}: {answer.body.decode()}")
        self.replayed += answer.replayed
        said = answer.json()
        stream = UUID(said["id"])
        told = tuple((each["position"], stream, each["version"]) for each in said["events"])
        command = UUID(said["events"][0]["command_id"])
        self.acknowledged.append(Acknowledged(command, events, told))
        return said


def _endings(application: Json) -> list[list[Json]]:
    pooled = {"type": "returned-to-pool", "pool": "Silver"}
    return [
        [{"type": "offer-accepted"} | application, {"type": "hired"} | application],
        [{"type": "offer-declined"} | application, pooled | application],
        [{"type": "rejected"} | application, pooled],
    ]


def run(kills: int, database_kills: int) -> bool:
    """Whether all went well; prints what happened."""
    happened, wrong = Counter[str](), list[str]()
    victims = [SERVER] * kills + [DATABASE] * database_kills
    shuffle(victims)
    with bench(0, 0, quiet=True) as shared:
        say(f"{kills} servers of the API and {database_kills} of the database are killed")
        began = time.monotonic()
        stop = Event()
        with serving(shared.data_dir, SERVERS) as servers:
            recruiters = [Recruiter(servers, number, stop) for number in range(CLIENTS)]
            try:
                torture(shared.data_dir, servers, recruiters, victims, happened)
            except Unanswered as error:
                wrong.append(f"nothing was acknowledged any more: {error}")
            stop.set()
            for each in recruiters:
                each.join()
        happened["seconds"] = round(time.monotonic() - began)
        happened["sent again"] = sum(each.client.repeats for each in recruiters)
        happened["kept unheard"] = sum(each.replayed for each in recruiters)
        wrong += [line for each in recruiters for line in each.wrong]
        happened["refused"] = len(wrong)
        acknowledged = [each for recruiter in recruiters for each in recruiter.acknowledged]
        with psycopg.connect(shared.system.conninfo) as connection:
            log = connection.execute(LOG).fetchall()
        happened["acknowledged"], happened["events"] = len(acknowledged), len(log)
        found = faults(acknowledged, log)
        happened.update({name: len(lines) for name, lines in found.items()})
        wrong += [f"{name}: {line}" for name, lines in found.items() for line in lines]
    counts = ("cycles", "killed servers", "killed database", "seconds", "events", "acknowledged")
    return report(
        happened, (*counts, "sent again", "kept unheard", "ended alone", "refused", *found), wrong
    )


def torture(
    data_dir: Path,
    servers: Sequence[Server],
    recruiters: Sequence[Recruiter],
    victims: Sequence[str],
    happened: Counter[str],
) -> None:
    """Kills one after the other, each when commands are answered again."""
    pick = Random()

    def loaded(enough: int) -> bool:
        happened["ended alone"] += sum(server.keep_up() for server in servers)
        return _acknowledged(recruiters) >= enough and any(server.port for server in servers)

    for victim in victims:
        enough = _acknowledged(recruiters) + ACKNOWLEDGED_BETWEEN
        time.sleep(pick.uniform(FEWEST_SECONDS, MOST_SECONDS))
        wait_for(partial(loaded, enough))
        if victim == DATABASE:
            kill_database(data_dir, pick)
        else:
            pick.choice([server for server in servers if server.port]).kill()
        happened[f"killed {victim}"] += 1
        happened["cycles"] += 1


def _acknowledged(recruiters: Iterable[Recruiter]) -> int:
    return sum(len(each.acknowledged) for each in recruiters)


def kill_database(data_dir: Path, pick: Random) -> None:
    """Kills the postmaster, alone or with all of its backends; its supervisor brings up another.

    A backend that is left alone may still commit what it is at; one that is killed has perhaps
    committed what its client will never hear of.
    """
    pid = int((data_dir / "postgres" / "postmaster.pid").read_bytes().split()[0])
    postmaster = psutil.Process(pid)
    assert postmaster.name() == "postgres"
    backends = postmaster.children() if pick.random() < 0.5 else []
    postmaster.kill()
    for backend in backends:
        with suppress(psutil.NoSuchProcess):  # it has seen that its postmaster is gone
            backend.kill()


def faults(acknowledged: Sequence[Acknowledged], log: Iterable[Row]) -> Mapping[str, list[str]]:
    """Where the log is not exactly what was acknowledged, by kind."""
    found: dict[str, list[str]] = {
        name: [] for name in ("lost", "duplicated", "torn", "moved", "stray", "gaps")
    }
    by_command: defaultdict[UUID, list[tuple[int, UUID, int]]] = defaultdict(list)
    versions: defaultdict[UUID, int] = defaultdict(int)
    for place, (position, stream, version, command) in enumerate(log, 1):
        by_command[command].append((position, stream, version))
        versions[stream] += 1
        if position != place or version != versions[stream]:
            found["gaps"].append(f"event {version} of {stream} stands at {position}")
    for each in acknowledged:
        on_record = by_command.pop(each.command, [])
        kind = _fault(each, on_record)
        if kind:
            found[kind].append(f"{each} has {on_record}")
    # Each client has heard of each of its commands, so nothing else may be there.
    found["stray"] += [f"{command} has {rows}" for command, rows in by_command.items()]
    return found


def _fault(each: Acknowledged, on_record: Sequence[Any]) -> str | None:
    if not on_record:
        return "lost"
    if len(on_record) > each.events:
        return "duplicated"
    if len(on_record) < each.events:
        return "torn"
    return "moved" if tuple(on_record) != each.told else None
