"""A key that was taken from a person who was not erased is noticed and told by its place."""

from uuid import uuid4

import psycopg

from api.erasure.eraser import Asked
from api.proof import lost_keys
from api.wiring import System
from domain.candidate.intents import Note, Source, UpdateProfile
from domain.erasure import EVERY_PURPOSE
from domain.values import Purpose
from tests.databases import Database
from tests.scenario import by

OF = " WHERE candidate_id = %s AND purpose = 'contact'"
DELETE = "DELETE FROM hirelog.candidate_keys" + OF
DESTROY = "UPDATE hirelog.candidate_keys SET wrapped_key = NULL, destroyed_at = now()" + OF
SHORTEN = "UPDATE hirelog.candidate_keys SET wrapped_key = 'x'" + OF
ALTER = """
UPDATE hirelog.events
   SET state = convert_to(replace(convert_from(state, 'UTF8'), 'contact:', %s), 'UTF8')
 WHERE notification_id = %s
"""
SWAP = """
UPDATE hirelog.candidate_keys AS key SET wrapped_key = other.wrapped_key
  FROM hirelog.candidate_keys AS other
 WHERE key.candidate_id <> other.candidate_id
   AND key.candidate_id = ANY (%(two)s) AND other.candidate_id = ANY (%(two)s)
   AND key.purpose = 'contact' AND other.purpose = 'contact'
"""


def found(system: System) -> list[str]:
    reached: list[int] = []
    with system.pool.connection() as connection:
        lost = [str(each) for each in lost_keys.find(system, connection, reached.append)]
    assert reached[-1] == system.recruiting.recorder.max_notification_id()
    return lost


def test_what_was_done_to_keys_by_hand_is_told(system: System, database: Database) -> None:
    people = {
        name: uuid4()
        for name in (
            *("whole", "erased", "partly", "deleted", "renewed", "gone", "cut", "one", "two"),
            *("tag", "value"),
        )
    }
    at: dict[str, int] = {}
    for name, person in people.items():
        source = Source(source="Fair", name="Ada Ruiz")
        at[name] = system.recruiting.record(person, source, by("ana")).position
        system.recruiting.record(person, Note(text="Speaks Basque."), by("ana"))
    for name, purposes in ("erased", EVERY_PURPOSE), ("partly", (Purpose.CONTACT,)):
        asked = Asked(people[name], "gdpr-art-17-1-a", purposes)
        system.eraser.request(uuid4(), asked, by("kim"))
    assert found(system) == []

    def by_hand(statement: str, *given: object) -> None:
        with psycopg.connect(database.superuser) as connection:
            connection.execute(statement.encode(), given)

    by_hand(DELETE, people["deleted"])
    by_hand(DELETE, people["renewed"])
    system.keyring.forget([people["renewed"]])
    system.recruiting.record(people["renewed"], UpdateProfile(email="a@example.org"), by("ana"))
    by_hand(DESTROY, people["gone"])
    by_hand(SHORTEN, people["cut"])
    for name, altered in ("tag", "contAct:"), ("value", "contact:AAAA"):
        update = UpdateProfile(email="a@example.org")
        at[name] = system.recruiting.record(people[name], update, by("ana")).position
        by_hand(ALTER, altered, at[name])
    with psycopg.connect(database.superuser) as connection:
        connection.execute(SWAP, {"two": [people["one"], people["two"]]})
    expected = {
        "deleted": "is missing",
        "renewed": "does not open what it sealed",
        "gone": "was destroyed",
        "cut": "does not open what it sealed",
        "one": "does not open what it sealed",
        "two": "does not open what it sealed",
        "tag": "does not open what it sealed",  # of the event that was altered
        "value": "does not open what it sealed",
    }
    assert found(system) == [
        f"position {at[name]}: the contact key of candidate {people[name]} {why}, "
        "and no erasure is on record"
        for name, why in expected.items()
    ]
