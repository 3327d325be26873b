"""Links, fields, expansions, ids and updates on lists and single items, over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.wiring import System
from tests.api.bad_input import Known, complaint, none_wrong
from tests.api.talk import Ask, Json, ago, apply, begin, cursor_of, get, open_job, say
from tests.databases import wait_until_projected

TABLES = [
    "ats_pipeline.applications",
    "ats_pipeline.jobs",
    "ats_pipeline.stage_visits",
    "crm_engagement.candidates",
]
LISTS = {
    "/v1/jobs": "id",
    "/v1/applications": "application_id",
    "/v1/engagement/candidates": "candidate_id",
}


def followed(http: httpx.Client, url: str) -> list[Json]:
    """All items of a list, by the links alone."""
    items: list[Json] = []
    while True:
        answer = http.get(url)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        page = body.get("touchpoints", body)
        items += page["items"]
        assert ("next" in answer.links) == (page["next_cursor"] is not None)
        if "next" not in answer.links:
            return items
        url = answer.links["next"]["url"]
        assert url.startswith("/v1/"), "it holds behind any proxy"


def test_a_list_can_be_walked_by_its_links(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http, title="Ünï & code")
    people = [apply(http, job, f"Early {n}", source="Fair & Co/+é")[0] for n in range(5)]
    for _ in range(4):
        open_job(http)
        say(http, people[0], "contacted", message_id=str(uuid4()), channel="email")
    ask("/v1/jobs")
    for path, params in (
        ("/v1/applications", {"source": "Fair & Co/+é", "status": "active", "fields": "status"}),
        ("/v1/applications", {"updated_after": ago(days=1)}),
        ("/v1/jobs", {"updated_after": ago(days=1)}),
        ("/v1/jobs", {}),
        ("/v1/engagement/candidates", {"updated_after": ago(days=1)}),
        ("/v1/engagement/candidates", {}),
        (f"/v1/engagement/candidates/{people[0]}", {}),
        ("/v1/audit/entries", {"candidate": people[0]}),
        (f"/v1/candidates/{people[0]}/interactions", {}),
    ):
        whole = get(http, path, **params, limit=200)
        whole = whole.get("touchpoints", whole)["items"]
        url = str(http.build_request("GET", path, params={**params, "limit": 2}).url)
        walked = followed(http, url)
        for each in [*whole, *walked]:
            each.pop("warmth", None)
            each.pop("seconds_in_stage", None)
        assert walked == whole, path
        assert len(whole) > 2, path


def test_fields_leave_out_all_others(known: Known) -> None:
    for path, identity, some in (
        ("/v1/jobs", "id", {"title", "stages"}),
        (f"/v1/jobs/{known.job}", "id", {"status"}),
        ("/v1/applications", "application_id", {"stage", "candidate_name"}),
        (f"/v1/applications/{known.application}", "application_id", {"visits"}),
        ("/v1/engagement/candidates", "candidate_id", {"warmth"}),
        (f"/v1/engagement/candidates/{known.candidate}", "candidate_id", {"touches"}),
        ("/v1/audit/entries", "position", {"actor", "reason"}),
        (f"/v1/candidates/{known.candidate}", "id", {"status", "details"}),
    ):
        whole = get(known.http, path)
        answer = get(known.http, path, fields=", ".join(some))
        for item, full in zip(
            answer.get("items", [answer]), whole.get("items", [whole]), strict=True
        ):
            assert item == {name: full[name] for name in {identity} | some}, path
        assert get(known.http, path, fields="").get("items", [{}])[0].keys() <= {identity}
    board = get(known.http, f"/v1/jobs/{known.job}/board", fields="candidate_name")
    assert board["stages"][0]["count"] == 1
    (card,) = board["stages"][0]["applications"]
    assert card == {"application_id": known.application, "candidate_name": "Ada"}


def test_what_is_asked_for_by_a_name_that_there_is_not_is_refused(known: Known) -> None:
    answers: dict[str, str | None] = {}
    for path in (*LISTS, f"/v1/candidates/{known.candidate}", f"/v1/jobs/{known.job}/board"):
        for query in ("fields=nonsense", "fields=id,ada.ruiz@example.org"):
            answer = known.http.get(f"{path}?{query}")
            answers[f"{path} {query}"] = complaint(answer, 422, "invalid-request")
            assert "there are" in answer.json()["detail"]
    for path in ("/v1/applications", "/v1/engagement/candidates"):
        answers[f"{path} expand"] = complaint(
            known.http.get(f"{path}?expand=nonsense"), 422, "invalid-request"
        )
    for path in LISTS:
        for query in (
            "ids=x",
            f"ids={','.join(str(uuid4()) for _ in range(201))}",
            "updated_after=2026",
            "updated_after=2026-05-04T09:00:00",
        ):
            answer = known.http.get(f"{path}?{query}")
            answers[f"{path} {query[:20]}"] = complaint(answer, 422, "invalid-request")
        filters = {"updated_after": "2026-05-04T09:00:00Z"}
        for values in ([1], ["2026", 1], [1, 2]):
            given = {**filters, "cursor": cursor_of(path, *values, **filters)}
            answer = known.http.get(path, params=given)
            answers[f"{path} {values}"] = complaint(answer, 422, "invalid-cursor")
    none_wrong(answers)


def test_expansions_spare_further_requests(known: Known) -> None:
    http = known.http
    job, person = get(http, f"/v1/jobs/{known.job}"), f"/v1/engagement/candidates/{known.candidate}"
    relationship = get(http, "/v1/engagement/candidates")["items"][0]
    whole = get(http, f"/v1/applications/{known.application}")

    def without_clocks(item: Json) -> Json:
        return {name: value for name, value in item.items() if name != "warmth"}

    (listed,) = get(http, "/v1/applications", expand="job, candidate,visits")["items"]
    alone = get(http, f"/v1/applications/{known.application}", expand="job,candidate")
    for shown in listed, alone:
        assert shown["job"] == job
        assert without_clocks(shown["candidate"]) == without_clocks(relationship)
        assert [each["stage"] for each in shown["visits"]] == ["A"]
    assert {"job", "candidate"}.isdisjoint(whole)
    assert {"job", "candidate", "visits"}.isdisjoint(get(http, "/v1/applications")["items"][0])
    (few,) = get(http, "/v1/applications", expand="job", fields="stage")["items"]
    assert few.keys() == {"application_id", "stage", "job"}
    assert "candidacies" not in get(http, person)
    assert "candidacies" not in relationship
    for shown in (
        get(http, "/v1/engagement/candidates", expand="candidacies")["items"][0],
        get(http, person, expand="candidacies"),
    ):
        assert [each["application_id"] for each in shown["candidacies"]] == [known.application]
        assert shown["applications"] == 1
    state = get(http, f"/v1/candidates/{known.candidate}", expand="engagement,jobs")
    assert state["jobs"] == [job]
    assert without_clocks(state["engagement"]) == without_clocks(relationship)


def test_a_page_is_expanded_by_one_query_for_all(
    http: httpx.Client, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = open_job(http)
    for _ in range(5):
        apply(http, job)
    wait_until_projected(system.conninfo)
    executed: list[str] = []
    execute: Any = psycopg.Cursor.execute

    def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        executed.append(str(query))
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    get(http, "/v1/applications", expand="job,candidate,visits")
    asked = [table for each in executed for table in TABLES if f"FROM {table}" in each]
    assert sorted(asked) == sorted(TABLES)


def test_lists_by_ids(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    for _ in range(3):
        apply(http, open_job(http))
        apply(http, job)
    for path, identity in LISTS.items():
        ids = [item[identity] for item in ask(path)["items"]]
        wanted = [ids[3], ids[0], str(uuid4())]
        found = [item[identity] for item in ask(path, ids=",".join(wanted))["items"]]
        assert found == [ids[0], ids[3]], path
        assert ask(path, ids="")["items"] == []
        both = ask(path, ids=",".join(wanted), updated_after=ago(days=1))["items"]
        assert {item[identity] for item in both} == set(found)


def test_updates_are_found_by_when_they_were_recorded(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    early, of_early = apply(http, job, "Early", occurred_at=ago(days=90))
    apply(http, job, "Late")
    ask("/v1/jobs")
    for path in LISTS:
        items = ask(path, updated_after=ago(days=1))["items"]
        times = [item["updated_at"] for item in items]
        assert times == sorted(times)
        assert ask(path, updated_after=times[-1])["items"] == [], "strictly after"
    since = ask("/v1/applications", updated_after=ago(days=1))["items"][-1]["updated_at"]
    # Late news: it happened long ago.
    moved = {"application_id": of_early, "to_stage": "Onsite", "occurred_at": ago(days=80)}
    say(http, early, "advanced", **moved)
    http.post(f"/v1/jobs/{job}/interactions", json={"type": "closed"})
    for path, expected in zip(LISTS, (job, of_early, early), strict=True):
        found = ask(path, updated_after=since)["items"]
        assert [item[LISTS[path]] for item in found] == [expected], path


def test_pages_by_update_miss_nothing_while_others_write(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    people = [apply(http, job, f"Early {n}") for n in range(12)]
    before = {of for _, of in people}
    ask("/v1/jobs")
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            candidate, of = people[number % len(people)]
            stage = ("Phone screen", "Onsite")[(number // len(people)) % 2]
            say(http, candidate, "advanced", application_id=of, to_stage=stage)
            apply(http, job, "New")
            number += 1

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            url = "/v1/applications?limit=3&updated_after=2026-01-01T00:00:00Z"
            seen: list[Json] = []
            while url and len(seen) < 60:
                answer = http.get(url)
                seen += answer.json()["items"]
                url = answer.links.get("next", {}).get("url", "")
            plain = followed(http, "/v1/applications?limit=3")
        finally:
            stop.set()
        writing.result()
    places = [(item["updated_at"], item["application_id"]) for item in seen]
    assert places == sorted(set(places)), "each version of an item comes once, in order"
    assert before <= {item["application_id"] for item in seen}
    ids = [item["application_id"] for item in plain]
    assert len(ids) == len(set(ids))
    assert before <= set(ids)


def test_the_history_of_nobody_is_not_an_empty_page(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    assert get(http, path, cursor=cursor_of(path, 1))["items"] == []  # after event 1
    for stranger in str(uuid4()), open_job(http):
        unknown = path.replace(candidate, stranger)
        for query in ("", f"?cursor={cursor_of(unknown, 1)}"):
            answer = http.get(unknown + query)
            assert not complaint(answer, 404, "candidate-not-found")


def test_a_model_of_which_fields_can_be_left_out_requires_what_identifies_it(
    promised: Json,
) -> None:
    schemas = promised["components"]["schemas"]
    for name, identity in {
        "Job": "id",
        "ExpandedApplication": "application_id",
        "ApplicationHistory": "application_id",
        "ExpandedRelationship": "candidate_id",
        "Relationship": "candidate_id",
        "Engagement": "candidate_id",
        "Entry": "position",
        "CandidateState": "id",
        "BoardCard": "application_id",
    }.items():
        assert schemas[name]["required"] == [identity], name
