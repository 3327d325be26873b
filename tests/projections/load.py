"""Load on a system: who appends all the time, and who reads and sees things only grow."""

from collections.abc import Iterable
from contextlib import suppress
from random import Random
from threading import Event, Thread
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg

from api.wiring import System
from domain.candidate.intents import Apply, Contact, Source
from domain.errors import Refusal
from domain.job import OpenJob
from tests.scenario import by

# Each value only grows, with the model or with the position of its live build.
GROWS: dict[str, LiteralString] = {
    "applications": "SELECT count(*), max(first_position), max(last_position)"
    " FROM ats_pipeline.applications",
    "board": "SELECT count(*) FROM ats_pipeline.applications JOIN ats_pipeline.jobs USING (job_id)",
    "visits": "SELECT count(*), count(DISTINCT application_id) FROM ats_pipeline.stage_visits",
    "people": "SELECT count(*), sum(touches), max(first_position) FROM crm_engagement.candidates",
    "touchpoints": "SELECT count(*), max(position) FROM crm_engagement.touchpoints",
    "entries": "SELECT count(*), max(position) FROM compliance_audit.entries",
    "positions": "SELECT min(position), max(position) FROM read_models.builds WHERE state = 'live'",
}


class Reader(Thread):
    """Asks again and again; keeps what went wrong."""

    def __init__(self, conninfo: str, stop: Event) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.asked = 0
        self._conninfo, self._stop_asking = conninfo, stop
        self._last: dict[str, tuple[Any, ...]] = {}
        self.start()

    def run(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            while not self._stop_asking.wait(0.01):
                for name, query in GROWS.items():
                    try:
                        self._look(name, connection.execute(query).fetchone() or ())
                    except Exception as error:  # noqa: BLE001  # whatever it is, it must not be
                        self.wrong.append(f"{name}: {error!r}")

    def _look(self, name: str, now: tuple[Any, ...]) -> None:
        before = self._last.setdefault(name, now)
        if not all(now) or any(new < old for new, old in zip(now, before, strict=True)):
            self.wrong.append(f"{name}: {now} after {before}")
        self._last[name] = now
        self.asked += 1


def append_until(system: System, stop: Event, people: Iterable[UUID] = ()) -> None:
    """Lets new people apply, and writes to some of those who are on record."""
    job, on_record, pick = uuid4(), list(people), Random(1)
    record = system.recruiting.record
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=("A", "B")), by())
    while not stop.wait(0.01):
        candidate = uuid4()
        record(candidate, Source(source="Fair", name="Ada"), by())
        record(candidate, Contact(message_id="m1", channel="email"), by())
        record(candidate, Apply(job_id=job, source="Mail"), by())
        on_record.append(candidate)
        message = Contact(message_id=str(candidate), channel="email")
        with suppress(Refusal):  # from who wants no messages
            record(pick.choice(on_record), message, by())
