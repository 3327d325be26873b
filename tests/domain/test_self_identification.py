"""What is kept of self-identification, and that recruiting's database role reaches none of it."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from msgspec import structs
from psycopg import sql

from api.erasure.eraser import Asked
from api.wiring import System, opened_vault
from domain.candidate.intents import Source
from domain.errors import CandidateErased, OccurredInFuture
from domain.recorded import Metadata
from domain.self_identification import IdentifySelf
from domain.values import REDACTED, now
from tests.databases import Database, wait_until_projected
from tests.projections.test_projector import project_to_the_end
from tests.scenario import ACTOR, CANDIDATE, NOW

OTHER = UUID("c0000000-0000-4000-8000-000000000002")
SECRET = "Lenape, of a wolf clan"


def metadata() -> Metadata:
    return Metadata(actor=ACTOR, command_id=uuid4(), occurred_at=now(), recorded_at=now())


def said(**answers: str) -> IdentifySelf:
    return IdentifySelf(answers=answers)


def test_the_last_answers_stand_and_declined_is_one_of_them(system: System) -> None:
    with opened_vault(system) as vault:
        first = {CANDIDATE: said(race=SECRET, sex="declined"), OTHER: said(sex="female")}
        assert vault.record(first, metadata()) == 2
        assert vault.record(first, metadata()) == 0
        assert vault.record({CANDIDATE: said(sex="male", race=SECRET)}, metadata()) == 1
        assert vault.answers(until=2) == {
            CANDIDATE: {"race": SECRET, "sex": "declined"},
            OTHER: {"sex": "female"},
        }
        assert vault.answers(until=3)[CANDIDATE] == {"race": SECRET, "sex": "male"}
    with opened_vault(system) as another:  # which remembers nothing
        assert another.answers(until=3)[CANDIDATE] == {"race": SECRET, "sex": "male"}


def test_what_lies_in_the_future_is_refused(system: System) -> None:
    future = structs.replace(metadata(), occurred_at=NOW.replace(year=2999))
    with opened_vault(system) as vault, pytest.raises(OccurredInFuture):
        vault.record({CANDIDATE: said(sex="female")}, future)


def test_the_role_of_recruiting_reaches_nothing_on_the_database(
    system: System, database: Database
) -> None:
    with opened_vault(system) as vault:
        vault.record({CANDIDATE: said(race=SECRET)}, metadata())
        stream = vault.stream_of(CANDIDATE)
    project_to_the_end(system.conninfo)

    keys = "SELECT candidate_id FROM hirelog.candidate_keys"
    with psycopg.connect(database.owner) as owner:
        assert owner.execute(keys).fetchall() == [(stream,)]  # there is one
    with psycopg.connect(database.service, autocommit=True) as recruiter:
        assert recruiter.execute("SELECT current_user").fetchone() == ("hirelog_service",)
        assert recruiter.execute(keys).fetchall() == []
        for forbidden in (
            "UPDATE hirelog.candidate_keys SET destroyed_at = now()",
            "SET ROLE hirelog_self_identification",
            "SET ROLE hirelog_owner",
            "ALTER TABLE hirelog.candidate_keys DISABLE ROW LEVEL SECURITY",
            "DROP POLICY all_but_self_identification ON hirelog.candidate_keys",
            "GRANT hirelog_self_identification TO hirelog_service",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                recruiter.execute(forbidden)
        recruiter.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            recruiter.execute(keys)
        recruiter.execute("SET row_security = on")

        everything = whatever_is_visible(recruiter)
        assert stream.hex in everything.replace("-", "")  # the event itself is in the log
        assert SECRET not in everything
        assert SECRET.encode().hex() not in everything
        assert str(CANDIDATE) not in everything
        assert str(CANDIDATE).encode().hex() not in everything


def whatever_is_visible(connection: psycopg.Connection) -> str:
    """Every row of every table that this role may read, as text, bytes also as hexadecimal."""
    tables = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        " AND has_table_privilege(format('%I.%I', table_schema, table_name), 'SELECT')"
    ).fetchall()
    assert ("hirelog", "events") in tables
    found = ""
    for schema, table in tables:
        query = sql.SQL("SELECT each::text FROM {} AS each").format(sql.Identifier(schema, table))
        found += "".join(row[0] for row in connection.execute(query))
    for (state,) in connection.execute("SELECT state FROM hirelog.events"):
        found += state.decode()
    return found


def test_a_recruiter_finds_nothing_over_http(
    projected: System, http: httpx.Client, as_caller: Callable[..., dict[str, str]]
) -> None:
    with opened_vault(projected) as vault:
        vault.record({CANDIDATE: said(race=SECRET)}, metadata())
        stream = vault.stream_of(CANDIDATE)
    wait_until_projected(projected.conninfo)
    recruiter = as_caller("recruiter:ana")
    for path in (
        *(f"/v1/candidates/{each}" for each in (stream, CANDIDATE)),
        *(f"/v1/candidates/{each}/interactions" for each in (stream, CANDIDATE)),
        f"/v1/jobs/{stream}/board",
    ):
        answer = http.get(path, headers=recruiter)
        assert answer.status_code == 404, path
    for caller in (recruiter, as_caller("compliance:kim")):
        for path in ("/v1/applications", "/v1/engagement/candidates", "/v1/audit/entries"):
            answer = http.get(path, headers=caller)
            assert answer.status_code in {200, 403}
            assert SECRET not in answer.text
            assert str(CANDIDATE) not in answer.text


def test_the_service_cannot_open_what_it_reads_in_the_log(system: System) -> None:
    with opened_vault(system) as vault:
        vault.record({CANDIDATE: said(race=SECRET), OTHER: said(sex="male")}, metadata())
        streams = [vault.stream_of(CANDIDATE), vault.stream_of(OTHER)]
    (recorded,) = system.recruiting.history(streams[0])  # with the master key at hand
    assert structs.asdict(recorded.event) == {"candidate_id": REDACTED, "answers": REDACTED}
    one, other = system.recruiting.recorder.select_histories(streams)
    assert len(one.state) == len(other.state)  # from which nobody can tell who said what


def test_an_erasure_takes_the_answers_with_it(system: System) -> None:
    begun = Source(source="Fair", name="Ada Ruiz")
    system.recruiting.record(CANDIDATE, begun, metadata(), begin=True)
    with opened_vault(system) as vault:
        vault.record({CANDIDATE: said(race=SECRET)}, metadata())
        assert SECRET in str(vault.answers(until=9))
    system.eraser.request(uuid4(), Asked(CANDIDATE, "gdpr-art-17-1-a"), metadata())
    with opened_vault(system) as vault:
        assert vault.answers(until=9) == {}


def test_answers_of_an_erased_person_are_refused_instead_of_lost(system: System) -> None:
    begun = Source(source="Fair", name="Ada Ruiz")
    system.recruiting.record(CANDIDATE, begun, metadata(), begin=True)
    with opened_vault(system) as vault:
        vault.record({CANDIDATE: said(race=SECRET)}, metadata())
        system.eraser.request(uuid4(), Asked(CANDIDATE, "gdpr-art-17-1-a"), metadata())
        before = system.recruiting.recorder.max_notification_id()
        both = {OTHER: said(sex="female"), CANDIDATE: said(sex="female")}
        assert vault.erased(both) == {CANDIDATE}
        with pytest.raises(CandidateErased, match=str(CANDIDATE)):
            vault.record(both, metadata())
        assert system.recruiting.recorder.max_notification_id() == before


def test_an_open_vault_forgets_who_is_erased(system: System) -> None:
    begun = Source(source="Fair", name="Ada Ruiz")
    system.recruiting.record(CANDIDATE, begun, metadata(), begin=True)
    with opened_vault(system) as vault:
        vault.record({CANDIDATE: said(race=SECRET)}, metadata())
        assert SECRET in str(vault.answers(until=9))
        system.eraser.request(uuid4(), Asked(CANDIDATE, "gdpr-art-17-1-a"), metadata())
        deadline = time.monotonic() + 20
        while vault.answers(until=9):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not system.forgetters
