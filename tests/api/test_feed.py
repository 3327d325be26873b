"""The feed in pages: everything once and in order, by choice, as far as the caller may see it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.access.callers import Scope
from api.wiring import System
from domain.upkeep import ParkedRetried
from projections.runtime import feed as looking
from tests.api.bad_input import complaint, none_wrong
from tests.api.talk import AsCaller, Json, begin, get, open_job, post, say
from tests.conftest import served
from tests.databases import Database
from tests.scenario import by

FEED = "/v1/feed"
PERSON = {"email": "ada.ruiz@example.org", "phone": "+351 000", "location": "Lisbon"}


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    """A client on a server that needs no read model to be projected."""
    with served(system) as client:
        yield client


def walk(http: httpx.Client, after: int = 0, **params: Any) -> Iterator[Json]:
    """Each page from a position on until the log has no more."""
    while True:
        page = get(http, FEED, after=after, **params)
        assert page["position"] > after or not page["has_more"]
        yield page
        after = page["position"]
        if not page["has_more"]:
            return


def positions(http: httpx.Client, **params: Any) -> list[int]:
    return [item["data"]["position"] for page in walk(http, **params) for item in page["items"]]


def stored(system: System) -> list[tuple[int, str]]:
    """The whole log: position and id of each event."""
    with system.pool.connection() as connection:
        rows = connection.execute(
            "SELECT notification_id, originator_id || ':' || originator_version"
            "  FROM hirelog.events ORDER BY notification_id"
        )
        return rows.fetchall()


def a_story(http: httpx.Client) -> tuple[str, str, str]:
    """A job, a candidate and an application from sourced to reinstated."""
    job = open_job(http, stages=["Screen", "Onsite"])
    candidate = begin(http, **PERSON)["id"]
    applied = say(http, candidate, "applied", job_id=job, source="Site", **PERSON)
    of = {"application_id": applied["events"][0]["data"]["application_id"]}
    say(http, candidate, "advanced", to_stage="Onsite", reason="Strong portfolio", **of)
    say(http, candidate, "rejected", comment="Too shy, says Ada.", **of)
    say(http, candidate, "reinstated", **of)
    say(http, candidate, "noted", text="Ada prefers mornings.")
    return job, candidate, of["application_id"]


def test_an_item_is_a_cloud_event(http: httpx.Client) -> None:
    job, candidate, application = a_story(http)
    headers = {"On-Behalf-Of": "mia", "X-Request-Id": "r-1"}
    body = {"type": "advanced", "to_stage": "Screen", "application_id": application}
    body |= {"occurred_at": "2026-05-04T11:00:00+02:00", "reason": "A second look"}
    told = post(http, f"/v1/candidates/{candidate}/interactions", body, **headers)["events"][0]
    page = get(http, FEED, after=told["position"] - 1)
    (item,) = page["items"]
    assert (page["position"], page["has_more"]) == (told["position"], False)
    data = item.pop("data")
    assert item == {
        "specversion": "1.0",
        "id": f"{candidate}:{told['version']}",
        "source": f"/v1/candidates/{candidate}",
        "type": "hirelog.candidate.advanced",
        "subject": application,
        "time": "2026-05-04T09:00:00Z",
        "datacontenttype": "application/json",
        "sequence": f"{told['position']:019}",
    }
    assert data == {
        **{name: value for name, value in told.items() if name != "data"},
        "candidate_id": candidate,
        "job_id": job,
        "application_id": application,
        "changed": "stage",
        "from": "Onsite",
        "to": "Screen",
        "on_behalf_of": "mia",
        "correlation_id": "r-1",
        "details": told["data"],
    }
    assert data["recorded_at"].endswith("Z")


def test_each_page_goes_on_where_the_one_before_ended(http: httpx.Client, system: System) -> None:
    for _ in range(3):
        a_story(http)
    for limit in (1, 7, 1_000):
        items = [item for page in walk(http, limit=limit) for item in page["items"]]
        assert [(item["data"]["position"], item["id"]) for item in items] == stored(system)
        assert [item["sequence"] for item in items] == sorted(item["sequence"] for item in items)


def test_a_link_leads_to_the_next_page(http: httpx.Client, system: System) -> None:
    job, _, _ = a_story(http)
    url = f"{FEED}?types=advanced&types=rejected,applied&limit=1&job={job}"
    seen = []
    while True:
        answer = http.get(url)
        seen += [item["data"]["type"] for item in answer.json()["items"]]
        if "next" not in answer.links:
            break
        url = answer.links["next"]["url"]
    assert seen == ["applied", "advanced", "rejected"]
    assert not answer.json()["has_more"]


def test_walking_while_others_write(http: httpx.Client, system: System) -> None:
    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(a_story, http) for _ in range(12)]
        seen, after = [], 0
        while True:
            ended = all(writer.done() for writer in writers)  # asked first: one more look follows
            page = get(http, FEED, after=after, limit=5)
            seen += [(item["data"]["position"], item["id"]) for item in page["items"]]
            after = page["position"]
            if ended and not page["has_more"]:
                break
    assert seen == stored(system)
    assert len(seen) == 12 * 8


def test_what_is_chosen(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job, candidate, _ = a_story(http)
    other_job, other, _ = a_story(http)
    say(http, other, "noted", text="?", reason=f"see job {job}")  # mentions it, is not of it
    everything = [item for page in walk(http) for item in page["items"]]

    def fitting(**fields: object) -> list[int]:
        return [
            item["data"]["position"]
            for item in everything
            if all(item["data"][name] == value for name, value in fields.items())
        ]

    monkeypatch.setattr(looking, "LOOKED_THROUGH", 3)
    assert positions(http) == fitting()
    assert positions(http, limit=1) == fitting()
    assert len(fitting(candidate_id=candidate)) == 6
    assert len(fitting(job_id=job)) == 6
    for limit in 1, 100:
        params = {"limit": limit}
        assert positions(http, candidate=candidate, **params) == fitting(candidate_id=candidate)
        assert positions(http, job=job, **params) == fitting(job_id=job)
        assert positions(http, types="job-opened", **params) == fitting(type="job-opened")
        assert positions(http, job=other_job, candidate=candidate, **params) == []
        both = positions(http, types=["noted", "sourced, noted"], candidate=other, **params)
        assert both == sorted(
            fitting(type="noted", candidate_id=other) + fitting(type="sourced", candidate_id=other)
        )
        assert positions(http, candidate=str(uuid4()), **params) == []


def test_an_empty_page_tells_how_far_it_looked(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_story(http)
    monkeypatch.setattr(looking, "LOOKED_THROUGH", 3)
    page = get(http, FEED, types="withdrawn")
    assert page == {"items": [], "position": 3, "has_more": True}
    assert get(http, FEED, types="withdrawn", after=6) == {
        "items": [],
        "position": 8,
        "has_more": False,
    }
    assert get(http, FEED, after=8) == {"items": [], "position": 8, "has_more": False}


def test_upkeep_is_part_of_the_feed(http: httpx.Client, system: System) -> None:
    event = ParkedRetried(model="ats_pipeline", model_version=1)
    system.recruiting.record_upkeep(event, by())
    (item,) = get(http, FEED)["items"]
    assert (item["type"], item["source"]) == (
        "hirelog.read-model.parked-retried",
        "/v1/projections",
    )
    assert item["data"]["candidate_id"] is item["data"]["job_id"] is None
    assert positions(http, types="read-model-parked-retried") == [1]


def test_a_position_that_the_log_has_not_reached(http: httpx.Client) -> None:
    a_story(http)
    for path, headers in (f"{FEED}?after=9", {}), (FEED, {"Last-Event-ID": "9"}):
        for accept in "*/*", "text/event-stream":
            answer = http.get(path, headers=headers | {"Accept": accept})
            assert not complaint(answer, 409, "position-ahead")
            assert "ends at position 8;" in answer.json()["detail"]


def test_the_header_counts_where_both_are_given(http: httpx.Client) -> None:
    a_story(http)
    answer = http.get(FEED, params={"after": 2}, headers={"Last-Event-ID": "6"})
    assert [item["data"]["position"] for item in answer.json()["items"]] == [7, 8]


def test_bad_input_is_refused(http: httpx.Client) -> None:
    a_story(http)
    cases: list[tuple[dict[str, Any], dict[str, str]]] = [
        *(({"after": after}, {}) for after in (-1, "abc", 2**63, "", "1.5")),
        *(({"limit": limit}, {}) for limit in (0, -1, 1_001, "all")),
        *(({}, {"Last-Event-ID": last}) for last in ("-1", "abc", str(2**63), "3;4")),
        *(({"types": types}, {}) for types in ("advance", "advanced,moved", "candidate.advanced")),
        ({"candidate": "ada"}, {}),
        ({"job": "designer"}, {}),
    ]
    wrong = {}
    for params, headers in cases:
        for accept in "*/*", "text/event-stream":
            answer = http.get(FEED, params=params, headers=headers | {"Accept": accept})
            wrong[f"{params} {headers} {accept}"] = complaint(answer, 422, "invalid-request")
    none_wrong(wrong)
    said = http.get(FEED, params={"types": "ada.ruiz@example.org"}).json()["detail"]
    assert "advanced, applied" in said
    assert "ada" not in said


# Personal data


def hidden(text: str) -> list[str]:
    """What identifies somebody and stands there all the same."""
    personal = ["Ada", "ada.ruiz", "+351", "Lisbon", "shy", "mornings"]
    return [each for each in personal if each in text]


def test_personal_data_is_left_out_and_no_key_is_asked_for(
    http: httpx.Client, system: System, as_caller: AsCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_story(http)
    http.headers.update(as_caller("recruiter:ana", scopes=[Scope.READ]))

    def opened(*_: object) -> str:
        raise AssertionError("a key was asked for")

    for method in "open", "load", "keys":
        monkeypatch.setattr(type(system.keyring), method, opened)
    text = json.dumps(list(walk(http)))
    http.headers.update(as_caller("analyst:ben"))
    assert text == json.dumps(list(walk(http)))
    assert not hidden(text)
    assert "evaluation:" not in text
    assert "contact:" not in text
    sourced = next(i for i in json.loads(text)[0]["items"] if i["data"]["type"] == "sourced")
    assert sourced["data"]["details"] == {"origin": "sourced", "source": "Referral"}


def test_personal_data_is_there_for_who_may_see_it(
    http: httpx.Client, system: System, database: Database
) -> None:
    _, candidate, _ = a_story(http)
    items = [item for page in walk(http) for item in page["items"]]
    assert hidden(json.dumps(items)) == ["Ada", "ada.ruiz", "+351", "Lisbon", "shy", "mornings"]
    replayed = get(http, f"/v1/candidates/{candidate}/interactions")["items"]
    of_candidate = [item["data"] for item in items if item["data"]["candidate_id"]]
    assert [data["details"] for data in of_candidate] == [event["data"] for event in replayed]
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "UPDATE hirelog.candidate_keys SET wrapped_key = NULL, destroyed_at = now()"
        )
    system.keyring.forget([UUID(candidate)])
    erased = [item for page in walk(http) for item in page["items"]]
    assert not hidden(json.dumps(erased))
    assert "[redacted]" in json.dumps(erased)


# What cannot be read


def test_what_lies_before_an_event_that_cannot_be_read_is_told(
    http: httpx.Client, system: System, database: Database
) -> None:
    _, candidate, _ = a_story(http)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE hirelog.events SET state = '{}' WHERE notification_id = 5")
    page = get(http, FEED)
    assert [item["data"]["position"] for item in page["items"]] == [1, 2, 3, 4]
    assert (page["position"], page["has_more"]) == (4, True)
    assert http.get(FEED).headers["Vary"].split(", ") == ["Accept", "Accept-Encoding"]
    for accept in "*/*", "text/event-stream":
        answer = http.get(FEED, params={"after": 4}, headers={"Accept": accept})
        assert not complaint(answer, 500, "unreadable-event")
    of_candidate = {"candidate": candidate, "types": "advanced,noted"}
    assert get(http, FEED, **of_candidate)["position"] == 4
    assert http.get(FEED, params=of_candidate | {"after": 4}).status_code == 500
    assert [each["data"]["position"] for each in get(http, FEED, after=5)["items"]] == [6, 7, 8]
