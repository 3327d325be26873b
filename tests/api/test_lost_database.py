"""A database that goes away, only reads, is empty or lives elsewhere, and comes back."""

import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import LiteralString

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.api.bad_input import MARK, Known, complaint, none_wrong
from tests.api.talk import Json
from tests.databases import Database, wait_until_projected

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@contextmanager
def altered(database: Database, there: LiteralString, back: LiteralString) -> Iterator[None]:
    """A setting of the database, changed for all connections and then changed back."""
    name = str(conninfo_to_dict(database.superuser)["dbname"])
    elsewhere = make_conninfo(database.superuser, dbname="postgres")

    def alter(change: LiteralString) -> None:
        statement = sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(name), sql.SQL(change))
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(statement)
            connection.execute(TERMINATE, (name,))

    alter(there)
    try:
        yield
    finally:
        alter(back)


Request = tuple[str, str, Json | None]


def reads(known: Known) -> list[Request]:
    """A request for each route that asks the database."""
    paths = [
        *("/readyz", "/v1/jobs", "/v1/applications", "/v1/audit/entries", "/v1/projections"),
        *("/v1/engagement/candidates", f"/v1/engagement/candidates/{known.candidate}"),
        *(f"/v1/jobs/{known.job}", f"/v1/jobs/{known.job}/board", known.path),
        *(f"/v1/applications/{known.application}", f"/v1/candidates/{known.candidate}"),
        f"/v1/candidates/{known.candidate}?as_of=2027-01-01T00:00:00Z",
    ]
    return [("GET", path, None) for path in paths]


def writes(known: Known) -> list[Request]:
    """A request for each route that records something."""
    return [
        ("POST", "/v1/jobs", {"type": "opened", "title": MARK}),
        ("POST", f"/v1/jobs/{known.job}/interactions", {"type": "closed"}),
        ("POST", "/v1/candidates", {"type": "sourced", "source": "Fair", "name": MARK}),
        ("POST", known.path, {"type": "noted", "text": MARK}),
    ]


def send(known: Known, request: Request) -> tuple[Request, httpx.Response, float]:
    method, path, body = request
    began = time.monotonic()
    answer = known.http.request(method, path, json=body, headers={"Connection": "close"})
    return request, answer, time.monotonic() - began


def unavailable(answers: Iterable[tuple[Request, httpx.Response, float]]) -> dict[str, str | None]:
    """What is wrong with answers that should tell to come back later."""
    return {
        f"{method} {path}": complaint(answer, 503, "database-unavailable")
        or (None if answer.headers.get("Retry-After") else "no Retry-After")
        or (None if seconds < 10 else f"took {seconds} s")
        for (method, path, _), answer, seconds in answers
    }


def test_database_that_goes_away_and_comes_back(applicant: Known, database: Database) -> None:
    asked = reads(applicant) + writes(applicant)
    before = applicant.events()
    with altered(database, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"):
        began = time.monotonic()
        with ThreadPoolExecutor(len(asked)) as threads:
            answers = list(threads.map(lambda request: send(applicant, request), asked))
        none_wrong(unavailable(answers))
        assert applicant.http.get("/healthz").status_code == 200
        while time.monotonic() - began < 9:  # long enough for a growing pause to show
            none_wrong(unavailable([send(applicant, ("GET", "/readyz", None))]))
    # A client that heeds Retry-After finds it well at the second attempt.
    deadline = time.monotonic() + 4
    while bad := [
        (request, answer.text)
        for request, answer, _ in (send(applicant, request) for request in reads(applicant))
        if answer.status_code != 200
    ]:
        assert time.monotonic() < deadline, bad
        time.sleep(0.1)
    assert applicant.events() == before
    assert {send(applicant, request)[1].status_code for request in writes(applicant)} == {201}
    wait_until_projected(applicant.system.conninfo)


def test_database_that_only_reads(applicant: Known, database: Database) -> None:
    """As after a failover to a standby."""
    read_only = "SET default_transaction_read_only = on"
    with altered(database, read_only, "RESET default_transaction_read_only"):
        none_wrong(unavailable(send(applicant, request) for request in writes(applicant)))
        answers = [send(applicant, request)[1].status_code for request in reads(applicant)]
        assert set(answers) <= {200, 503}


def test_ready_only_with_read_models(applicant: Known, database: Database) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute("DROP SCHEMA read_models CASCADE")
    answer = applicant.http.get("/readyz")
    assert not complaint(answer, 503, "database-unavailable"), answer.text


def test_database_that_lives_in_another_time_zone(applicant: Known, database: Database) -> None:
    """All times come back in UTC, also those that have no date in the years of that zone."""
    http, first = applicant.http, "0001-01-01T00:00:00Z"
    with altered(database, "SET timezone = 'America/New_York'", "RESET timezone"):
        early = {"type": "sourced", "source": "Fair", "occurred_at": first}
        begun = http.post("/v1/candidates", json=early).json()
        path = f"/v1/candidates/{begun['id']}/interactions"
        noted = http.post(path, json={"type": "replied", "text": MARK}).json()["events"][0]
        wait_until_projected(applicant.system.conninfo)
        for request in reads(applicant):
            answer = send(applicant, request)[1]
            assert answer.status_code == 200, answer.text
            assert not re.search(r"\d[+-]\d\d:\d\d\"", answer.text), answer.text
        entries = http.get("/v1/audit/entries", params={"candidate": begun["id"]}).json()["items"]
        assert [each["occurred_at"] for each in entries] == [noted["occurred_at"], first]
