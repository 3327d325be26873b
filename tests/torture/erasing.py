"""People with a mark in every personal value, and what is said and asked of them."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from random import Random
from threading import Event, Thread
from uuid import UUID, uuid4

import httpx

from api.settings import Settings
from api.wiring import open_system, opened_vault
from domain.recorded import Metadata
from domain.self_identification import IdentifySelf
from domain.values import now
from tests.bench.bench import environ
from tests.searching import MARKS, live
from tests.torture.serving import Client, Json, Server, Unanswered, wait_for

GONE, KEPT = "qzxgonevanished", "qzxkeptremaining"
BASIS = "gdpr-art-17-1-a"
WHY = ("--why", "A test")
PAUSE = 0.05  # between two notes
REST_SECONDS = 0.2

Told = set[tuple[int, UUID, int]]  # position, stream, version


class Failed(Exception):  # noqa: N818  # the name of the situation
    """A command ended otherwise than it must."""


@dataclass(frozen=True)
class Place:
    """A data directory with its deletion ledger elsewhere, and a file for all that is logged."""

    directory: Path

    @property
    def data_dir(self) -> Path:
        """Of the system."""
        return self.directory / "data"

    @property
    def ledger(self) -> Path:
        """The deletion ledger."""
        return self.directory / "ledger"

    @property
    def said(self) -> Path:
        """What servers and commands said on standard error."""
        return self.directory / "said"

    def environ(self) -> Mapping[str, str]:
        """In which servers and commands find it."""
        return environ(self.data_dir) | {
            "HIRELOG_ERASURE_LEDGER": str(self.ledger),
            "HIRELOG_LOG_LEVEL": "info",
        }

    def server(self) -> Server:
        """One that projects, too."""
        return Server(self.environ(), level="info", said=self.said)

    def begin(self, *arguments: object) -> subprocess.Popen[str]:
        """A command that runs."""
        with self.said.open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "api.cli", *map(str, arguments)],
                env=self.environ(),
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def done(self, *arguments: object) -> str:
        """What a command that must succeed prints. Raises Failed."""
        ended = self.begin(*arguments)
        printed, _ = ended.communicate()
        if ended.returncode:
            said = self.said.read_text().splitlines()[-3:]
            raise Failed(f"{arguments} ended with {ended.returncode}: {printed[-300:]} {said}")
        return printed

    def settings(self) -> Settings:
        """For this process."""
        return Settings(data_dir=self.data_dir, erasure_ledger=self.ledger)


@dataclass(frozen=True)
class Person:
    """Somebody, and every personal value that was told of them over HTTP."""

    id: UUID
    mark: str
    values: Mapping[str, str]


def people(http: httpx.Client, mark: str, count: int) -> list[Person]:
    """Puts so many on record, with the mark in all of their values."""
    found = []
    for number in range(count):
        values = {name: f"{mark} {name} {number}" for name in MARKS}
        values["email"] = f"{mark}.{number}@example.org"
        values["url"] = f"https://{mark}.example.org/{number}"
        found.append(Person(UUID(live(http, values)), mark, values))
    return found


def answers_of(person: Person) -> dict[str, str]:
    """What the person says of themselves."""
    return {"race": f"{person.mark} of a wolf clan"}


def identify(place: Place, persons: Sequence[Person]) -> None:
    """Records their answers in the vault."""
    said = {each.id: IdentifySelf(answers=answers_of(each)) for each in persons}
    metadata = Metadata(actor="import", command_id=uuid4(), occurred_at=now(), recorded_at=now())
    with open_system(place.settings(), create=False) as system, opened_vault(system) as vault:
        vault.record(said, metadata)


def answers(place: Place) -> Mapping[UUID, Mapping[str, str]]:
    """What the vault can still read."""
    with open_system(place.settings(), create=False) as system, opened_vault(system) as vault:
        return vault.answers(until=2**62)


def remember(told: Told) -> Callable[[httpx.Response], None]:
    """Notes the events of which a client was told."""

    def note(answer: httpx.Response) -> None:
        answer.read()
        if answer.status_code == 201:
            told.update(_told(answer.json()))

    return note


def _told(said: Json) -> Told:
    stream = UUID(said["id"])
    return {(each["position"], stream, each["version"]) for each in said["events"]}


class Talker(Thread):
    """Notes something about everybody in turn, until told to stop."""

    def __init__(self, server: Server, persons: Sequence[Person], pick: Random) -> None:
        super().__init__(daemon=True)
        self.told: Told = set()
        self.wrong: list[str] = []
        self.stop = Event()
        self._client, self._persons, self._pick = Client([server], None), persons, pick
        self.start()

    def run(self) -> None:
        """A note after the other; one on somebody who was erased is refused."""
        number = 0
        while not self.stop.wait(PAUSE):
            number += 1
            person = self._pick.choice(self._persons)
            path = f"/v1/candidates/{person.id}/interactions"
            note = {"type": "noted", "text": f"{person.mark} note {number}"}
            try:
                answer = self._client.insist(path, note, f"note-{number}")
            except Unanswered as error:
                self.wrong.append(str(error))
                continue
            if answer.status == 201:
                self.told |= _told(answer.json())
            elif person.mark != GONE or answer.json()["code"] != "candidate-erased":
                self.wrong.append(f"a note was answered with {answer}")
        self._client.close()


class Request(Thread):
    """Asks for an erasure over HTTP until it is answered."""

    def __init__(self, server: Server, person: Person) -> None:
        super().__init__(daemon=True)
        self.answer: Json = {}
        self.repeats = 0
        self.wrong: list[str] = []
        self._server, self._person = server, person
        self.start()

    def run(self) -> None:
        """The same request each time, under the same key."""
        client = Client([self._server], None)
        asked = {"candidate_id": str(self._person.id), "legal_basis": BASIS, "reason": "Letter"}
        try:
            answer = client.insist("/v1/erasures", asked, f"letter-{self._person.id}")
        except (Unanswered, OSError, HTTPException) as error:
            self.wrong.append(str(error))
            return
        finally:
            self.repeats += client.repeats
            client.close()
        if answer.status == 202:
            self.answer = answer.json()
        else:
            self.wrong.append(f"a request for erasure was answered with {answer}")


def killed_after(running: subprocess.Popen[str], seconds: float) -> None:
    """Kills a command at this moment, unless it has ended."""
    time.sleep(seconds)
    running.kill()
    running.communicate()


def at_rest(data_dir: Path) -> None:
    """Returns when the database has ended by itself."""
    wait_for(lambda: not (data_dir / "postgres/postmaster.pid").exists())
    time.sleep(REST_SECONDS)
