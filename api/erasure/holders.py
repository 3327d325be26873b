"""What may hold something of an erased person, and how each of them lets go of it.

Read models hold sealed names. They are cleaned in every build that there is: the live one when it
has folded the erasure, kept and retired ones at once, those under way when they are done.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg import sql

from api.erasure.presence import DEAD_AFTER_SECONDS
from domain.sealed import pattern_of

State = Literal["pending", "acknowledged", "gone"]

KEYS = "keys"
LEDGER = "deletion-ledger"
FILES = "database-files"

INSERT = """
INSERT INTO hirelog.erasure_holders (erasure_id, holder, state, because)
VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
INSERT_FOUND = """
INSERT INTO hirelog.erasure_holders (erasure_id, holder, because)
SELECT %(erasure)s, 'process:' || process_id, 'process ' || pid || ' on ' || host
  FROM hirelog.processes
 UNION ALL
SELECT %(erasure)s, 'build:' || build, schema_name
  FROM read_models.builds
ON CONFLICT DO NOTHING
"""
SET_STATE = """
UPDATE hirelog.erasure_holders
   SET state = %(state)s, because = coalesce(%(because)s, because), changed_at = now()
 WHERE erasure_id = %(erasure)s AND holder = %(holder)s AND state = 'pending'
"""
PENDING = """
SELECT holder FROM hirelog.erasure_holders WHERE erasure_id = %s AND state = 'pending'
 ORDER BY holder
"""
DROP_DEAD = "DELETE FROM hirelog.processes WHERE seen_at < now() - make_interval(secs => %s)"
PROCESSES_GONE = """
UPDATE hirelog.erasure_holders SET state = 'gone', changed_at = now()
 WHERE erasure_id = %s AND state = 'pending' AND holder LIKE 'process:%%'
   AND NOT EXISTS (SELECT FROM hirelog.processes WHERE holder = 'process:' || process_id)
"""
LOCK_BUILD = """
SELECT schema_name, state, position FROM read_models.builds WHERE build = %s FOR UPDATE
"""
TEXTS = """
SELECT class.relname, attribute.attname, attribute.attnotnull
  FROM pg_class AS class
  JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
 WHERE class.relnamespace = to_regnamespace(quote_ident(%s)) AND class.relkind = 'r'
   AND attribute.atttypid = 'text'::regtype AND attribute.attnum > 0
   AND EXISTS (SELECT FROM pg_attribute AS candidate
                WHERE candidate.attrelid = class.oid AND candidate.attname = 'candidate_id'
                  AND NOT candidate.attisdropped)
 ORDER BY class.relname, attribute.attnum
"""


@dataclass(frozen=True)
class Erasing:
    """What is to be let go of: whose, for which purposes, and where the log says so."""

    erasure_id: UUID
    candidate_id: UUID
    purposes: Collection[str]
    position: int


def find(connection: psycopg.Connection[Any], erasing: Erasing) -> None:
    """Lists whoever may hold something now; the keys are destroyed already."""
    given = erasing.erasure_id
    connection.execute(INSERT, (given, KEYS, "acknowledged", "destroyed with the event"))
    connection.execute(INSERT, (given, LEDGER, "pending", None))
    connection.execute(INSERT, (given, FILES, "pending", "hirelog erasures maintain"))
    connection.execute(INSERT_FOUND, {"erasure": given})


def pending(connection: psycopg.Connection[Any], erasure_id: UUID) -> list[str]:
    """The names of those that have not acknowledged."""
    return [row[0] for row in connection.execute(PENDING, (erasure_id,))]


def set_state(
    connection: psycopg.Connection[Any],
    erasure_id: UUID,
    holder: str,
    state: State,
    because: str | None = None,
) -> None:
    """Says what became of a holder that was pending."""
    given = {"erasure": erasure_id, "holder": holder, "state": state, "because": because}
    connection.execute(SET_STATE, given)


def drop_dead(connection: psycopg.Connection[Any], erasure_id: UUID) -> None:
    """A process that ended, or has shown no sign of life for a minute, holds nothing."""
    connection.execute(DROP_DEAD, (DEAD_AFTER_SECONDS,))
    connection.execute(PROCESSES_GONE, (erasure_id,))


def clean_build(connection: psycopg.Connection[Any], build: int, erasing: Erasing) -> None:
    """Has a build let go of the sealed values, as far as it is ready for that."""
    holder = f"build:{build}"
    with connection.transaction():
        # As the projector does first: nobody moves the build meanwhile.
        row = connection.execute(LOCK_BUILD, (build,)).fetchone()
        if row is None:
            set_state(connection, erasing.erasure_id, holder, "gone", "dropped")
            return
        schema, state, position = row
        if state == "building":
            because = f"{schema} is being built; it is cleaned when it is done or abandoned"
            set_state(connection, erasing.erasure_id, holder, "pending", because)
        elif state == "live" and position < erasing.position:
            because = f"{schema} has not projected position {erasing.position}"
            set_state(connection, erasing.erasure_id, holder, "pending", because)
        else:
            _clean(connection, schema, erasing)
            set_state(connection, erasing.erasure_id, holder, "acknowledged", schema)


def _clean(connection: psycopg.Connection[Any], schema: str, erasing: Erasing) -> None:
    columns: dict[str, list[tuple[str, bool]]] = {}
    for table, column, must_be_there in connection.execute(TEXTS, (schema,)):
        columns.setdefault(table, []).append((column, must_be_there))
    sealed = pattern_of(erasing.purposes)
    for table, found in columns.items():
        connection.execute(
            _update(schema, table, found),
            {"candidate": erasing.candidate_id, "sealed": sealed},
        )


def _update(schema: str, table: str, columns: list[tuple[str, bool]]) -> sql.Composed:
    changes = [
        sql.SQL(
            "{0} = CASE WHEN {0} ~ %(sealed)s THEN "
            + ("split_part({0}, ':', 1) || ':'" if must_be_there else "NULL")
            + " ELSE {0} END"
        ).format(sql.Identifier(name))
        for name, must_be_there in columns
    ]
    holds = [sql.SQL("{} ~ %(sealed)s").format(sql.Identifier(name)) for name, _ in columns]
    return sql.SQL("UPDATE {} SET {} WHERE candidate_id = %(candidate)s AND ({})").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(changes), sql.SQL(" OR ").join(holds)
    )
