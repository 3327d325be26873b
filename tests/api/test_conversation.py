"""Conversations over real HTTP: record what happens, ask the views, replay, say a thing twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from api import examples
from api.wiring import System
from domain import errors
from domain.candidate.intents import Interaction
from tests.databases import wait_until_projected

Json = dict[str, Any]
Ask = Callable[..., Any]

STAGES = ["Application review", "Phone screen", "Onsite"]


@pytest.fixture
def ask(http: httpx.Client, projected: System) -> Ask:
    """Asks once every read model reflects all that was recorded."""

    def asked(path: str, **params: Any) -> Any:
        wait_until_projected(projected.conninfo)
        return get(http, path, **params)

    return asked


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(http: httpx.Client, path: str, body: Json, **headers: str) -> Json:
    answer = http.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    recording: Json = answer.json()
    assert not recording["repeated"]
    assert recording["position"] == recording["events"][-1]["position"]
    assert answer.headers["Hirelog-Position"] == str(recording["position"])
    return recording


def open_job(http: httpx.Client, **fields: Any) -> str:
    body = {"type": "opened", "title": "Backend Engineer", "stages": STAGES} | fields
    return str(post(http, "/v1/jobs", body)["id"])


def begin(http: httpx.Client, name: str = "Ada Ruiz", **fields: Any) -> Json:
    """Puts a person on record: who applied when a job is named, else who was sourced."""
    kind = "applied" if "job_id" in fields else "sourced"
    return post(http, "/v1/candidates", {"type": kind, "source": "Referral", "name": name} | fields)


def apply(http: httpx.Client, job: str, name: str = "Ada Ruiz", **fields: Any) -> tuple[str, str]:
    recording = begin(http, name, job_id=job, **fields)
    return recording["id"], recording["events"][0]["data"]["application_id"]


def say(http: httpx.Client, candidate: str, kind: str, /, **fields: Any) -> Json:
    return post(http, f"/v1/candidates/{candidate}/interactions", {"type": kind} | fields)


def ago(**period: float) -> str:
    return (datetime.now(UTC) - timedelta(**period)).isoformat()


def pages(http: httpx.Client, path: str, **params: Any) -> Iterator[list[Json]]:
    """The pages of a list, one by one, each asked for when it is wanted."""
    cursor: str | None = None
    while True:
        page = get(http, path, **params, **({"cursor": cursor} if cursor else {}))
        yield page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def names(answer: Json, field: str = "candidate_name") -> list[str]:
    return [item[field] for item in answer["items"]]


def test_from_application_to_hire(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, source="Careers page", email="ada@example.org")
    actor = {"Hirelog-Actor": "recruiter:ana", "On-Behalf-Of": "Grace", "X-Request-Id": "req-7"}
    path = f"/v1/candidates/{candidate}/interactions"
    move = {
        "type": "advanced",
        "application_id": application,
        "to_stage": "Onsite",
        "reason": "Strong portfolio",
    }
    moved = post(http, path, move, **actor)["events"][0]
    assert (moved["actor"], moved["on_behalf_of"], moved["correlation_id"]) == (*actor.values(),)
    assert moved["reason"] == "Strong portfolio"

    board = ask(f"/v1/jobs/{job}/board")
    assert (board["active"], board["by_status"]) == (1, {"active": 1})
    assert [(each["stage"], each["count"]) for each in board["stages"]] == [
        ("Application review", 0),
        ("Phone screen", 0),
        ("Onsite", 1),
    ]
    card = board["stages"][2]["applications"][0]
    assert (card["candidate_name"], card["stage_entered_by"]) == ("Ada Ruiz", "recruiter:ana")
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


def test_applications_by_each_filter(http: httpx.Client, ask: Ask) -> None:
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


def test_audit_by_each_filter(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, occurred_at=ago(days=9))
    path = f"/v1/candidates/{candidate}/interactions"
    late = {"type": "noted", "text": "Kind.", "occurred_at": ago(days=3)}
    noted = post(http, path, late, **{"Hirelog-Actor": "recruiter:bo"})["events"][0]
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
    assert (found["actor"], found["provenance"]) == ("anonymous", "api")


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


def test_sent_again_with_its_key(http: httpx.Client) -> None:
    job = {"type": "opened", "title": "Backend Engineer"}
    person = {"type": "sourced", "source": "Fair", "name": "Ada Ruiz"}
    candidate = post(http, "/v1/candidates", person)["id"]
    note = {"type": "noted", "text": "Kind."}
    path = f"/v1/candidates/{candidate}/interactions"
    for where, body, name in (
        ("/v1/jobs", job, "job-1"),
        ("/v1/candidates", person, "candidate-1"),
        (path, note, "note-1"),
    ):
        first = post(http, where, body, **{"Idempotency-Key": name})
        say(http, candidate, "noted", text="Something in between.")
        again = http.post(where, json=body, headers={"Idempotency-Key": name})
        assert again.status_code == 200, again.text
        assert again.json() == first | {"repeated": True}
        assert again.headers["Hirelog-Position"] == str(first["position"])
        other = post(http, where, body, **{"Idempotency-Key": f"{name}, another"})
        assert other["position"] > first["position"]
    assert len(get(http, path)["items"]) == 6


def test_key_belongs_to_who_sends_it(http: httpx.Client) -> None:
    person = {"type": "sourced", "source": "Fair", "name": "Ada Ruiz"}
    begun = [
        post(http, "/v1/candidates", person, **{"Hirelog-Actor": actor, "Idempotency-Key": key})
        for actor, key in (("ann", "1"), ("bo", "1"), ("board", "a: b"), ("board: a", "b"))
    ]
    assert len({recording["id"] for recording in begun}) == 4


def test_same_content_at_the_same_time_adds_nothing(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    when = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    note = {"type": "noted", "text": "Kind.", "occurred_at": when.isoformat()}
    first = post(http, path, note)
    elsewhere = (when + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"
    for same in (when.isoformat(), when.isoformat().replace("+00:00", "Z"), elsewhere):
        again = http.post(path, json=note | {"occurred_at": same})
        assert (again.status_code, again.json()) == (200, first | {"repeated": True}), same
    post(http, path, note | {"text": "Very kind."})
    post(http, path, note, **{"Hirelog-Actor": "recruiter:bo"})
    say(http, candidate, "noted", text="Kind.")
    say(http, candidate, "noted", text="Kind.")
    assert len(get(http, path)["items"]) == 6


def test_same_key_from_several_threads_at_once(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    note = f"/v1/candidates/{candidate}/interactions"
    person: tuple[str, Json] = "/v1/candidates", {"type": "sourced", "source": "Fair", "name": "A"}
    requests: list[tuple[str, Json]] = [
        (note, {"type": "noted", "text": "Kind."}),
        person,
        ("/v1/jobs", {"type": "opened", "title": "Designer"}),
        person,
    ]
    together = Barrier(6)

    def send(path: str, body: Json, key: str) -> httpx.Response:
        together.wait()
        return http.post(path, json=body, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(6) as threads:
        for number in range(40):
            path, body = requests[number % 4]
            sent = [threads.submit(send, path, body, f"key {number}") for _ in range(6)]
            answers = [each.result() for each in sent]
            assert Counter(each.status_code for each in answers) == {201: 1, 200: 5}, path
            first = next(each for each in answers if each.status_code == 201).json()
            for each in answers:
                assert each.json() == first | {"repeated": each.status_code == 200}
    assert len(get(http, note)["items"]) == 11


def test_writers_of_one_candidate_at_once(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    note = {"type": "noted", "text": "Kind."}
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: http.post(path, json=note), range(60)))
    taken = [each.json()["version"] for each in answers if each.status_code == 201]
    refused = {each.json()["code"] for each in answers if each.status_code != 201}
    assert refused <= {"concurrent-change"}
    assert sorted(taken) == [*range(2, len(taken) + 2)]
    assert len(taken) > 12
    assert len(get(http, path, limit=200)["items"]) == len(taken) + 1


def test_every_interaction_has_an_example(http: httpx.Client) -> None:
    kinds = {intent.model_fields["type"].default for intent in get_args(get_args(Interaction)[0])}
    assert set(examples.INTERACTIONS) == kinds
    codes = {
        refusal.code
        for refusal in vars(errors).values()
        if isinstance(refusal, type) and issubclass(refusal, errors.Refusal)
        if refusal is not errors.Refusal
    }
    job = open_job(http, stages=["Application review", "Phone screen"])
    candidate, application = apply(http, job)
    own = {examples.JOB: job, examples.APPLICATION: application}
    accepted = set()
    for kind, example in examples.INTERACTIONS.items():
        body = example["value"]
        fitting = {name: own.get(str(value), value) for name, value in body.items()}
        for sent in (body, fitting):
            answer = http.post(f"/v1/candidates/{candidate}/interactions", json=sent)
            if answer.status_code in {200, 201}:
                accepted.add(kind)
            else:
                assert answer.status_code in {404, 409, 422}, answer.text
                assert answer.json()["code"] in codes, answer.text
    assert {"advanced", "contacted", "opened", "offered", "offer-accepted", "hired"} <= accepted
    assert {"sourced", "noted", "profile-updated", "consent-granted", "unsubscribed"} <= accepted


def test_example_of_each_kind_of_job_request_is_accepted(http: httpx.Client) -> None:
    for example in examples.JOBS.values():
        job = post(http, "/v1/jobs", example["value"])["id"]
        for change in examples.JOB_CHANGES.values():
            post(http, f"/v1/jobs/{job}/interactions", change["value"])
    job = open_job(http)
    for example in examples.BEGINNINGS.values():
        body = example["value"] | ({"job_id": job} if "job_id" in example["value"] else {})
        post(http, "/v1/candidates", body)


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


def test_a_key_is_for_one_command(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path, key = f"/v1/candidates/{candidate}/interactions", {"Idempotency-Key": "k1"}
    first = http.post(path, json={"type": "noted", "text": "Kind."}, headers=key)
    assert first.status_code == 201
    for other in ({"type": "noted", "text": "Rude."}, {"type": "unsubscribed"}):
        refused = http.post(path, json=other, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (422, "key-used-before")
    assert len(get(http, path)["items"]) == 2
