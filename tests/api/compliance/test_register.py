"""The record of processing names every personal field, its purpose, and all who are given it."""

import csv
import io
from datetime import date
from typing import get_args, get_type_hints

import httpx
from lxml import html

from api.app import ROUTES
from api.compliance import register
from domain.recorded import Metadata, personal_fields
from domain.retention import RecordClass
from domain.values import Purpose
from tests.api.bad_input import Known
from tests.api.talk import Json, begin, say
from tests.databases import wait_until_projected
from tests.scenario import event_classes

MADE = register.register([each.router for each in ROUTES], date(2026, 11, 23))
MARK = "PERSONAL"
NO_TEXT = {"command_id", "occurred_at", "recorded_at", "broken_rules"}
CONTACT, EVALUATION = f"{MARK}contact", f"{MARK}evaluation"


def test_every_personal_field_is_registered_with_a_purpose_that_is_explained() -> None:
    registered = {(each.topic, each.field): each.purpose for each in MADE.fields}
    assert registered == {
        (event_class.TOPIC, field): purpose
        for event_class in event_classes()
        for field, purpose in personal_fields(event_class).items()
    }
    for purpose in Purpose:
        assert MADE.of(purpose).legal_reference
        assert MADE.receiving(purpose)
        assert {each.record_class for each in MADE.keeping(purpose)} == set(RecordClass)


def test_every_text_that_no_key_encrypts_is_explained() -> None:
    texts = {
        name
        for event_class in event_classes()
        for name, kind in get_type_hints(event_class).items()
        if {str, tuple[str, ...]} & {kind, *get_args(kind)}
        and name in {*event_class.__struct_fields__} - {*personal_fields(event_class)}
    }
    explained = [name for each in MADE.processing.event_text for name in each.fields]
    assert sorted(explained) == sorted(texts)
    clear = {each.field for each in MADE.processing.clear}
    assert clear == {name for name in Metadata.__struct_fields__ if name not in NO_TEXT}


def test_roles_are_those_that_the_routes_name_and_that_may_see_personal_values() -> None:
    who = {each.way: each.who for each in MADE.recipients}
    assert who["GET /v1/engagement/candidates"] == (
        "admin, compliance, integration, recruiter, sourcer"  # not the analyst, who sees no names
    )


def purposes_in(text: str) -> set[str]:
    return {purpose for purpose in Purpose if f"{MARK}{purpose}" in text}


def test_routes_that_give_personal_values_are_registered_with_what_they_give(
    http: httpx.Client, applicant: Known, promised: Json
) -> None:
    """Asks every route of one who fills every personal field of every command."""
    job, candidate = applicant.job, applicant.candidate
    details = {
        "name": CONTACT,
        "email": f"{CONTACT}@example.org",
        "phone": CONTACT,
        "location": CONTACT,
        "headline": CONTACT,
        "url": CONTACT,
    }
    application = {"application_id": applicant.application}
    say(http, candidate, "profile-updated", **details)
    say(http, candidate, "noted", text=EVALUATION, **application)
    message = {"message_id": "m1", "channel": "email"}
    say(http, candidate, "contacted", **message, subject=CONTACT, text=CONTACT, **application)
    say(http, candidate, "replied", **message, text=CONTACT)
    say(http, candidate, "offered", terms=EVALUATION, **application)
    begin(http, CONTACT)
    wait_until_projected(applicant.system.conninfo)
    ids = {"candidate_id": candidate, "job_id": job, "application_id": applicant.application}
    given = {}
    for path, methods in promised["paths"].items():
        if "get" not in methods:
            continue
        asked = path
        for name, known in ids.items():
            asked = asked.replace(f"{{{name}}}", str(known))
        if purposes := purposes_in(http.get(asked).text):
            given[f"GET {path}"] = purposes
    assert given == {each.route: set(each.gives) for each in MADE.processing.route}


def test_it_is_printed_as_lines_and_as_a_page() -> None:
    file = io.StringIO()
    register.write_csv(MADE, file)
    lines = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert len(lines) == len(MADE.fields)
    note = next(line for line in lines if line["event"] == "noted")
    assert (note["field"], note["key"]) == ("text", "candidate's evaluation key")
    assert "GET /v1/candidates/{candidate_id}/interactions (admin, compliance" in note["recipients"]
    assert "application, DE: 6 months from the end of" in note["kept"]

    page = html.fromstring(register.as_html(MADE))
    assert len(list(page.iter("tr"))) > len(MADE.fields)
    assert not page.xpath("//script | //link | //img | //*[@src or @href]")
    for words in "not yet", "2026-11-23: the texts of Art. 14(2)(a) and 14(3)":
        assert words in str(page.xpath("string()")), words
