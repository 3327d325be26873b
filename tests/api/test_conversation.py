"""Conversations over real HTTP: record what happens, ask the views, ask for an earlier state."""

from typing import Any

import httpx

from tests.api.talk import AsCaller, Ask, ago, apply, begin, get, open_job, post, say


def test_from_application_to_hire(http: httpx.Client, ask: Ask, as_caller: AsCaller) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, source="Careers page", email="ada@example.org")
    told = {"On-Behalf-Of": "Grace", "X-Request-Id": "req-7"}
    path = f"/v1/candidates/{candidate}/interactions"
    move = {
        "type": "advanced",
        "application_id": application,
        "to_stage": "Onsite",
        "reason": "Strong portfolio",
    }
    moved = post(http, path, move, **told, **as_caller("integration:ats"))["events"][0]
    assert (moved["actor"], moved["on_behalf_of"]) == ("integration:ats", "Grace")
    assert moved["correlation_id"] == "req-7"
    assert moved["reason"] == "Strong portfolio"

    board = ask(f"/v1/jobs/{job}/board")
    assert (board["active"], board["by_status"]) == (1, {"active": 1})
    assert [(each["stage"], each["count"]) for each in board["stages"]] == [
        ("Application review", 0),
        ("Phone screen", 0),
        ("Onsite", 1),
    ]
    card = board["stages"][2]["applications"][0]
    assert (card["candidate_name"], card["stage_entered_by"]) == ("Ada Ruiz", "integration:ats")
    assert 0 <= card["seconds_in_stage"] < 60
    assert ask(f"/v1/jobs/{job}/board", per_stage=0)["stages"][2] == {
        "stage": "Onsite",
        "count": 1,
        "applications": [],
    }

    say(http, candidate, "noted", text="Asked about the team.", application_id=application)
    say(http, candidate, "offered", application_id=application, terms="Full time")
    say(http, candidate, "offer-accepted", application_id=application)
    hired = say(http, candidate, "hired", application_id=application)
    assert (hired["version"], hired["position"]) == (6, 8)

    found = ask(f"/v1/applications/{application}")
    assert (found["status"], found["offer_status"], found["offers"]) == ("hired", "accepted", 1)
    assert (found["candidate_name"], found["job_title"]) == ("Ada Ruiz", "Backend Engineer")
    first, second = found["visits"]
    assert (first["stage"], first["exited_to"]) == ("Application review", "Onsite")
    assert first["exited_at"] == second["entered_at"] == moved["occurred_at"]
    assert (second["stage"], second["exited_at"]) == ("Onsite", hired["events"][0]["occurred_at"])

    state = get(http, f"/v1/candidates/{candidate}")
    assert (state["status"], state["version"]) == ("hired", 6)
    assert state["details"] == {"name": "Ada Ruiz", "email": "ada@example.org"}
    assert state["applications"][0]["offers"][0]["status"] == "accepted"
    warm = ask(f"/v1/engagement/candidates/{candidate}")
    assert (warm["status"], warm["hires"], warm["trend"]) == ("hired", 1, "warming")
    assert 26.9 < warm["warmth"] <= 27  # an application 12, an accepted offer 15, moments ago
    assert ask(f"/v1/jobs/{job}/board")["by_status"] == {"hired": 1}
    told = ask("/v1/audit/entries", candidate=candidate)["items"]
    assert [each["type"] for each in reversed(told)] == [
        *("applied", "advanced", "noted", "offered", "offer-accepted", "hired")
    ]
    assert "Moved from Application review forward to Onsite" in told[4]["description"]
    assert "Ada" not in str(told)
    assert "ada@" not in str(told)


def test_health_and_projections(http: httpx.Client, ask: Ask) -> None:
    assert get(http, "/healthz") == get(http, "/readyz") == {"status": "ok"}
    open_job(http)
    models = ask("/v1/projections")["items"]
    assert [each["model"] for each in models] == [
        *("ats_pipeline", "compliance_audit", "crm_engagement")
    ]
    assert [(each["position"], each["lag_events"], each["parked"]) for each in models] == [
        (2, 0, 0)
    ] * 3


