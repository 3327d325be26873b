"""Erasures and holds over HTTP: what compliance asks for, and what stands against it."""

import json
import time
from uuid import uuid4

import httpx

from api.access.callers import Scope
from api.readings import WRITE_SECONDS
from api.wiring import System
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, Ask, Json, apply, begin, open_job, say
from tests.databases import wait_until_projected

BASIS = "gdpr-art-17-1-b"
NDJSON = {"Content-Type": "application/x-ndjson"}


def asked(candidate: str, **more: object) -> Json:
    return {"candidate_id": candidate, "legal_basis": BASIS} | more


def test_an_erasure_goes_its_way(http: httpx.Client, ask: Ask, as_caller: AsCaller) -> None:
    http.headers.update(as_caller("compliance:kim"))
    candidate = begin_as_admin(http, as_caller)
    key = {"Idempotency-Key": "letter-7"}
    answer = http.post("/v1/erasures", json=asked(candidate, reason="Letter"), headers=key)
    assert answer.status_code == 202
    erasure, path = answer.json(), answer.headers["Location"]
    assert (erasure["state"], erasure["actor"]) == ("erasing", "compliance:kim")
    again = http.post("/v1/erasures", json=asked(candidate, reason="Letter"), headers=key)
    assert again.json()["id"] == erasure["id"]
    other = http.post("/v1/erasures", json=asked(candidate, purposes=["contact"]), headers=key)
    assert not complaint(other, 422, "key-used-before")
    refused = http.post("/v1/erasures", json=asked(candidate))
    assert not complaint(refused, 409, "candidate-erased")
    deadline = time.monotonic() + 20
    while {"database-files"} != {
        each["holder"] for each in ask(path)["holders"] if each["state"] == "pending"
    }:
        assert time.monotonic() < deadline
    assert ask("/v1/erasures", state="erasing")["items"][0]["id"] == erasure["id"]
    assert ask("/v1/erasures", state="complete")["items"] == []
    assert http.post(f"{path}/run").json()["state"] == "erasing"
    http.headers["Hirelog-Purpose"] = "Erasure of letter 7"
    types = [each["type"] for each in ask("/v1/audit/entries", candidate=candidate)["items"]]
    assert types == ["erased", "erasure-requested", "sourced"]


def begin_as_admin(http: httpx.Client, as_caller: AsCaller) -> str:
    """Compliance reads people, and puts nobody on record."""
    headers = as_caller("recruiter:ana")
    body = {"type": "sourced", "source": "Fair", "name": "Ada Ruiz"}
    return str(http.post("/v1/candidates", json=body, headers=headers).json()["id"])


def test_a_hold_stands_against_it(http: httpx.Client, ask: Ask) -> None:
    candidate = str(begin(http)["id"])
    hold = {"candidate_id": candidate, "legal_reference": "Case 7", "reason": "Litigation"}
    placed = http.post("/v1/holds", json=hold)
    assert placed.status_code == 201
    hold_id = placed.json()["events"][0]["data"]["hold_id"]
    refused = http.post("/v1/erasures", json=asked(candidate))
    assert not complaint(refused, 409, "legal-hold")
    assert hold_id in refused.json()["detail"]
    (waiting,) = ask("/v1/erasures", state="held")["items"]
    assert waiting["candidate_id"] == candidate
    (listed,) = ask("/v1/holds")["items"]
    assert (listed["id"], listed["stands"], listed["reason"]) == (hold_id, True, "Litigation")
    say(http, candidate, "noted", text="Life goes on")
    release = {"candidate_id": candidate}
    assert http.post(f"/v1/holds/{hold_id}/release", json=release).status_code == 201
    again = http.post(f"/v1/holds/{hold_id}/release", json=release)
    assert not complaint(again, 409, "already-released")
    assert not ask("/v1/holds", candidate=candidate)["items"][0]["stands"]
    run = http.post(f"/v1/erasures/{waiting['id']}/run")
    assert (run.status_code, run.json()["state"]) == (202, "erasing")


