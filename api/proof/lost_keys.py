"""Finds personal values on record that can be read no more, though nobody erased them.

The hashes of the log cover what is sealed, not the keys beside it: a key that was deleted,
exchanged or made anew leaves the log intact and the person unreadable. Self-identifications are
left out, whose keys the service may not see.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import psycopg

from api.wiring import System
from domain.candidate.events import Erased
from domain.recorded import Recorded, event_classes, personal_fields
from domain.values import Loss, Purpose
from projections.compliance_audit.merkle.findings import Finding
from projections.runtime import log

AT_ONCE = 4_096
SELECT_SEALED = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %s AND notification_id <= %s AND topic = ANY (%s)
 ORDER BY notification_id
 LIMIT %s
"""
SELECT_ERASED = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE originator_id = ANY (%s) AND topic = %s
"""

Place = tuple[UUID, Purpose]


def find(
    system: System, connection: psycopg.Connection[Any], advance: Callable[[int], None]
) -> Iterator[Finding]:
    """Each key that is lost, at the position of the first event with a value that it does not open.

    Reads the log once; `advance` is told the position that was reached.
    """
    topics = [
        topic
        for topic, event_class in event_classes().items()
        if {*personal_fields(event_class).values()} - {Purpose.SELF_IDENTIFICATION}
    ]
    said: set[Place] = set()
    position, head = 0, log.head(connection)
    while position < head:
        rows = connection.execute(SELECT_SEALED, (position, head, topics, AT_ONCE)).fetchall()
        position = rows[-1][0] if len(rows) == AT_ONCE else head
        lost = _lost(system, _readable(rows))
        erased = _erased(connection, [place for place, (_, why) in lost.items() if _is_gone(why)])
        for place, (first, why) in lost.items():
            if place in erased or place in said:
                continue
            said.add(place)
            stream, purpose = place
            what = f"the {purpose} key of candidate {stream} {why}, and no erasure is on record"
            yield Finding(first, first, what)
        advance(position)


def _lost(system: System, history: Iterable[Recorded]) -> dict[Place, tuple[int, Loss]]:
    """By key: the first of these positions at which something cannot be read, and why."""
    positions, values = list[int](), list[tuple[UUID, Purpose, str, str]]()
    for recorded in history:
        for field, purpose in personal_fields(type(recorded.event)).items():
            if purpose is not Purpose.SELF_IDENTIFICATION and (
                sealed := getattr(recorded.event, field)
            ):
                positions.append(recorded.position)
                values.append((recorded.originator_id, purpose, field, sealed))
    lost: dict[Place, tuple[int, Loss]] = {}
    for position, (stream, purpose, *_), why in zip(
        positions, values, system.keyring.lost(values), strict=True
    ):
        if why:
            lost.setdefault((stream, purpose), (position, why))
    return lost


def _erased(connection: psycopg.Connection[Any], places: Iterable[Place]) -> set[Place]:
    """Which keys were destroyed by an erasure that is on record."""
    streams = [stream for stream, _ in places]
    rows = connection.execute(SELECT_ERASED, (streams, Erased.TOPIC)).fetchall() if streams else []
    return {
        (recorded.originator_id, purpose)
        for recorded in _readable(rows)
        if isinstance(recorded.event, Erased)
        for purpose in recorded.event.purposes
    }


def _readable(rows: Iterable[tuple[Any, ...]]) -> Iterator[Recorded]:
    for row in rows:
        recorded = log.read(*row)
        if isinstance(recorded, Recorded):
            yield recorded


def _is_gone(why: Loss) -> bool:
    return why is not Loss.USELESS
