"""Officers read published reports over HTTP, word for word, and are told of altered ones."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.wiring import System
from domain.values import now
from projections.adverse_impact.policies import smallest_cell
from projections.adverse_impact.published import Published, Texts, digests, event_of, publish
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, begin, get, pages
from tests.databases import Database
from tests.scenario import by

PATH = "/v1/impact-reports"
WHY = {"Hirelog-Purpose": "Audit 2026"}
TEXTS = Texts('{"about": {}}\n', "a,b\n", "<!doctype html><style>p{}</style><p>ä\n")


def published(system: System, connection: psycopg.Connection) -> UUID:
    metadata = by("officer:kim", occurred_at=now())
    which = Published(
        uuid4(), metadata.occurred_at, "officer:kim", 4, "note", "us-ugesp", "1", **digests(TEXTS)
    )
    event = event_of(which, smallest_cell(metadata.occurred_at.date()))
    publish(connection, which, TEXTS, lambda: system.recruiting.record_upkeep(event, metadata))
    return which.report_id


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        yield connection


def test_a_published_report_is_read_in_each_format_and_that_is_noted(
    http: httpx.Client, as_caller: AsCaller, system: System, connection: psycopg.Connection
) -> None:
    person = begin(http)["id"]
    first, last = published(system, connection), published(system, connection)
    listed = [each for page in pages(http, PATH, limit=1) for each in page]
    assert [each["report_id"] for each in listed] == [str(last), str(first)]
    assert {(each["smallest_group"], each["wrong"]) for each in listed} == {(10, None)}

    kim = as_caller("compliance:kim")
    path = f"{PATH}/{first}"
    assert not complaint(http.get(path, headers=kim), 422, "invalid-request")
    kim |= WHY
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for accept, suffix, media_type, text in (
        ("*/*", "", "application/json", TEXTS.json),
        ("text/csv", "", "text/csv; charset=utf-8", TEXTS.csv),
        (browser, "", "text/html; charset=utf-8", TEXTS.html),
        (browser, "?format=csv", "text/csv; charset=utf-8", TEXTS.csv),
        ("image/png", "", "application/json", TEXTS.json),
    ):
        answer = http.get(path + suffix, headers=kim | {"Accept": accept})
        assert (answer.headers["Content-Type"], answer.content) == (media_type, text.encode())
        allows_style = "style-src" in answer.headers["Content-Security-Policy"]
        assert allows_style == (text is TEXTS.html)
    noted = get(http, "/v1/audit/readings", reader="compliance:kim")["items"]
    assert {(each["what"], each["why"], each["candidate_id"]) for each in noted} == {
        ("impact-report", "Audit 2026", None)
    }
    assert len(noted) == 5
    read_by = get(http, f"/v1/candidates/{person}/access-bundle")["read_by"]
    assert "impact-report" not in {each["what"] for each in read_by}  # it tells of nobody

    assert not complaint(http.get(f"{PATH}/{uuid4()}", headers=kim), 404, "impact-report-not-found")
    assert not complaint(http.get(f"{path}?format=pdf", headers=kim), 422, "invalid-request")


def test_an_altered_report_is_not_given_out(
    http: httpx.Client, system: System, connection: psycopg.Connection
) -> None:
    report = published(system, connection)
    connection.execute("UPDATE hirelog.impact_reports SET csv = 'a,c'")
    for kind in "csv", "json":
        answer = http.get(f"{PATH}/{report}", params={"format": kind})
        assert not complaint(answer, 500, "report-altered")
        assert "its text as CSV" in answer.json()["detail"]
    (listed,) = get(http, PATH)["items"]
    assert listed["wrong"] == "this was altered after it was published: its text as CSV"
