"""Kills servers, commands and databases that erase people; nothing of these is left anywhere.

One person is erased in each cycle, while others are talked about. Then every table, file, log and
export is searched for what was known of the erased, and for the keys that could open it; and again
after a rebuild, and after an old copy of the database was put back beside the newer ledger.
"""

import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import psycopg

from domain.store.embedded import SUPERUSER, attach
from domain.values import REDACTED
from migrations.bootstrap import DATABASE
from tests.databases import wait_until_projected
from tests.searching import Found, Wanted, forms, in_files, in_tables, needles, search
from tests.torture.crashes import kill_database
from tests.torture.erasing import (
    BASIS,
    GONE,
    KEPT,
    WHY,
    Failed,
    Person,
    Place,
    Request,
    Talker,
    Told,
    answers,
    answers_of,
    at_rest,
    identify,
    killed_after,
    people,
    remember,
)
from tests.torture.report import report, say
from tests.torture.serving import Server, Unanswered, new_key, wait_for

STAY = 6  # people
COMMAND_EVERY, DATABASE_EVERY = 4, 7  # cycles, in the others the server is killed
KILLED_MAINTENANCES = 3
REQUEST_SECONDS = 0.1  # of which one takes some
COMMAND_SECONDS = (0.4, 2.5)

KEYS = "SELECT wrapped_key FROM hirelog.candidate_keys WHERE wrapped_key IS NOT NULL"
NAMES = """
SELECT name FROM ats_pipeline.people WHERE candidate_id = ANY (%(gone)s)
 UNION ALL
SELECT name FROM crm_engagement.candidates WHERE candidate_id = ANY (%(gone)s)
"""
ASKED = "SELECT count(*) FROM hirelog.erasures WHERE candidate_id = %s"
PENDING = """
SELECT count(*) FROM hirelog.erasure_holders WHERE state = 'pending' AND holder <> 'database-files'
"""
OPEN = "SELECT candidate_id, state FROM hirelog.erasures WHERE state <> 'complete'"
# Nobody waits a minute for processes that were killed but the erasures themselves.
AGE = "UPDATE hirelog.processes SET seen_at = now() - interval '2 minutes'"
LOG = "SELECT notification_id, originator_id, originator_version FROM hirelog.events"


def run(erasures: int, seed: int) -> bool:
    """Whether all went well; prints what happened."""
    happened, wrong = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="hirelog-erasure-") as directory:
        place = Place(Path(directory))
        try:
            Torture(place, Random(seed), happened, wrong).run(erasures, seed)
        except (Failed, Unanswered) as error:
            wrong.append(str(error))
        finally:
            at_rest(place.data_dir)
    happened["values"] = happened["erased"] * happened["values of each"]
    killed = ("killed servers", "killed commands", "killed database")
    found = ("erased", "values", "searched", "found", "lost")
    return report(happened, ("cycles", *killed, "interrupted", "events", *found), wrong)


