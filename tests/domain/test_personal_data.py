"""Every text of an event is encrypted under the key of its purpose, or known to name nobody."""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from msgspec import structs
from pydantic import AwareDatetime

from api.compliance.register import processing
from domain import job_events as j
from domain import self_identification_events as s
from domain import upkeep as u
from domain.candidate import events as e
from domain.recorded import Happened, Metadata, holds_personal_values, personal_fields
from domain.values import Purpose
from tests.scenario import event_classes, sourced

CLASSES = event_classes()

# Texts that are stored in clear: words of the process, which name nobody. Every other text of a
# candidate's event needs a Personal mark, so that it is encrypted and can be erased.
_CLEAR_OF_APPLICATION = {"job_title", "stage"}
CLEAR: dict[type[Happened], set[str]] = {
    e.Sourced: {"source", "job_title"},
    e.Contacted: {"message_id", "sequence", "job_title"},
    e.Opened: {"message_id"},
    e.Clicked: {"message_id"},
    e.Replied: {"message_id"},
    e.Applied: _CLEAR_OF_APPLICATION | {"source"},
    e.Advanced: {"job_title", "from_stage", "to_stage"},
    e.Offered: _CLEAR_OF_APPLICATION,
    e.OfferAccepted: _CLEAR_OF_APPLICATION,
    e.OfferDeclined: _CLEAR_OF_APPLICATION,
    e.Hired: _CLEAR_OF_APPLICATION,
    e.Rejected: _CLEAR_OF_APPLICATION,
    e.Reinstated: _CLEAR_OF_APPLICATION,
    e.Withdrawn: _CLEAR_OF_APPLICATION,
    e.ReturnedToPool: _CLEAR_OF_APPLICATION | {"pool"},
    e.ProfileUpdated: {"removed"},
    e.Noted: {"job_title"},
    e.Held: {"legal_reference"},
    e.ErasureRequested: {"legal_basis", "basis_version"},
}
# Likewise of jobs, read models and reports, on whose streams nothing is encrypted.
CLEAR_ELSEWHERE: dict[type[Happened], set[str]] = {
    j.JobOpened: {"title", "department", "location", "hiring_managers"},
    j.StagesDefined: {"stages"},
    j.StagesChanged: {"from_stages", "to_stages"},
    j.HiringManagersChanged: {"from_hiring_managers", "to_hiring_managers"},
    u.ParkedRetried: {"model"},
    u.ParkedSkipped: {"model", "topic"},
    u.ImpactReportPublished: {
        *("checkpoint", "policy", "policy_version"),
        *("json_sha256", "csv_sha256", "html_sha256"),
    },
    u.RebuildBegun: {"model"},
    u.RebuildPaused: {"model"},
    u.RebuildResumed: {"model"},
    u.RebuildAbandoned: {"model"},
    u.SwitchedBack: {"model"},
    u.BuildDropped: {"model"},
}
WHO = {"name", "email", "phone", "location", "headline", "url"}
PERSONAL: dict[type[Happened], dict[Purpose, set[str]]] = {
    e.Sourced: {Purpose.CONTACT: WHO},
    e.Applied: {Purpose.CONTACT: WHO},
    e.ProfileUpdated: {Purpose.CONTACT: WHO},
    e.Contacted: {Purpose.CONTACT: {"subject", "text"}},
    e.Replied: {Purpose.CONTACT: {"text"}},
    e.Offered: {Purpose.EVALUATION: {"terms"}},
    e.Rejected: {Purpose.EVALUATION: {"comment"}},
    e.Noted: {Purpose.EVALUATION: {"text"}},
    s.SelfIdentified: {Purpose.SELF_IDENTIFICATION: {"candidate_id", "answers"}},
}
TEXTLESS = (UUID, int, bool, float, datetime, AwareDatetime, Enum, NoneType)


def parts(kind: Any) -> Iterator[Any]:
    """The types that values of a field may have, down to the items of its containers."""
    origin = get_origin(kind)
    if origin is Literal:
        return
    if origin is Annotated:
        yield from parts(get_args(kind)[0])
    elif origin in (Union, UnionType, tuple, list, set, frozenset, dict):
        for part in get_args(kind):
            if part is not Ellipsis:
                yield from parts(part)
    else:
        yield kind


def may_hold_text(kind: Any) -> bool:
    return not all(isinstance(part, type) and issubclass(part, TEXTLESS) for part in parts(kind))


def texts_in_clear(record: type[Happened | Metadata]) -> set[str]:
    marked = personal_fields(record) if issubclass(record, Happened) else ()
    texts = {each.name for each in structs.fields(record) if may_hold_text(each.type)}
    return texts - {*marked}


@pytest.mark.parametrize("event_class", CLASSES, ids=lambda each: each.TOPIC)
def test_every_text_of_an_event_is_personal_or_listed_as_clear(
    event_class: type[Happened],
) -> None:
    assert texts_in_clear(event_class) == (CLEAR | CLEAR_ELSEWHERE).get(event_class, set())


def test_the_register_says_whom_each_text_of_the_metadata_names() -> None:
    said = {each.field for each in processing().clear}
    assert said == texts_in_clear(Metadata) - {"broken_rules"}  # names of rules


@pytest.mark.parametrize("event_class", CLASSES, ids=lambda each: each.TOPIC)
def test_a_personal_field_is_one_text_under_the_key_of_its_purpose(
    event_class: type[Happened],
) -> None:
    marked: dict[Purpose, set[str]] = {}
    for name, purpose in personal_fields(event_class).items():
        marked.setdefault(purpose, set()).add(name)
        assert get_type_hints(event_class)[name] == str | None
    assert marked == PERSONAL.get(event_class, {})


def test_an_event_holds_personal_values_when_one_was_given() -> None:
    assert not holds_personal_values(sourced())
    assert holds_personal_values(sourced(name="Ada"))
    assert not holds_personal_values(e.Opened(message_id="m1"))
