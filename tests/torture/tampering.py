"""Alters a sealed log in the database, one thing at a time: each is found, and at its place.

What looks for it is what `hirelog audit check` calls, with the log's key and with checkpoints that
were kept elsewhere; now and then it is the command itself. Between two alterations the log is as it
was, and nothing may be found.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from api.demonstration import company, load
from api.erasure.eraser import Asked
from api.proof import checking, signing
from api.wiring import System, opened_vault
from domain.intake import Intake
from domain.recorded import Metadata
from domain.self_identification import IdentifySelf
from domain.store.embedded import SUPERUSER, attach
from domain.values import Purpose, now
from migrations.bootstrap import DATABASE, OWNER
from projections.compliance_audit.merkle.findings import Finding
from projections.compliance_audit.merkle.note import Signer
from tests.bench.bench import UNTIL, Bench, bench, environ
from tests.databases import Database
from tests.projections.merkle.sealed import Sealed
from tests.torture.alterations import (
    EVENTS,
    SIGNED,
    Altered,
    Kind,
    Range,
    Tampering,
    flip_state,
)
from tests.torture.alterations_of_keys import KEYS
from tests.torture.report import report, say

CHECKPOINTS = 6
CANDIDATES = 50  # whose histories come before each
ERASED = (tuple(Purpose), (Purpose.CONTACT,))  # before each: one person, and half of another
COMMAND_SECONDS = 60.0  # after which it hangs
LIMIT = "SET statement_timeout = '60s'"  # so does a check
BY_COMMAND = 40  # one in so many alterations
SHOWN = 3  # findings

TABLES = ("events", "log_checkpoints", "log_subtrees", "log_identity", "candidate_keys")
RULES = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
 WHERE conrelid = ANY (%s::text[]::regclass[]) AND contype IN ('c', 'p', 'u')
"""
KINDS = (*EVENTS, *SIGNED, *KEYS)
SEALED = re.compile(rb'"(contact|evaluation):')
PRESENT_KEYS = (
    "SELECT candidate_id, purpose FROM hirelog.candidate_keys WHERE wrapped_key IS NOT NULL"
)
STATES = "SELECT notification_id, originator_id, state FROM hirelog.events ORDER BY 1"
ERASURES = """
SELECT notification_id, originator_id,
       ARRAY(SELECT jsonb_array_elements_text(
                        convert_from(state, 'UTF8')::jsonb #> '{event,purposes}'))
  FROM hirelog.events WHERE topic = 'candidate.erased'
"""
SEGMENTS = "SELECT since, size FROM hirelog.log_checkpoints ORDER BY size"


def run(alterations: int, seed: int) -> bool:
    """Whether each was found where it was made; prints what happened."""
    happened, wrong = Counter[str](), list[str]()
    with bench(0, 0, quiet=True) as shared, attach(shared.data_dir) as server:
        service, owner, superuser = (
            server.conninfo(user, DATABASE) for user in ("hirelog_service", OWNER, SUPERUSER)
        )
        log = Sealed(Database(service, owner, superuser), [])
        kept = record(shared.system, seed)
        may_do_everything(log)
        tampering = _tampering(shared, log, Random(seed))
        happened["events"], happened["checkpoints"] = tampering.head, len(tampering.segments)
        say(f"{tampering.head} events are on record; {alterations} alterations begin, seed {seed}")
        check = Check(shared, tampering, kept)
        for number, kind in enumerate(_kinds(tampering.pick, alterations)):
            altered = kind(tampering)
            found = check()
            happened["altered"] += 1
            happened["detected"] += bool(found)
            happened["missed"] += not found
            happened["located"] += is_located(found, altered, tampering.erased)
            if not is_located(found, altered, tampering.erased):
                wrong.append(f"{kind.__name__} at {altered.places[:SHOWN]}: {_told(found)}")
            if number % BY_COMMAND == 0:
                happened["by the command"] += 1
                wrong += check.by_command(found)
            take_back(log)
            if alarms := check():
                happened["false alarms"] += 1
                wrong.append(f"after {kind.__name__} was taken back: {_told(alarms)}")
        wrong += check.by_command([])
    counts = ("events", "checkpoints", "altered", "detected", "located", "missed")
    return report(happened, (*counts, "by the command", "false alarms"), wrong)


def record(system: System, seed: int) -> list[str]:
    """A log with everything in it that a log may hold; the notes of its checkpoints."""
    kept = []
    with opened_vault(system) as vault, system.pool.connection() as connection:
        sealer = signing.sealer(system.settings, connection)
        for number in range(CHECKPOINTS):
            steps = list(company(CANDIDATES, seed=seed * CHECKPOINTS + number, until=UNTIL))
            load(Intake(system.recruiting), steps, lambda _: None)
            people = list(dict.fromkeys(step.stream for step in steps if not step.of_job))
            answers = IdentifySelf(answers={"sex": "declined", "race": "Lenape"})
            vault.record(dict.fromkeys(people[::3], answers), _metadata())
            for person, purposes in zip(people, ERASED, strict=False):
                asked = Asked(person, "gdpr-art-17-1-a", purposes)
                system.eraser.request(uuid4(), asked, _metadata())
            signed = sealer.seal(connection)
            assert signed is not None
            kept.append(signed.note)
    return kept