def test_it_lists_who_has_had_the_data(
    http: httpx.Client, ask: Ask, as_caller: AsCaller, projected: System
) -> None:
    jobs, ana = as_caller("integration:jobs"), as_caller("recruiter:ana")
    assert http.get("/v1/feed", headers=as_caller("integration:early")).json()["items"] == []
    job = open_job(http)
    (candidate, _), (other, _) = (apply(http, job) for _ in range(2))
    wait_until_projected(projected.conninfo)
    path = f"/v1/candidates/{candidate}"
    for headers in jobs, jobs, ana:  # who works here is no recipient
        assert http.get(path, headers=headers).status_code == 200
    assert http.get(f"{path}/access-bundle", headers=ana).status_code == 403
    assert http.get(f"{path}/access-bundle").status_code == 200
    assert http.get(f"/v1/candidates/{other}/access-bundle").status_code == 200
    unseeing = as_caller("integration:counts", scopes=[Scope.READ])
    for follower in jobs, ana, unseeing:
        assert http.get("/v1/feed", headers=follower).json()["items"]
    lists = (
        "/v1/engagement/candidates",
        "/v1/applications?expand=candidate",
        f"/v1/jobs/{job}/board",
    )
    for number, path in enumerate(lists):
        first, again = (as_caller(f"integration:{name}-{number}") for name in ("first", "again"))
        for who in ana, unseeing:
            assert candidate in http.get(path, headers=who).text
        tag = http.get(path, headers=first).headers["ETag"]
        seen = http.get(path, headers=again | {"If-None-Match": tag})
        assert seen.status_code == 304
    empty = http.get("/v1/applications?stage=none", headers=as_caller("integration:empty"))
    assert empty.json()["items"] == []
    time.sleep(2 * WRITE_SECONDS)  # readings are on record by then
    erasure = http.post("/v1/erasures", json=asked(candidate)).json()
    recipients = ask(f"/v1/erasures/{erasure['id']}")["recipients"]
    assert [(each["kind"], each["recipient"]) for each in recipients] == [
        ("state", "integration:jobs"),
        ("access-bundle", "admin:ada"),
        ("feed", "integration:jobs"),
        *[("list", f"integration:{who}-{path}") for path in range(3) for who in ("first", "again")],
    ]


def test_nobody_can_test_a_guess_of_what_was_erased(http: httpx.Client) -> None:
    then, key = "2026-05-04T09:00:00Z", {"Idempotency-Key": "form 7"}

    def began(name: str) -> httpx.Response:
        body = {"type": "sourced", "source": "Fair", "name": name, "phone": "555"}
        return http.post("/v1/candidates", json=body, headers=key)

    candidate = str(began("Ada Ruiz").json()["id"])

    def kept(name: str) -> httpx.Response:
        body = {"type": "profile-updated", "name": name, "removed": ["phone"]}
        path = f"/v1/candidates/{candidate}/interactions"
        return http.post(path, json=body, headers={"Idempotency-Key": "form 8"})

    def noted(text: str) -> httpx.Response:
        body = {"type": "noted", "text": text, "occurred_at": then}
        return http.post(f"/v1/candidates/{candidate}/interactions", json=body)

    def in_a_batch(text: str, **more: str) -> Json:
        interaction = {"type": "noted", "text": text, "occurred_at": then}
        line = json.dumps({"candidate_id": candidate, "interaction": interaction} | more)
        answer = http.post("/v1/interactions:batch", content=line, headers=NDJSON)
        answered: Json = json.loads(answer.text.splitlines()[0])
        return answered

    assert kept("Ada Ruiz").json()["events"][0]["data"] == {"removed": ["phone"]}
    assert noted("Knows Rust").status_code == 201
    assert in_a_batch("Knows Rust")["replayed"]
    assert not complaint(began("Eva Ruiz"), 422, "key-used-before")
    assert http.post("/v1/erasures", json=asked(candidate)).status_code == 202
    assert began("Ada Ruiz").json() == began("Eva Ruiz").json()
    assert kept("Ada Ruiz").json() == kept("Eva Ruiz").json()
    assert in_a_batch("Any", idempotency_key="form 8")["events"] == ["profile-updated"]
    for text in "Knows Rust", "Knows Ada":
        assert not complaint(noted(text), 409, "candidate-erased")
        assert in_a_batch(text)["problem"]["code"] == "candidate-erased"


def test_what_does_not_fit_is_refused_by_name(http: httpx.Client) -> None:
    candidate = str(begin(http)["id"])
    because = asked(candidate) | {"legal_basis": "because"}
    assert not complaint(http.post("/v1/erasures", json=because), 422, "unknown-legal-basis")
    unknown = asked(str(uuid4()))
    assert not complaint(http.post("/v1/erasures", json=unknown), 404, "candidate-not-found")
    nobody = http.get(f"/v1/erasures/{uuid4()}")
    assert not complaint(nobody, 404, "erasure-not-found")
    release = http.post(f"/v1/holds/{uuid4()}/release", json={"candidate_id": candidate})
    assert not complaint(release, 404, "hold-not-found")
    for wrong in asked(candidate, purposes=[]), asked(candidate, purposes=["fun"]), {}:
        assert not complaint(http.post("/v1/erasures", json=wrong), 422, "invalid-request")
    wrong_cursor = http.get("/v1/erasures", params={"cursor": "WzFd"})
    assert not complaint(wrong_cursor, 422, "invalid-cursor")
