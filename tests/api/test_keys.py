"""A key is for one command: what is kept of it, what it is compared with, and what that tells."""

import json
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid5

import httpx

from api.interchange import ndjson
from api.interchange.batch import Report
from api.wiring import System
from domain.candidate.intents import Note
from domain.intake import Intake
from domain.recorded import Metadata
from tests.api.talk import Json, begin, get, open_job, post
from tests.databases import Database, wait_until_projected
from tests.scenario import by

KEY = {"Idempotency-Key": "k1"}
TEXT = "Speaks of her family."


def interactions(stream: str, kind: str = "candidates") -> str:
    return f"/v1/{kind}/{stream}/interactions"


def metadata_of(system: System, stream: str) -> list[Metadata]:
    return [recorded.metadata for recorded in system.recruiting.history(UUID(stream))]


def test_another_body_is_refused(http: httpx.Client) -> None:
    when = "2026-01-06T09:00:00.000001Z"
    job, candidate, closed = open_job(http), begin(http)["id"], open_job(http)
    person = {"type": "applied", "job_id": job, "source": "Fair", "name": "Ada Ruiz"}
    cases: list[tuple[str, Json, list[Json]]] = [
        (
            "/v1/jobs",
            {"type": "opened", "title": "Designer"},
            [{"title": "Tester"}, {"openings": 2}, {"stages": ["A"]}, {"reason": "New"}],
        ),
        (
            interactions(closed, "jobs"),
            {"type": "closed", "reason": "Filled"},
            [{"reason": None}, {"type": "reopened"}, {"occurred_at": when}],
        ),
        (
            "/v1/candidates",
            person,
            [{"name": "Ada Ruis"}, {"email": "a@x.org"}, {"stage": "Onsite"}, {"source": "fair"}],
        ),
        (
            interactions(candidate),
            {"type": "noted", "text": TEXT, "occurred_at": when},
            [{"text": f"{TEXT} "}, {"reason": "Why"}, {"occurred_at": None}, {"type": "replied"}],
        ),
    ]
    for path, body, others in cases:
        first = post(http, path, body, **KEY)
        for other in others:
            refused = http.post(path, json=body | other, headers=KEY)
            assert (refused.status_code, refused.json()["code"]) == (422, "key-used-before"), other
            assert TEXT not in refused.text
            assert "Ada" not in refused.text
        assert http.post(path, json=body, headers=KEY).json() == first


def test_another_spelling_of_the_body_is_the_same_command(http: httpx.Client) -> None:
    person = {
        "type": "sourced",
        "source": "Fair",
        "name": "Ada",
        "occurred_at": "2026-01-06T09:00Z",
    }
    first = post(http, "/v1/candidates", person, **KEY)
    spelled = {"occurred_at": "2026-01-06T10:00:00+01:00", "name": " Ada ", "origin": "sourced"}
    for same in (person | spelled, dict(reversed(person.items())), person | {"email": None}):
        again = http.post("/v1/candidates", json=same, headers=KEY)
        assert (again.status_code, again.json()) == (201, first), same


def test_what_is_on_record_without_a_digest_is_compared_with_nothing(
    http: httpx.Client, system: System
) -> None:
    candidate = begin(http)["id"]
    command_id = uuid5(UUID(candidate), json.dumps(["admin:ada", "k1"]))
    before = by("admin:ada", command_id=command_id)
    system.recruiting.record(UUID(candidate), Note(text=TEXT), before)
    body = {"type": "noted", "text": "Something else."}
    again = http.post(interactions(candidate), json=body, headers=KEY)
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["events"][0]["data"]["text"] == TEXT


def test_a_digest_is_kept_where_a_key_was_given_and_shown_to_nobody(
    http: httpx.Client, system: System, database: Database
) -> None:
    people = [begin(http)["id"] for _ in range(2)]
    answers = [
        http.post(interactions(person), json={"type": "noted", "text": TEXT}, headers=KEY).text
        for person in people
    ]
    begun, noted = metadata_of(system, people[0])
    assert begun.command_digest is None
    assert noted.command_digest
    # One who may write to another candidate cannot make the digest of a guess there.
    assert metadata_of(system, people[1])[1].command_digest != noted.command_digest
    wait_until_projected(database.service)
    answers += [json.dumps(get(http, interactions(people[0])))]
    answers += [json.dumps(get(http, "/v1/audit/entries"))]
    assert not [
        answer for answer in answers if "digest" in answer or noted.command_digest in answer
    ]


def test_an_id_from_the_content_tells_nothing_of_it(http: httpx.Client, system: System) -> None:
    candidate = begin(http)["id"]
    body = {"type": "noted", "text": TEXT, "occurred_at": "2026-01-06T09:00:00Z"}
    post(http, interactions(candidate), body)
    noted = metadata_of(system, candidate)[1]
    fingerprint = Note.model_validate(body).fingerprint()
    assert noted.command_id != uuid5(UUID(candidate), json.dumps(["admin:ada", fingerprint]))


def test_a_key_outlives_the_person(http: httpx.Client, elsewhere: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = interactions(candidate)
    body = {"type": "noted", "text": TEXT}
    post(http, path, body, **KEY)
    erasure = {"candidate_id": candidate, "legal_basis": "gdpr-art-17-1-b"}
    assert http.post("/v1/erasures", json=erasure).status_code == 202
    again = elsewhere.post(path, json=body, headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert TEXT not in again.text
    guess = elsewhere.post(path, json=body | {"text": "A guess."}, headers=KEY)
    assert guess.json() == again.json()


def test_an_export_leaves_digests_out_and_an_import_takes_none(
    http: httpx.Client, system: System, tmp_path: Path
) -> None:
    post(http, "/v1/candidates", {"type": "sourced", "source": "Fair"}, **KEY)
    exported = StringIO()
    ndjson.export(system, exported, lambda _: None)
    line = json.loads(exported.getvalue())
    assert "command_digest" not in line["metadata"]

    line["stream"] = str(UUID(int=1))
    line["metadata"]["command_digest"] = "AAAAAAAAAAAAAAAAAAAAAA"
    file = tmp_path / "export.ndjson"
    file.write_text(json.dumps(line))
    report = Report(file="", format="ndjson")
    recording = ndjson.Recording(Intake(system.recruiting), "there", system.keyring.digest)
    ndjson.load(file, recording, report, lambda _: None)
    assert [each.command_digest for each in metadata_of(system, line["stream"])] == [None]
