"""Notices a process that keeps another deletion ledger than the database knows.

What is erased through one would not be erased again from a backup by who reads the other.
"""

import socket
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row

from api.erasure.ledger import Ledger

INSERT = """
INSERT INTO hirelog.deletion_ledger (ledger_id, host, path)
VALUES (%(ledger_id)s, %(host)s, %(path)s)
ON CONFLICT DO NOTHING
"""
SELECT = "SELECT ledger_id, host, path FROM hirelog.deletion_ledger"
UPDATE = """
UPDATE hirelog.deletion_ledger
   SET ledger_id = %(ledger_id)s, host = %(host)s, path = %(path)s, known_since = now()
"""


@dataclass(frozen=True)
class Known:
    """The ledger by the name that stands in it, and where it was when it became known."""

    ledger_id: UUID
    host: str
    path: str


def trouble(connection: psycopg.Connection[Any], ledger: Ledger, names: set[UUID]) -> str | None:
    """What is wrong with the ledger of these names, and what to do; None where it is known.

    The first becomes known; one that was lost from its place is begun anew there. Raises OSError.
    """
    here = _here(ledger, next(iter(names), None) or uuid4())
    connection.execute(INSERT, vars(here))
    with connection.cursor(row_factory=class_row(Known)) as cursor:
        known = cursor.execute(SELECT).fetchone()
    assert known is not None  # noqa: S101  # inserted above
    if known.ledger_id in names:
        return None
    if not names and (known.host, known.path) == (here.host, here.path):
        ledger.be_known_as(known.ledger_id)
        return None
    return (
        f"the deletion ledger {here.path} is not the one that this database knows, which was "
        f"{known.path} on {known.host}: name that file in HIRELOG_ERASURE_LEDGER, or append it to "
        "this one; if it is lost, or others keep it as well, hirelog erasures adopt-ledger makes "
        "this one known instead"
    )


def adopt(connection: psycopg.Connection[Any], ledger: Ledger) -> None:
    """Makes this the ledger that the database knows. Raises OSError."""
    own = _here(ledger, uuid4())
    ledger.be_known_as(own.ledger_id)
    connection.execute(UPDATE, vars(own))


def _here(ledger: Ledger, name: UUID) -> Known:
    return Known(name, socket.gethostname(), str(ledger.path.absolute()))
