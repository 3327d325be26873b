"""Sends each command eight times at once to two servers: one effect, and one answer to all.

Afterwards another body under the same key is refused by either server.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import psycopg

from tests.bench.bench import bench
from tests.torture.report import report, say
from tests.torture.serving import Answer, Client, Json, Server, serving

SERVERS = 2
AT_ONCE = 8
GROUPS = 2  # keys that are sent at the same time, so that they meet on one candidate
CANDIDATES = 40
ACTOR = "client:keys"

BY_COMMAND = """
SELECT convert_from(state, 'UTF8')::jsonb #>> '{metadata,command_id}', count(*)
  FROM hirelog.events WHERE notification_id > %s GROUP BY 1
"""


@dataclass(frozen=True)
class Command:
    """Where to send what, what else it might have been, and how many events it leads to."""

    path: str
    body: Json
    other: Json
    events: int = 1


def run(keys: int) -> bool:
    """Whether all went well; prints what happened."""
    with bench(0, 0, quiet=True) as shared, serving(shared.data_dir, SERVERS) as servers:
        say(f"{keys} keys are sent {AT_ONCE} times at once, to {SERVERS} servers")
        sending = Sending(servers, list(_commands(keys, _candidates(servers))))
        before, began = shared.head(), time.monotonic()
        with ThreadPoolExecutor(GROUPS) as groups:
            for done in [groups.submit(sending.send_all, group) for group in range(GROUPS)]:
                done.result()
        happened, wrong = sending.happened, sending.wrong
        happened["seconds"] = round(time.monotonic() - began)
        with psycopg.connect(shared.system.conninfo) as connection:
            on_record: dict[str, int] = dict(connection.execute(BY_COMMAND, (before,)).fetchall())
    effects = sending.effects
    happened["keys"], happened["events"] = len(effects), sum(on_record.values())
    wrong += [
        f"command {command} has {on_record.get(command, 0)} events, not {effects.get(command, 0)}"
        for command in effects.keys() | on_record.keys()
        if effects.get(command) != on_record.get(command)
    ]
    counts = ("keys", "answers", "events", "disagreeing", "refused", "not refused", "seconds")
    return report(happened, counts, wrong) and len(effects) == keys


def _candidates(servers: Sequence[Server]) -> list[str]:
    client, paths = Client(servers, ACTOR), []
    for number in range(CANDIDATES):
        person = {"type": "sourced", "source": "Fair", "name": "Ada"}
        begun = client.insist("/v1/candidates", person, f"candidate {number}").json()
        paths.append(f"/v1/candidates/{begun['id']}/interactions")
    client.close()
    return paths


def _commands(keys: int, paths: Sequence[str]) -> Iterator[Command]:
    """Every kind in turn: a new job, a new person, and what must not be said twice."""
    for number in range(keys):
        path = paths[number // 4 % len(paths)]
        match number % 4:
            case 0:
                job = {"type": "opened", "title": f"Analyst {number}"}
                yield Command("/v1/jobs", job, job | {"title": "Baker"}, events=2)
            case 1:
                person = {"type": "sourced", "source": "Fair", "name": f"Ada {number}"}
                yield Command("/v1/candidates", person, person | {"name": "Bob"})
            case 2:
                sent = {"type": "contacted", "message_id": f"m{number}", "channel": "email"}
                yield Command(path, sent, sent | {"message_id": "another"})
            case _:
                note = {"type": "noted", "text": f"Kind {number}"}
                yield Command(path, note, note | {"text": "Rude"})


@dataclass
class Sending:
    """What is sent, and what came of it; shared by the groups of senders."""

    servers: Sequence[Server]
    commands: Sequence[Command]
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    effects: dict[str, int] = field(default_factory=dict)  # events by the id of the command

    def send_all(self, group: int) -> None:
        """Sends every GROUPS-th command, each from AT_ONCE threads at once."""
        together = Barrier(AT_ONCE)
        clients = [Client(self.servers, ACTOR, first=number) for number in range(AT_ONCE)]

        def send(client: Client, command: Command, key: str) -> Answer:
            together.wait()
            return client.insist(command.path, command.body, key)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            for number in range(group, len(self.commands), GROUPS):
                command, key = self.commands[number], f"key {number}"
                sent = [threads.submit(send, client, command, key) for client in clients]
                self._judge(command, [each.result() for each in sent])
                for client in clients[:SERVERS]:
                    self._send_other(client, command, key)
        for client in clients:
            client.close()

    def _judge(self, command: Command, answers: Sequence[Answer]) -> None:
        self.happened["answers"] += len(answers)
        if complaint := _complaint(answers):
            self.happened["disagreeing"] += 1
            self.wrong.append(f"{command.body}: {complaint}")
        else:
            self.effects[answers[0].json()["events"][0]["command_id"]] = command.events

    def _send_other(self, client: Client, command: Command, key: str) -> None:
        answer = client.insist(command.path, command.other, key)
        self.happened["refused" if answer.status == 422 else "not refused"] += 1
        if answer.status != 422:
            self.wrong.append(f"{command.other} under the key of {command.body}: {answer}")


def _complaint(answers: Sequence[Answer]) -> str | None:
    """What is wrong with the answers to one key, where they are not all the same."""
    if refused := [each for each in answers if each.status != 201]:
        return f"refused: {refused[0]}"
    others = [each for each in answers if each.body != answers[0].body]
    if others:
        return f"{answers[0]} but {others[0]}"
    first = sum(not each.replayed for each in answers)
    # None where the first answer was lost on its way and asked for again.
    return f"{first} of the answers say that they are the first" if first > 1 else None
