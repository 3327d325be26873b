"""A person's own data: everything on record, as a profile, as events, and as a page."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import pytest
from hypothesis import example
from hypothesis import given as each_of
from hypothesis import strategies as some

from api.compliance.resume import profile
from api.readings import Reading, What, write
from api.wiring import System, opened_vault
from domain.self_identification import IdentifySelf
from domain.values import Purpose, now
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, apply, get, open_job, say
from tests.scenario import by, day

SCHEMA = Path(__file__).parents[4] / "shared/data/jsonresume/schema.json"
FEED = What.FEED
WHY = {"Hirelog-Purpose": "Access request 2026-17"}

DETAILS = some.dictionaries(
    some.sampled_from(["name", "email", "phone", "location", "headline", "url"]),
    some.text() | some.emails() | some.from_regex(r"https?://[a-z]{1,9}\.[a-z]{2}/[ -~]{0,9}"),
)


@pytest.fixture(scope="module")
def resumes() -> Any:
    if not SCHEMA.exists():
        pytest.skip(f"{SCHEMA} is missing")
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()), validate_formats=True)


@each_of(details=DETAILS)
@example(details={"email": "a@b.00--0"})
@example(details={"email": f"{'a' * 65}@b.org", "url": "http://[::1"})
def test_a_profile_is_always_a_json_resume(resumes: Any, details: dict[str, str]) -> None:
    made = profile(details, day(1))
    assert [error.message for error in resumes.iter_errors(made)] == []
    for name, place in {"name": "name", "headline": "label", "phone": "phone"}.items():
        assert made["basics"].get(place) == details.get(name)


def test_what_a_profile_says() -> None:
    details = {"email": "ada@example.org", "url": "https://ada.example.org/cv", "location": "Lyon"}
    assert profile(details, day(0)) | {"$schema": ""} == {
        "$schema": "",
        "basics": {
            "email": "ada@example.org",
            "url": "https://ada.example.org/cv",
            "location": {"address": "Lyon"},
        },
        "meta": {"version": "v1.0.0", "lastModified": "2026-01-05T09:00:00"},
    }
    assert profile({"email": "[redacted]", "url": "[redacted]"}, None)["basics"] == {}


def test_the_bundle_holds_all_that_is_on_record_and_what_the_law_lists(
    projected: System, http: httpx.Client, as_caller: AsCaller, resumes: Any
) -> None:
    candidate, application = apply(http, open_job(http), "Ada Ruiz", email="ada@example.org")
    ana = as_caller("recruiter:ana")
    note = {"type": "noted", "application_id": application, "text": "Speaks of her family."}
    path = f"/v1/candidates/{candidate}"
    http.post(f"{path}/interactions", json=note, headers=ana).raise_for_status()
    with opened_vault(projected) as vault:
        said = {"race": "Qzxrace", "sex": "declined"}
        vault.record({UUID(candidate): IdentifySelf(answers=said)}, by("import:form"))
    before, since = day(0), now()
    with projected.pool.connection() as connection:
        for at in before, since:
            write(
                connection, Reading(None, "integration:hris", "integration", FEED, "api", None, at)
            )
    say(http, candidate, "rejected", application_id=application, comment="Another was better.")
    http.get(f"{path}/interactions", headers=as_caller("compliance:kim") | WHY).raise_for_status()

    kim = as_caller("compliance:lee")
    assert not complaint(http.get(f"{path}/access-bundle", headers=kim), 422, "invalid-request")
    answer = http.get(f"{path}/access-bundle", headers=kim | WHY)
    made = answer.json()
    assert resumes.is_valid(made["profile"])
    assert made["profile"]["basics"] == {"name": "Ada Ruiz", "email": "ada@example.org"}
    assert [each["type"] for each in made["events"]] == ["applied", "noted", "rejected"]
    assert made["events"][1]["data"]["text"] == note["text"]
    assert made["events"][2]["data"]["comment"] == "Another was better."
    assert made["events"][1]["actor"] == "recruiter"
    assert "ana" not in {each["actor"] for each in made["events"]}
    assert "recruiter:ana" not in answer.text
    assert "compliance:kim" not in answer.text
    assert made["sources"][0].startswith("Referral (applied), ")
    assert {each["purpose"] for each in made["purposes"]} == set(Purpose)
    assert all(each["legal_reference"] and each["recipients"] for each in made["purposes"])
    assert "41 CFR" in made["kept"]["because"]
    assert [tuple(each.values())[:4] for each in made["read_by"]] == [
        ("compliance", "history", False, 1),
        ("integration", "feed", True, 1),
    ]
    assert len(made["rights"]) >= 6
    own = made["self_identification"]
    assert (own["are_included"], own["statements"]) == (False, [])
    assert f"hirelog access {candidate}" in own["note"]
    assert "Qzxrace" not in answer.text
    assert get(http, "/v1/audit/readings", reader="compliance:lee")["items"][0]["what"] == (
        "access-bundle"
    )


def test_a_key_that_may_not_see_personal_values_gets_no_bundle(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    candidate, _ = apply(http, open_job(http))
    blind = as_caller("compliance:kim", scopes=["read"]) | WHY
    answer = http.get(f"/v1/candidates/{candidate}/access-bundle", headers=blind)
    assert not complaint(answer, 403, "not-permitted")