def test_job_through_its_life(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http, department="Engineering", openings=2)
    other = open_job(http, title="Designer")
    path = f"/v1/jobs/{job}/interactions"
    post(http, path, {"type": "stages-changed", "stages": ["Task", "Onsite"]})
    post(http, path, {"type": "closed", "reason": "Filled"})
    assert get(http, f"/v1/jobs/{job}")["status"] == "closed"
    refused = http.post("/v1/candidates", json={"type": "applied", "job_id": job, "source": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "job-is-closed")
    assert [each["id"] for each in ask("/v1/jobs", status="closed")["items"]] == [job]
    assert [each["id"] for each in ask("/v1/jobs", status="open")["items"]] == [other]
    post(http, path, {"type": "reopened"})
    assert [each["id"] for each in ask("/v1/jobs")["items"]] == [other, job]
    state = get(http, f"/v1/jobs/{job}")
    assert ask("/v1/jobs")["items"][1] == state
    assert (state["department"], state["openings"]) == ("Engineering", 2)
    assert (state["stages"], state["status"]) == (["Task", "Onsite"], "open")


def test_state_as_of_another_moment(http: httpx.Client) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, occurred_at=ago(days=10))
    path = f"/v1/candidates/{candidate}"
    move = {"application_id": application, "occurred_at": ago(days=4)}
    learned = say(http, candidate, "advanced", to_stage="Onsite", **move)["events"][0]
    # It happened before that, and we learn of it after that.
    say(http, candidate, "profile-updated", phone="+49 30 1", occurred_at=ago(days=7))

    def state(**params: Any) -> tuple[int, str, bool]:
        found = get(http, path, **params)
        return found["version"], found["applications"][0]["stage"], "phone" in found["details"]

    assert state() == (3, "Onsite", True)
    assert state(version=1) == (1, "Application review", False)
    assert state(version=2) == (2, "Onsite", False)
    assert state(as_of=ago(days=8)) == (1, "Application review", False)
    assert state(as_of=ago(days=6)) == (3, "Application review", True)
    assert state(as_of=learned["occurred_at"]) == (3, "Onsite", True)
    assert state(known_at=learned["recorded_at"]) == (2, "Onsite", False)
    assert state(known_at=ago()) == (3, "Onsite", True)
    both = {"as_of": ago(days=6), "known_at": learned["recorded_at"]}
    assert state(**both) == (1, "Application review", False)
    assert state(version=2, as_of=ago(days=6)) == (1, "Application review", False)
    for nothing in ("as_of", ago(days=11)), ("known_at", ago(minutes=1)):
        refused = http.get(path, params=[nothing])
        assert (refused.status_code, refused.json()["code"]) == (404, "candidate-not-found")


def test_version_that_is_not_reached(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    for more in "", f"&as_of={ago()[:-6]}Z", f"&known_at={ago()[:-6]}Z":
        refused = http.get(f"/v1/candidates/{candidate}?version=2{more}")
        assert (refused.status_code, refused.json().get("code")) == (404, "version-not-found"), more


def test_candidate_and_job_are_never_taken_for_each_other(http: httpx.Client) -> None:
    job, candidate = open_job(http), begin(http)["id"]
    asked = [
        http.get(f"/v1/candidates/{job}"),
        http.get(f"/v1/candidates/{job}/interactions"),
        http.get(f"/v1/jobs/{candidate}"),
        http.post(f"/v1/candidates/{job}/interactions", json={"type": "noted", "text": "x"}),
        http.post(f"/v1/jobs/{candidate}/interactions", json={"type": "reopened"}),
    ]
    assert [(each.status_code, each.json().get("code")) for each in asked] == [
        (404, "candidate-not-found"),
        (404, "candidate-not-found"),
        (404, "job-not-found"),
        (404, "candidate-not-found"),
        (404, "job-not-found"),
    ]
    begun = http.post(f"/v1/candidates/{job}/interactions", json={"type": "sourced", "source": "x"})
    assert begun.status_code != 201, begun.text
    assert get(http, f"/v1/jobs/{job}")["status"] == "open"


def test_a_client_cannot_take_the_id_of_another_application(http: httpx.Client) -> None:
    job = open_job(http)
    _, application = apply(http, job, "First")
    body = {"type": "applied", "job_id": job, "source": "x", "application_id": application}
    refused = http.post("/v1/candidates", json=body | {"name": "Second"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
