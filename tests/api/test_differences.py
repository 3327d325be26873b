"""What changed between two points of a history, asked over HTTP."""

from uuid import uuid4

import httpx

from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, Json, apply, begin, get, open_job, say


def changes(answer: Json) -> dict[str, tuple[object, object]]:
    return {each["field"]: (each["before"], each["after"]) for each in answer["changes"]}


def test_each_change_says_who_made_it_for_whom_through_what_and_why(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, "Ada Ruiz")
    path = f"/v1/candidates/{candidate}"
    moved = {"type": "advanced", "application_id": application, "to_stage": "Onsite"}
    http.post(
        f"{path}/interactions",
        json=moved | {"reason": "Strong portfolio"},
        headers=as_caller("integration:hris") | {"On-Behalf-Of": "recruiter:ana"},
    ).raise_for_status()
    say(http, candidate, "profile-updated", name="Ada R. Ruiz")

    found = get(http, f"{path}/difference", from_version=1)
    stage = f"applications.{application}.stage"
    assert changes(found) == {
        stage: ("Application review", "Onsite"),
        "details.name": ("Ada Ruiz", "Ada R. Ruiz"),
    }
    by_field = {each["field"]: each for each in found["changes"]}
    made = by_field[stage]["after_by"]
    assert (made["actor"], made["on_behalf_of"]) == ("integration:hris", "recruiter:ana")
    assert (made["reason"], made["provenance"], made["version"]) == ("Strong portfolio", "api", 2)
    assert "to Onsite" in made["description"]
    assert by_field[stage]["before_by"]["type"] == "applied"
    assert (found["only_from"], found["only_to"]) == ([], [2, 3])
    assert found["from"] == {"version": 1, "as_of": None, "known_at": None}

    whole = get(http, f"{path}/difference")
    assert (whole["from"]["version"], whole["only_to"]) == (0, [1, 2, 3])
    assert changes(whole)["details.name"] == (None, "Ada R. Ruiz")
    back = get(http, f"{path}/difference", from_version=3, to_version=1)
    assert changes(back) == {field: (b, a) for field, (a, b) in changes(found).items()}
    assert changes(get(http, f"{path}/difference", from_version=2, to_version=2)) == {}


def test_between_what_was_true_and_what_was_known(http: httpx.Client) -> None:
    candidate = begin(http, occurred_at="2026-01-05T09:00:00Z")["id"]
    told = {"name": "Ada Lima", "occurred_at": "2026-02-05T09:00:00Z"}
    learned = say(http, candidate, "profile-updated", **told)["events"][0]["recorded_at"]
    path = f"/v1/candidates/{candidate}/difference"
    true = get(http, path, from_as_of="2026-02-01T00:00:00Z", to_as_of="2026-03-01T00:00:00Z")
    assert changes(true) == {"details.name": ("Ada Ruiz", "Ada Lima")}
    assert true["changes"][0]["after_by"]["recorded_at"] == learned
    known = get(http, path, from_known_at="2026-03-01T00:00:00Z", to_known_at=learned)
    assert changes(known)["details.name"] == (None, "Ada Lima")


def test_who_may_not_see_personal_values_sees_that_they_changed(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    candidate = begin(http)["id"]
    say(http, candidate, "noted", text="Ada is kind.")
    path = f"/v1/candidates/{candidate}/difference"
    blind = as_caller("admin:ben", scopes=["read"])
    answer = http.get(path, headers=blind)
    assert changes(answer.json())["details.name"] == (None, "[redacted]")
    assert changes(answer.json())["texts.2.text"] == (None, "[redacted]")
    assert "Ada" not in answer.text
    assert changes(get(http, path))["texts.2.text"] == (None, "Ada is kind.")


def test_points_that_there_are_not(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/difference"
    for given, status, code in (
        ({"to_version": 2}, 404, "version-not-found"),
        ({"from_version": 9}, 404, "version-not-found"),
        ({"from_version": -1}, 422, "invalid-request"),
        ({"from_version": 2**63}, 422, "invalid-request"),
        ({"from_as_of": "yesterday"}, 422, "invalid-request"),
        ({"to_known_at": "2026"}, 422, "invalid-request"),
    ):
        assert not complaint(http.get(path, params=given), status, code), given
    unknown = http.get(f"/v1/candidates/{uuid4()}/difference")
    assert not complaint(unknown, 404, "candidate-not-found")
    job = http.get(f"/v1/candidates/{open_job(http)}/difference")
    assert not complaint(job, 404, "candidate-not-found")
