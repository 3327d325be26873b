"""Interactions as they come over the wire: their names, and what makes them none."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.candidate import intents as i
from domain.candidate.events import CandidateEvent
from domain.erasure import ERASURE_INTENTS
from tests.domain.candidate.test_beginnings import BEGINNINGS, OTHERS
from tests.scenario import APPLICATION, JOB, event_classes

APPLY = i.Apply(job_id=JOB, source="Careers page")
NAMES = {
    "sourced",
    "contacted",
    "opened",
    "clicked",
    "replied",
    "applied",
    "advanced",
    "offered",
    "offer-accepted",
    "offer-declined",
    "hired",
    "rejected",
    "reinstated",
    "withdrawn",
    "returned-to-pool",
    "profile-updated",
    "noted",
    "consent-granted",
    "consent-withdrawn",
    "unsubscribed",
}


def test_interactions_have_the_names_of_their_events() -> None:
    events = {each.wire_name() for each in event_classes() if issubclass(each, CandidateEvent)}
    erasures = {each.model_fields["type"].default for each in ERASURE_INTENTS}
    assert {intent.type for intent in (*BEGINNINGS, *OTHERS)} == NAMES == events - erasures


@pytest.mark.parametrize(
    "intent",
    [i.Apply(job_id=JOB, source="x"), *BEGINNINGS[:1], *OTHERS],
    ids=lambda each: each.type,
)
def test_an_interaction_is_known_by_its_name(intent: i.Intent) -> None:
    wire = intent.model_dump_json(exclude_none=True)
    assert TypeAdapter[i.Intent](i.Interaction).validate_json(wire) == intent


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (i.Source, {"source": "x", "job": "no such field"}),
        (i.Source, {"source": "  "}),
        (i.Source, {"source": "x" * 201}),
        (i.Source, {"source": "a\x00b"}),
        (i.Source, {"source": "x", "origin": "elsewhere"}),
        (i.Source, {"source": "x", "name": ""}),
        (i.Source, {"source": "x", "name": "x" * 501}),
        (i.Source, {"source": "x", "name": "a\x00b"}),
        (i.Source, {"source": "x", "email": "nobody"}),
        (i.Source, {"source": "x", "email": "some body@example.org"}),
        (i.Source, {"source": "x", "email": "a\x00b@example.org"}),
        (i.Source, {"source": "x", "email": "x" * 310 + "@example.org"}),
        (i.Source, {"source": "x", "occurred_at": "2026-01-05T09:00:00"}),
        (i.Source, {"source": "x", "occurred_at": 2026}),
        (i.Source, {"source": "x", "occurred_at": "2026"}),
        (i.Note, {"text": ""}),
        (i.Note, {"text": "x" * 20_001}),
        (i.Note, {"text": "a\x00b"}),
        (i.Contact, {"message_id": "m1", "channel": "email", "step": 0}),
        (i.Contact, {"message_id": "m1", "channel": "pigeon"}),
        (i.MakeOffer, {"application_id": str(APPLICATION), "supersedes": 0}),
        (i.AcceptOffer, {"application_id": str(APPLICATION), "offer_version": 0}),
        (i.AcceptOffer, {"application_id": "1"}),
        (i.UpdateProfile, {"removed": ["birthday"]}),
    ],
)
def test_an_interaction_with_unknown_or_unfit_fields_is_none(
    kind: type[i.Intent], fields: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(fields)


def test_labels_are_stripped_and_texts_are_kept_as_they_are() -> None:
    assert i.Source(source=" LinkedIn ", name=" Ada ").source == "LinkedIn"
    assert i.Source(source="x", name=" Ada ").name == "Ada"
    assert i.Note(text=" two\nlines ").text == " two\nlines "
