"""Every command sent again gets its first answer byte for byte, from whichever server."""

import re
from typing import get_args

import httpx

from domain.candidate.intents import Beginning, Interaction
from domain.job import JobChange, OpenJob
from tests.api.talk import Json, ago

PERSON = {
    "name": "  Zoë Quintessa ",
    "email": "zoe@example.org",
    "phone": "+49 30 000000",
    "location": "München",
    "headline": '"Ünïcode" 🙂',
    "url": "https://example.org/zoe",
}


class Twice:
    """Sends every command twice, and keeps what it sent with the first answers."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.sent: list[tuple[str, Json, httpx.Response]] = []

    def __call__(self, path: str, kind: str, **fields: object) -> Json:
        """The first answer, which is the second one, too."""
        body = {"type": kind, "reason": f"Why {kind}"} | fields
        key = {"Idempotency-Key": f"key {len(self.sent)}"}
        first, again = (self._http.post(path, json=body, headers=key) for _ in range(2))
        assert first.status_code == 201, first.text
        assert "Idempotent-Replayed" not in first.headers
        same_again(first, again)
        self.sent.append((path, body, first))
        recording: Json = first.json()
        return recording


def change_job(send: Twice) -> str:
    job = send("/v1/jobs", "opened", title="Designer", stages=["A", "B"], openings=3)
    assert len(job["events"]) == 2
    change = f"/v1/jobs/{job['id']}/interactions"
    send(change, "stages-changed", stages=["A", "B", "C"])
    send(change, "hiring-managers-changed", hiring_managers=["hiring-manager:kim"])
    send(change, "closed")
    send(change, "reopened", occurred_at=ago(microseconds=1))
    return str(job["id"])


def live_through_everything(send: Twice, job: str) -> None:
    applied = {"job_id": job, "source": "Site"} | PERSON
    send("/v1/candidates", "applied", **applied)
    begun = send("/v1/candidates", "sourced", source="Fair", occurred_at=ago(days=9), **PERSON)
    tell = f"/v1/candidates/{begun['id']}/interactions"
    of = {"application_id": send(tell, "applied", **applied)["events"][0]["data"]["application_id"]}
    send(tell, "sourced", source="Referral", job_id=job, origin="referred", email="z@x.org")
    send(tell, "contacted", message_id="1", channel="email", subject="Hi", text="You?", step=2)
    send(tell, "contacted", message_id="2", channel="phone", text="About that.", **of)
    send(tell, "opened", message_id="1")
    send(tell, "clicked", message_id="1", occurred_at="2026-01-06T09:00:00.120000+05:30")
    send(tell, "replied", message_id="1", text="Me!")
    send(tell, "advanced", to_stage="C", from_stage="A", **of)
    send(tell, "offered", expires_at="2999-12-31T17:00:00.000001+01:00", terms="Full time", **of)
    send(tell, "offer-declined", offer_version=1, **of)
    send(tell, "rejected", rejection_type="candidate-withdrew", comment="Too far away", **of)
    send(tell, "reinstated", stage="B", **of)
    send(tell, "returned-to-pool", pool="Silver", **of)
    send(tell, "returned-to-pool", pool="Gold")
    send(tell, "reinstated", **of)
    send(tell, "withdrawn", **of)
    send(tell, "reinstated", **of)
    send(tell, "offered", **of)
    send(tell, "offer-accepted", **of)
    send(tell, "hired", **of)
    send(tell, "profile-updated", phone="+49 30 111111", removed=["url", "headline"])
    send(tell, "noted", text="Speaks Basque.\n")
    send(tell, "noted", text="Speaks of it, too.", **of)
    send(tell, "consent-granted", purpose="retention", expires_at="2999-01-01T00:00:00Z")
    send(tell, "consent-withdrawn", purpose="outreach")
    send(tell, "unsubscribed", channel="email")
    send(tell, "unsubscribed")


def kinds_of(union: object) -> set[str]:
    return {each.model_fields["type"].default for each in get_args(get_args(union)[0])}


def same_again(first: httpx.Response, again: httpx.Response) -> None:
    assert again.content == first.content
    assert again.status_code == first.status_code
    assert again.headers["Idempotent-Replayed"] == "true"
    for header in "Hirelog-Position", "Location", "ETag", "Content-Type":
        assert again.headers[header] == first.headers[header]


def test_every_command_sent_again(http: httpx.Client, elsewhere: httpx.Client) -> None:
    send = Twice(http)
    live_through_everything(send, change_job(send))
    kinds: dict[str, set[str]] = {}
    for path, body, _ in send.sent:
        kinds.setdefault(re.sub("[0-9a-f-]{36}", "*", path), set()).add(body["type"])
    assert kinds == {
        "/v1/jobs": {OpenJob.model_fields["type"].default},
        "/v1/jobs/*/interactions": kinds_of(JobChange),
        "/v1/candidates": kinds_of(Beginning),
        "/v1/candidates/*/interactions": kinds_of(Interaction),
    }
    for number, (path, body, first) in enumerate(send.sent):
        key = {"Idempotency-Key": f"key {number}"}
        same_again(first, elsewhere.post(path, json=body, headers=key))
