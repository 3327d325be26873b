"""Hiring managers see jobs that name them and who applied for those, and act on these alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from tests.api.bad_input import complaint
from tests.api.talk import STAGES, AsCaller, Ask, Json, apply, begin, open_job, post, say

KIM = "hiring-manager:kim"


@dataclass(frozen=True)
class Mine:
    """A job of Kim's and one of others, each with an applicant; one has applied for both."""

    http: httpx.Client  # which Kim uses
    job: str
    other: str
    applicant: tuple[str, str]
    stranger: tuple[str, str]
    both: tuple[str, str, str]


@pytest.fixture
def mine(http: httpx.Client, ask: Ask, as_caller: AsCaller) -> Iterator[Mine]:
    job, other = open_job(http, hiring_managers=[KIM]), open_job(http, title="Designer")
    applicant, stranger = apply(http, job), apply(http, other, "Bo")
    both, first = apply(http, job, "Cy")
    second = say(http, both, "applied", job_id=other, source="Fair")
    begin(http, "Prospect")
    ask("/v1/jobs")
    second_id = second["events"][0]["data"]["application_id"]
    with httpx.Client(base_url=http.base_url, headers=as_caller(KIM)) as kims:
        yield Mine(kims, job, other, applicant, stranger, (both, first, second_id))


def items(http: httpx.Client, path: str, **params: str) -> list[Json]:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["items"]
    return found


def test_lists_hold_one_s_own(mine: Mine) -> None:
    assert [each["id"] for each in items(mine.http, "/v1/jobs")] == [mine.job]
    assert items(mine.http, "/v1/jobs", ids=mine.other) == []
    own = {mine.applicant[1], mine.both[1]}
    for narrowed in {}, {"status": "active"}, {"updated_after": "2020-01-01T00:00:00Z"}:
        found = items(mine.http, "/v1/applications", **narrowed)
        assert {each["application_id"] for each in found} == own
    assert items(mine.http, "/v1/applications", job=mine.other) == []
    assert items(mine.http, "/v1/applications", candidate=mine.stranger[0]) == []


def test_what_is_of_others_is_not_there(mine: Mine) -> None:
    there = (
        f"/v1/jobs/{mine.job}",
        f"/v1/jobs/{mine.job}/board",
        f"/v1/applications/{mine.applicant[1]}",
        f"/v1/candidates/{mine.applicant[0]}",
        f"/v1/candidates/{mine.applicant[0]}?version=1",
    )
    absent = {
        f"/v1/jobs/{mine.other}": "job-not-found",
        f"/v1/jobs/{mine.other}/board": "job-not-found",
        f"/v1/applications/{mine.stranger[1]}": "application-not-found",
        f"/v1/candidates/{mine.stranger[0]}": "candidate-not-found",
        f"/v1/candidates/{mine.stranger[0]}?version=1": "candidate-not-found",
    }
    for path in there:
        assert mine.http.get(path).status_code == 200, path
    for path, code in absent.items():
        for _ in range(2):  # nor is it remembered for them
            assert not complaint(mine.http.get(path), 404, code), path


def test_of_a_candidate_only_what_concerns_one_s_own_job(mine: Mine) -> None:
    state = mine.http.get(f"/v1/candidates/{mine.both[0]}").json()
    assert [each["job_id"] for each in state["applications"]] == [mine.job]
    assert state["details"]["name"] == "Cy"
    refused = mine.http.get(f"/v1/candidates/{mine.both[0]}/interactions")
    assert not complaint(refused, 403, "not-permitted")


def test_decides_on_one_s_own_alone(http: httpx.Client, mine: Mine) -> None:
    candidate, application, elsewhere = mine.both
    path = f"/v1/candidates/{candidate}/interactions"
    moved = post(
        mine.http,
        path,
        {"type": "advanced", "application_id": application, "to_stage": STAGES[1]},
    )
    assert moved["events"][0]["actor"] == KIM
    post(mine.http, path, {"type": "noted", "text": "Kind."})
    cases = (
        (path, {"type": "rejected", "application_id": elsewhere}),
        (path, {"type": "offered", "application_id": application}),
        (f"/v1/candidates/{mine.stranger[0]}/interactions", {"type": "noted", "text": "Kind."}),
        (f"/v1/candidates/{mine.job}/interactions", {"type": "noted", "text": "Kind."}),
    )
    for where, body in cases:
        refused = mine.http.post(where, json=body)
        assert not complaint(refused, 403, "not-permitted"), body
    assert http.get(f"/v1/candidates/{candidate}").json()["version"] == 4


def test_what_one_decides_rests_on_the_record_not_on_what_is_shown(
    http: httpx.Client, mine: Mine, held: psycopg.Connection
) -> None:
    path = f"/v1/jobs/{mine.other}/interactions"
    note = {"type": "noted", "text": "Kind."}
    there, gone = f"/v1/candidates/{mine.stranger[0]}", f"/v1/candidates/{mine.applicant[0]}"
    change: Json = {"type": "hiring-managers-changed", "hiring_managers": [KIM]}
    post(http, path, change)
    post(mine.http, f"{there}/interactions", note)
    assert mine.http.get(there).status_code == 200
    change["hiring_managers"] = []
    post(http, f"/v1/jobs/{mine.job}/interactions", change)
    refused = mine.http.post(f"{gone}/interactions", json=note)
    assert not complaint(refused, 403, "not-permitted")
    for hidden in gone, f"{gone}?version=99", f"{gone}?as_of=2000-01-01T00:00:00Z":
        assert not complaint(mine.http.get(hidden), 404, "candidate-not-found"), hidden


def test_a_job_that_is_given_to_somebody_else(http: httpx.Client, mine: Mine, ask: Ask) -> None:
    change = {"type": "hiring-managers-changed", "hiring_managers": ["hiring-manager:lee"]}
    post(http, f"/v1/jobs/{mine.job}/interactions", change)
    assert ask(f"/v1/jobs/{mine.job}/board")["job"]["hiring_managers"] == ["hiring-manager:lee"]
    for path in f"/v1/jobs/{mine.job}", f"/v1/jobs/{mine.job}/board":
        assert not complaint(mine.http.get(path), 404, "job-not-found")
    assert items(mine.http, "/v1/jobs") == items(mine.http, "/v1/applications") == []
