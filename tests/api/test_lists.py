"""Lists over real HTTP: each filter alone and with others, and pages that hold every item once."""

from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.wiring import System
from tests.api.bad_input import complaint
from tests.api.talk import (
    AsCaller,
    Ask,
    Json,
    ago,
    apply,
    begin,
    get,
    names,
    open_job,
    pages,
    post,
    say,
)
from tests.databases import Database

SHORTEN = "UPDATE hirelog.candidate_keys SET wrapped_key = 'x' WHERE candidate_id = %s"


def test_applications_by_each_filter(
    http: httpx.Client, ask: Ask, projected: System, database: Database
) -> None:
    job, other = open_job(http), open_job(http, title="Designer")
    ann, of_ann = apply(http, job, "Ann", source="Fair", occurred_at=ago(days=9))
    apply(http, job, "Ben", source="Board", occurred_at=ago(days=5))
    cyd, of_cyd = apply(http, other, "Cyd", source="Fair", occurred_at=ago(days=1))
    say(http, ann, "advanced", application_id=of_ann, to_stage="Onsite", occurred_at=ago(days=2))
    say(http, cyd, "withdrawn", application_id=of_cyd)

    cases: list[tuple[Json, list[str]]] = [
        ({}, ["Cyd", "Ben", "Ann"]),
        ({"job": job}, ["Ben", "Ann"]),
        ({"job": str(uuid4())}, []),
        ({"candidate": ann}, ["Ann"]),
        ({"stage": "Onsite"}, ["Ann"]),
        ({"stage": "Application review", "status": "active"}, ["Ben"]),
        ({"status": "withdrawn"}, ["Cyd"]),
        ({"status": "active"}, ["Ben", "Ann"]),
        ({"source": "Fair"}, ["Cyd", "Ann"]),
        ({"source": "Fair", "job": job}, ["Ann"]),
        ({"min_days_in_stage": 3}, ["Ben"]),
        ({"min_days_in_stage": 0}, ["Ben", "Ann"]),
        ({"max_days_in_stage": 3}, ["Ann"]),
        ({"max_days_in_stage": 36_500}, ["Ben", "Ann"]),
        ({"min_days_in_stage": 1.5, "max_days_in_stage": 5.5, "job": job}, ["Ben", "Ann"]),
    ]
    for filters, expected in cases:
        assert names(ask("/v1/applications", **filters)) == expected, filters
    assert [names({"items": page}) for page in pages(http, "/v1/applications", limit=2)] == [
        ["Cyd", "Ben"],
        ["Ann"],
    ]
    cursor = get(http, "/v1/applications", limit=2)["next_cursor"]
    assert names(get(http, "/v1/applications", limit=3, cursor=cursor)) == ["Ann"]
    for path, filters in (
        ("/v1/jobs", {}),
        ("/v1/applications", {"job": job}),
        ("/v1/applications", {"updated_after": ago(days=1)}),
    ):
        answer = http.get(path, params={**filters, "cursor": cursor})
        assert not complaint(answer, 422, "invalid-cursor")
    with psycopg.connect(database.superuser) as connection:
        connection.execute(SHORTEN, (ann,))
    projected.keyring.forget_all()
    assert names(ask("/v1/applications", limit=3)) == ["Cyd", "Ben", "[unreadable]"]


def test_engagement_by_each_filter(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    pool = {"pool": "Silver medallists"}
    hot, application = apply(http, job, "Hot")
    warm = begin(http, "Warm", occurred_at=ago(days=40))["id"]
    say(http, warm, "replied", text="Tell me more.", occurred_at=ago(days=30))
    cold = begin(http, "Cold", occurred_at=ago(days=50))["id"]
    for candidate in (warm, cold):
        say(http, candidate, "returned-to-pool", **pool, occurred_at=ago(days=20))
    for kind in ("offered", "offer-accepted", "hired"):
        say(http, hot, kind, application_id=application)
    cases: list[tuple[Json, list[str]]] = [
        ({}, ["Hot", "Warm", "Cold"]),
        (pool, ["Warm", "Cold"]),
        ({"pool": "Others"}, []),
        ({"status": "hired"}, ["Hot"]),
        ({"status": "prospect"}, ["Warm", "Cold"]),
        ({"min_warmth": 6}, ["Hot"]),
        ({"min_warmth": 4}, ["Hot", "Warm"]),  # a reply's 10, a half-life ago
        ({"touched_after": ago(days=31)}, ["Hot", "Warm"]),
        ({"touched_before": ago(days=29)}, ["Warm", "Cold"]),
        ({"touched_before": ago(days=40), **pool}, ["Cold"]),
        ({"touched_after": ago(days=31), "touched_before": ago(days=29)}, ["Warm"]),
    ]
    for filters, expected in cases:
        assert names(ask("/v1/engagement/candidates", **filters), "name") == expected, filters
    items = ask("/v1/engagement/candidates")["items"]
    assert [each["warmth"] for each in items] == sorted(
        (each["warmth"] for each in items), reverse=True
    )
    assert items[1]["warmth"] == pytest.approx(5, abs=0.1)
    touched = items[1]["last_touch_at"]
    since = ask("/v1/engagement/candidates", touched_after=touched)
    assert names(since, "name") == ["Hot", "Warm"]
    assert names(ask("/v1/engagement/candidates", touched_before=touched), "name") == ["Cold"]


def test_audit_by_each_filter(http: httpx.Client, ask: Ask, as_caller: AsCaller) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, occurred_at=ago(days=9))
    path = f"/v1/candidates/{candidate}/interactions"
    late = {"type": "noted", "text": "Kind.", "occurred_at": ago(days=3)}
    noted = post(http, path, late, **as_caller("recruiter:bo"))["events"][0]
    say(http, candidate, "withdrawn", application_id=application, reason="Moved away")
    cases: list[tuple[Json, list[str]]] = [
        ({}, ["withdrawn", "noted", "applied", "job-stages-defined", "job-opened"]),
        ({"candidate": candidate}, ["withdrawn", "noted", "applied"]),
        ({"candidate": str(uuid4())}, []),
        ({"job": job}, ["withdrawn", "applied", "job-stages-defined", "job-opened"]),
        ({"actor": "recruiter:bo"}, ["noted"]),
        ({"type": "job-opened"}, ["job-opened"]),
        ({"type": "nonsense"}, []),
        ({"occurred_from": ago(days=4), "candidate": candidate}, ["withdrawn", "noted"]),
        ({"occurred_to": ago(days=4)}, ["applied"]),
        ({"occurred_from": noted["occurred_at"], "occurred_to": ago(days=2)}, ["noted"]),
        ({"occurred_from": ago(days=9), "occurred_to": noted["occurred_at"]}, []),
        ({"recorded_from": noted["recorded_at"]}, ["withdrawn", "noted"]),
        (
            {"recorded_to": noted["recorded_at"]},
            ["applied", "job-stages-defined", "job-opened"],
        ),
    ]
    for filters, expected in cases:
        assert names(ask("/v1/audit/entries", **filters), "type") == expected, filters
    found = ask("/v1/audit/entries", type="withdrawn")["items"][0]
    assert (found["reason"], found["application_id"]) == ("Moved away", application)
    assert (found["actor"], found["provenance"]) == ("admin:ada", "api")


