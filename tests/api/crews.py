"""Imports by several processes, and what they leave."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from msgspec import structs
from pydantic import SecretStr

from api.interchange.batch import Report
from api.interchange.crew import Crew, crew
from api.interchange.share import Bounds
from api.settings import Settings
from api.wiring import System
from domain.recorded import decode
from tests.databases import Database

Histories = dict[UUID, list[tuple[str, dict[str, Any]]]]


@contextmanager
def working(
    system: System, database: Database, processes: int, bounds: Bounds | None = None
) -> Iterator[Crew]:
    url = SecretStr(database.service)
    settings = Settings(data_dir=system.settings.data_dir, database_url=url)
    with crew(settings, "there", processes, bounds) as together:
        yield together


def histories(database: Database) -> Histories:
    """Every stream, without what differs each time: positions, recorded_at and sealed values."""
    with psycopg.connect(database.service) as connection:
        rows = connection.execute(
            "SELECT originator_id, topic, state FROM hirelog.events"
            " ORDER BY originator_id, originator_version"
        ).fetchall()
    found: Histories = {}
    for stream, topic, state in rows:
        event, metadata = decode(topic, state)
        clear = {
            name: value
            for name, value in structs.asdict(event).items()
            if not str(value).startswith(("contact:", "evaluation:"))
        }
        known = structs.asdict(metadata)
        del known["recorded_at"]
        found.setdefault(stream, []).append((topic, clear | known))
    return found


def import_by(system: System, database: Database, file: Path, processes: int) -> Report:
    with working(system, database, processes) as together:
        report = together.check(file)
        together.load(file, system, report, lambda _: None)
    return report