def _metadata() -> Metadata:
    return Metadata(
        actor="compliance:kim", command_id=uuid4(), occurred_at=now(), recorded_at=now()
    )


def may_do_everything(log: Sealed) -> None:
    """No rule of the database stands in the way, and a copy is kept of what will be altered."""
    tables = [f"hirelog.{table}" for table in TABLES]
    with psycopg.connect(log.database.superuser) as connection:
        for table, rule in connection.execute(RULES, (tables,)).fetchall():
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            connection.execute(drop.format(sql.SQL(table), sql.Identifier(rule)))
        connection.execute("DROP INDEX hirelog.events_notification_id_idx")
        connection.execute("CREATE SCHEMA untouched")
        for table in TABLES:
            copy = sql.SQL("CREATE TABLE untouched.{0} AS TABLE hirelog.{0}")
            connection.execute(copy.format(sql.Identifier(table)))


def take_back(log: Sealed) -> None:
    """The tables are as they were."""
    with psycopg.connect(log.database.superuser) as connection:
        for table in map(sql.Identifier, TABLES):
            connection.execute(sql.SQL("TRUNCATE hirelog.{}").format(table))
            back = sql.SQL("INSERT INTO hirelog.{0} SELECT * FROM untouched.{0}")
            connection.execute(back.format(table))


def _tampering(shared: Bench, log: Sealed, pick: Random) -> Tampering:
    settings = shared.system.settings
    with psycopg.connect(log.database.superuser) as connection:
        keys = set(connection.execute(PRESENT_KEYS).fetchall())
        first: dict[tuple[UUID, str], int] = {}
        for position, stream, state in connection.execute(STATES):
            for purpose in map(bytes.decode, SEALED.findall(state)):
                first.setdefault((stream, purpose), position)
        erased = {
            position: [first[stream, each] for each in purposes if (stream, each) in first]
            for position, stream, purposes in connection.execute(ERASURES)
        }
        segments = connection.execute(SEGMENTS).fetchall()
        key = signing.sealer(settings, connection).key
    signer = Signer(key.name, signing.seed_of(settings, is_new=False))
    there = {key: position for key, position in first.items() if key in keys}
    return Tampering(log, pick, signer, shared.head(), segments, there, erased)


def _kinds(pick: Random, alterations: int) -> Iterator[Kind]:
    """Each once, and then most often what is altered in an event."""
    yield from KINDS[:alterations]
    for _ in range(alterations - len(KINDS)):
        yield pick.choice([*KINDS, *EVENTS, flip_state, flip_state, flip_state])


class Check:
    """Looks for whatever was altered."""

    def __init__(self, shared: Bench, log: Tampering, kept: Sequence[str]) -> None:
        self._system, self._key, self._kept = shared.system, log.signer.key, kept
        self._data_dir = shared.data_dir
        self._file = shared.data_dir.parent / "kept"
        self._file.write_text("".join(kept))  # as HIRELOG_CHECKPOINT_FILE has them

    def __call__(self) -> list[Finding]:
        with self._system.pool.connection() as connection:
            connection.execute(LIMIT)
            found = checking.check_all(self._system, connection, self._key, self._kept, quiet=True)
        return found.log.findings

    def by_command(self, expected: Sequence[Finding]) -> Iterator[str]:
        """What is wrong with how the command does."""
        command = [sys.executable, "-m", "api.cli", "audit", "check", "--json"]
        given = ["--key", str(self._key), "--checkpoint", str(self._file)]
        ended = subprocess.run(
            [*command, *given],
            env=environ(self._data_dir),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        if ended.returncode != bool(expected) or ended.stderr:
            yield f"the command ended with {ended.returncode}: {ended.stderr}"
        elif [Finding(**each) for each in json.loads(ended.stdout)["findings"]] != expected:
            yield f"the command found something else than {_told(expected)}: {ended.stdout}"


def is_located(
    found: Sequence[Finding], altered: Altered, erased: Mapping[int, Sequence[int]]
) -> bool:
    """Whether something was found in each place, and nothing where nothing was altered.

    Where an erasure is among what was altered, the keys that it destroyed are missed.
    """
    within = [*altered.places, *altered.beside]
    for position, missed in erased.items():
        if any(first <= position <= last for first, last in within):
            within += [(each, each) for each in missed]

    def lies_in(each: Finding, places: Sequence[Range]) -> bool:
        return any(first <= each.first and each.last <= last for first, last in places)

    return all(any(lies_in(each, [place]) for each in found) for place in altered.places) and all(
        lies_in(each, within) for each in found
    )


def _told(found: Sequence[Finding]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(map(str, found[:SHOWN])) + more if found else "nothing was found"
