"""People to erase, and what is left to do for them."""

from uuid import UUID, uuid4

from api.erasure import listing
from api.erasure.eraser import Asked
from api.wiring import System
from domain.candidate.intents import Apply, Note
from domain.erasure import EVERY_PURPOSE
from domain.job import OpenJob
from domain.values import Purpose
from tests.databases import all_rows
from tests.scenario import by

NAME = "Zoë Quintessa"
BASIS = "gdpr-art-17-1-b"
GARBLE = "UPDATE hirelog.events SET state = 'x' WHERE originator_id = %s AND originator_version = 2"
SHORTEN = "UPDATE hirelog.candidate_keys SET wrapped_key = 'x' WHERE candidate_id = %s"


def applicant(system: System) -> UUID:
    job, person = uuid4(), uuid4()
    system.recruiting.record_job(job, OpenJob(title="Analyst", stages=("A",)), by("ana"))
    apply = Apply(job_id=job, source="Site", name=NAME, email="zoe@example.org")
    system.recruiting.record(person, apply, by("ana"), begin=True)
    system.recruiting.record(person, Note(text="Calm under pressure"), by("ana"))
    return person


def erase(system: System, person: UUID, *purposes: Purpose) -> UUID:
    erasure_id = uuid4()
    asked = Asked(person, BASIS, purposes or EVERY_PURPOSE)
    system.eraser.request(erasure_id, asked, by("compliance:kim"))
    return erasure_id


def states(system: System, erasure_id: UUID) -> dict[str, str]:
    with system.pool.connection() as connection:
        found = listing.holders(connection, erasure_id)
    return {each.holder: each.state for each in found}


def pending(system: System, erasure_id: UUID) -> set[str]:
    return {name for name, state in states(system, erasure_id).items() if state == "pending"}


def sealed(conninfo: str) -> list[str]:
    rows = all_rows(conninfo)
    people = [*rows["ats_pipeline.people"], *rows["crm_engagement.candidates"]]
    return [row[1] for row in people if row[1]]