def test_touchpoints_in_pages(http: httpx.Client, ask: Ask) -> None:
    candidate = begin(http)["id"]
    for number in range(4):
        say(http, candidate, "contacted", message_id=f"m{number}", channel="email", step=number + 1)
        say(http, candidate, "opened", message_id=f"m{number}")
    relationship = ask(f"/v1/engagement/candidates/{candidate}", limit=3)
    assert (relationship["messages"], relationship["opens"]) == (4, 4)
    page = relationship["touchpoints"]
    points, cursor = page["items"], page["next_cursor"]
    while cursor:
        page = ask(f"/v1/engagement/candidates/{candidate}", limit=3, cursor=cursor)["touchpoints"]
        points, cursor = points + page["items"], page["next_cursor"]
    versions = [point["version"] for point in points]
    assert versions == sorted(set(versions), reverse=True)
    assert {"contacted", "opened"} <= {point["type"] for point in points}
    assert relationship["touches"] == len(points)


def test_replay_in_pages(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    for number in range(6):
        say(http, candidate, "noted", text=f"Note {number}")
    path = f"/v1/candidates/{candidate}/interactions"
    whole = get(http, path)
    assert whole["next_cursor"] is None
    assert [each["version"] for each in whole["items"]] == [*range(1, 8)]
    assert [each["data"].get("text") for each in whole["items"][1:]] == [
        f"Note {number}" for number in range(6)
    ]
    for limit in (1, 3, 6, 7, 8):
        paged = list(pages(http, path, limit=limit))
        assert [item for page in paged for item in page] == whole["items"], limit
        assert all(len(page) == limit for page in paged[:-1])
        assert paged[-1]


def test_lists_are_stable_under_writes(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    people = [apply(http, job, f"Early {number}")[0] for number in range(5)]
    for _ in range(4):
        open_job(http)
        say(http, people[0], "noted", text="Kind.")

    def late() -> None:
        apply(http, job, "Late")
        begin(http, "Late, and cold", occurred_at=ago(days=400))
        say(http, people[0], "noted", text="Later.")
        ask("/v1/projections")

    lists: list[tuple[str, str]] = [
        ("/v1/applications", "application_id"),
        ("/v1/jobs", "id"),
        ("/v1/audit/entries", "position"),
        ("/v1/engagement/candidates", "candidate_id"),
        (f"/v1/candidates/{people[0]}/interactions", "version"),
    ]
    for path, key in lists:
        before = [item[key] for item in ask(path, limit=200)["items"]]
        seen: list[Any] = []
        for page in pages(http, path, limit=2):
            seen += [item[key] for item in page]
            if len(seen) < 7:
                late()
        assert len(seen) == len(set(seen)), path
        assert [each for each in seen if each in before] == before, path


def test_paged_list_gives_every_item_once(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    same = ago(days=3)  # equally warm
    for number in range(7):
        begin(http, f"Cold {number}")
        apply(http, job, f"Warm {number}", occurred_at=same)
    for path, key in (
        ("/v1/applications", "application_id"),
        ("/v1/audit/entries", "position"),
        ("/v1/engagement/candidates", "candidate_id"),
    ):
        whole = [item[key] for item in ask(path, limit=200)["items"]]
        for limit in (1, 3, 7):
            paged = [item[key] for page in pages(http, path, limit=limit) for item in page]
            assert paged == whole, (path, limit)