class Torture:
    """People are put on record, erased under fire, and searched for."""

    def __init__(
        self, place: Place, pick: Random, happened: Counter[str], wrong: list[str]
    ) -> None:
        self._place, self._pick, self._happened, self._wrong = place, pick, happened, wrong
        self._told: Told = set()
        self._gone: list[Person] = []
        self._stay: list[Person] = []
        self._wanted: Wanted = {"mark": list(forms(GONE))}
        self._key = ""

    def run(self, erasures: int, seed: int) -> None:
        place, copy = self._place, self._place.directory / "copy"
        self._record(erasures)
        at_rest(place.data_dir)
        subprocess.run(["cp", "-a", place.data_dir, copy], check=True)
        say(f"{erasures} people are erased while everything is killed, seed {seed}")
        with attach(place.data_dir) as database:
            self._superuser = database.conninfo(SUPERUSER, DATABASE)
            self._erase()
            self._complete()
            self._in_the_database()
        at_rest(place.data_dir)
        self._in_files(place.data_dir)
        shutil.rmtree(place.data_dir)
        copy.rename(place.data_dir)
        self._put_back()

    def _record(self, erasures: int) -> None:
        place = self._place
        place.done("demo", "--candidates", 50, "--no-serve")
        self._key = new_key(place.environ(), "admin")
        server = place.server()
        try:
            wait_for(lambda: server.port)
            with self._http(server) as http, attach(place.data_dir) as database:
                self._gone, self._stay = people(http, GONE, erasures), people(http, KEPT, STAY)
                identify(place, [*self._gone, *self._stay])
                superuser = database.conninfo(SUPERUSER, DATABASE)
                wait_until_projected(superuser)
                with psycopg.connect(superuser) as connection:
                    gone = {"gone": [each.id for each in self._gone]}
                    names = connection.execute(NAMES, gone).fetchall()
                    connection.execute("ANALYZE")
                self._wanted["sealed"] = [row[0].encode() for row in names]
        finally:
            server.stop()
        self._happened["values of each"] = len(self._gone[0].values) + len(
            answers_of(self._gone[0])
        )
        self._export("before", {name: list(forms(name)) for name in (GONE, KEPT)}, expected=2)

    def _http(self, server: Server) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {self._key}", "Hirelog-Purpose": "A test"},
            event_hooks={"response": [remember(self._told)]},
            timeout=30,
        )

    def _export(self, name: str, wanted: Wanted, expected: int) -> None:
        """Everybody in clear; `expected` is how many of what is wanted must be in it."""
        file = self._place.directory / f"{name}.ndjson"
        self._place.done("export", *WHY, file)
        found: Found = {}
        search(file.name, file.read_bytes(), wanted, found)
        if len(found) != expected:
            self._wrong.append(f"the export {name} has {sorted(found)}")

    def _erase(self) -> None:
        with psycopg.connect(self._superuser) as connection:
            before = {bytes(key) for (key,) in connection.execute(KEYS)}
        server = self._place.server()
        server.key = self._key
        talker = Talker(server, [*self._gone, *self._stay], Random(self._pick.random()))
        try:
            for number, person in enumerate(self._gone, 1):
                wait_for(lambda: server.keep_up() or server.port)
                if number % COMMAND_EVERY == 0:
                    self._by_command(person)
                else:
                    self._over_http(server, person, database=number % DATABASE_EVERY == 0)
                self._happened["cycles"] += 1
            for _ in range(KILLED_MAINTENANCES):
                self._killed("erasures", "maintain")
            talker.stop.set()
            talker.join()
            self._settle(server)
        finally:
            server.end()
        self._told |= talker.told
        self._wrong += talker.wrong
        with psycopg.connect(self._superuser) as connection:
            keys = before - {bytes(key) for (key,) in connection.execute(KEYS)}
        self._wanted["wrapped"] = [form for key in keys for form in (key, key.hex().encode())]
        if len(keys) < 3 * len(self._gone):
            self._wrong.append(f"{len(keys)} keys of {len(self._gone)} people were destroyed")

    def _over_http(self, server: Server, person: Person, *, database: bool) -> None:
        request = Request(server, person)
        time.sleep(self._pick.uniform(0, REQUEST_SECONDS))
        if database:
            kill_database(self._place.data_dir, self._pick)
            self._happened["killed database"] += 1
            wait_for(self._is_up)
        else:
            server.kill()
            self._happened["killed servers"] += 1
        while request.is_alive():
            server.keep_up()
            request.join(0.1)
        self._happened["interrupted"] += request.repeats > 0
        self._wrong += request.wrong

    def _is_up(self) -> bool:
        try:
            psycopg.connect(self._superuser).close()
        except psycopg.OperationalError:
            return False
        return True

    def _by_command(self, person: Person) -> None:
        request = ("erasures", "request", person.id, "--basis", BASIS)
        self._killed(*request)
        with psycopg.connect(self._superuser) as connection:
            asked = connection.execute(ASKED, (person.id,)).fetchone() != (0,)
        self._place.done(*(("erasures", "run") if asked else request))

    def _killed(self, *command: object) -> None:
        killed_after(self._place.begin(*command), self._pick.uniform(*COMMAND_SECONDS))
        self._happened["killed commands"] += 1

    def _settle(self, server: Server) -> None:
        """Every request is said again until nothing but the files is waited for."""
        wait_for(lambda: server.keep_up() or server.port)
        with psycopg.connect(self._superuser, autocommit=True) as connection:
            connection.execute(AGE)
            wait_for(lambda: connection.execute(PENDING).fetchone() == (0,))
        self._place.done("erasures", "maintain")
        with psycopg.connect(self._superuser) as connection:
            left = connection.execute(OPEN).fetchall()
        self._wrong += [f"an erasure of {each} is {state}" for each, state in left]
        for number, person in enumerate(self._gone, 1):
            if number % COMMAND_EVERY:
                request = Request(server, person)
                request.join()
                self._wrong += request.wrong
                self._happened["erased"] += request.answer.get("state") == "complete"
            else:
                self._happened["erased"] += not any(each == person.id for each, _ in left)

    def _complete(self) -> None:
        """What was acknowledged is there, the log is intact, and who stays can be read."""
        with psycopg.connect(self._superuser) as connection:
            log = set(connection.execute(LOG).fetchall())
        lost = sorted(self._told - log)
        self._happened["events"], self._happened["lost"] = len(log), len(lost)
        self._wrong += [f"event {version} of {stream} is lost" for _, stream, version in lost]
        self._place.done("audit", "check")
        self._in_the_vault("after the erasures")
        stay = {f"{each.id} {k}": v for each in self._stay for k, v in each.values.items()}
        self._export("after", needles(stay), expected=len(stay))

    def _in_the_database(self) -> None:
        """Nothing is in a table, before and after a rebuild; the log has it without the keys."""
        for when in "after the erasures", "after a rebuild":
            found = in_tables(self._superuser, self._wanted)
            places = {name: set(where) - {"hirelog.events"} for name, where in found.items()}
            if "sealed" not in found:
                self._wrong.append(f"{when} the log lacks what was sealed")
            self._find({name: sorted(where) for name, where in places.items() if where}, when)
            self._place.done("projections", "rebuild", "--all", "--json")

    def _in_files(self, folder: Path) -> None:
        wanted = {name: self._wanted[name] for name in ("mark", "wrapped")}
        self._find(in_files(folder, wanted), "in the data directory")
        for name in "said", "ledger", "after.ndjson":
            found: Found = {}
            search(name, (self._place.directory / name).read_bytes(), wanted, found)
            self._find(found, "outside of it")

    def _find(self, found: Found, when: str) -> None:
        self._happened["searched"] += 1
        self._happened["found"] += sum(map(len, found.values()))
        self._wrong += [f"{when}: {name} in {where}" for name, where in found.items()]

    def _put_back(self) -> None:
        """An old copy beside the newer ledger: nobody comes back, and nobody else goes."""
        server = self._place.server()
        try:
            wait_for(lambda: server.port)
            with self._http(server) as http:
                for person in [*self._gone, *self._stay]:
                    details = http.get(f"/v1/candidates/{person.id}").json()["details"]
                    are_gone = set(details.values()) == {REDACTED}
                    if are_gone != (person.mark == GONE):
                        self._wrong.append(f"after a restore {person.id} is {details}")
        finally:
            server.stop()
        self._export("restored", {name: list(forms(name)) for name in (GONE, KEPT)}, expected=1)
        self._in_the_vault("after a restore")

    def _in_the_vault(self, when: str) -> None:
        said = answers(self._place)
        if said != {each.id: answers_of(each) for each in self._stay}:
            self._wrong.append(f"{when} the vault has the answers of {len(said)} people")
