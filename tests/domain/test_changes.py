"""From and to: what each event changed, told by itself alone."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from domain import job_events as j
from domain import upkeep as u
from domain.candidate import events as e
from domain.changes import Change, change
from domain.erasure import EVERY_PURPOSE
from domain.recorded import Happened, Recorded
from domain.self_identification_events import SelfIdentified
from domain.upkeep import ImpactReportPublished, ParkedRetried, ParkedSkipped
from domain.values import Channel, ConsentPurpose
from tests.scenario import (
    CANDIDATE,
    applied,
    by,
    contacted,
    event_classes,
    example,
    forward,
    hired,
    in_pool,
    offer_accepted,
    offered,
    pooled,
    reinstated,
    rejected,
    sourced,
    withdrawn,
)

OUTREACH = ConsentPurpose.OUTREACH
_OF: dict[str, Any] = {"application_id": UUID(int=1), "job_id": None, "job_title": None}

CHANGES: list[tuple[Happened, tuple[Any, Any, Any]]] = [
    (sourced(), (None, None, None)),
    (contacted(), (None, None, None)),
    (e.Opened(message_id="m"), (None, None, None)),
    (e.Clicked(message_id="m"), (None, None, None)),
    (e.Replied(channel=Channel.EMAIL), (None, None, None)),
    (e.Noted(text="x"), (None, None, None)),
    (e.ProfileUpdated(name="Ada"), (None, None, None)),
    (applied("A"), ("application", None, "active")),
    (forward("A", "B"), ("stage", "A", "B")),
    (e.Advanced(**_OF, from_stage=None, to_stage="B"), ("stage", None, "B")),
    (hired(), ("application", "active", "hired")),
    (rejected(), ("application", "active", "rejected")),
    (withdrawn(), ("application", "active", "withdrawn")),
    (reinstated(from_status="withdrawn"), ("application", "withdrawn", "active")),
    (reinstated(), ("application", None, "active")),
    (pooled("P", from_status="active"), ("application", "active", "pooled")),
    (pooled("P"), ("application", None, "pooled")),
    (pooled("P", from_status="rejected"), ("pool", None, "P")),
    (in_pool("P"), ("pool", None, "P")),
    (offered(), ("offer", None, "outstanding")),
    (offer_accepted(), ("offer", "outstanding", "accepted")),
    (e.OfferDeclined(**structs.asdict(offer_accepted())), ("offer", "outstanding", "declined")),
    (e.ConsentGranted(purpose=OUTREACH), ("consent", None, "granted")),
    (e.ConsentGranted(purpose=OUTREACH, said_before="granted"), ("consent", "granted", "granted")),
    (
        e.ConsentWithdrawn(purpose=OUTREACH, said_before="granted"),
        ("consent", "granted", "withdrawn"),
    ),
    (e.Unsubscribed(), ("subscription", "subscribed", "unsubscribed")),
    (e.Held(hold_id=UUID(int=1), legal_reference="Case 7"), ("hold", None, "placed")),
    (e.HoldReleased(hold_id=UUID(int=1)), ("hold", "placed", "released")),
    (
        e.ErasureRequested(
            erasure_id=UUID(int=1), legal_basis="b", basis_version="1", purposes=EVERY_PURPOSE
        ),
        ("erasure", None, "requested"),
    ),
    (
        e.Erased(erasure_id=UUID(int=1), purposes=EVERY_PURPOSE),
        ("erasure", "requested", "erased"),
    ),
    (j.JobOpened(title="T"), ("job", None, "open")),
    (j.JobClosed(), ("job", "open", "closed")),
    (j.JobReopened(), ("job", "closed", "open")),
    (j.StagesDefined(stages=("A", "B")), ("stages", None, ("A", "B"))),
    (
        j.StagesChanged(from_stages=("A", "B"), to_stages=("B",)),
        ("stages", ("A", "B"), ("B",)),
    ),
    (
        j.HiringManagersChanged(from_hiring_managers=(), to_hiring_managers=("mia",)),
        ("hiring-managers", (), ("mia",)),
    ),
    (example(ImpactReportPublished, full=True), ("impact-report", None, "published")),
    (ParkedRetried(model="m", model_version=1), (None, None, None)),
    *(
        (what(model="m", model_version=1, rebuild=2), (None, None, None))
        for what in (u.RebuildBegun, u.RebuildPaused, u.RebuildResumed, u.RebuildAbandoned)
    ),
    *(
        (what(model="m", model_version=1, build=2), (None, None, None))
        for what in (u.SwitchedBack, u.BuildDropped)
    ),
    (
        ParkedSkipped(model="m", model_version=1, stream=UUID(int=1), topic="t", position=1),
        (None, None, None),
    ),
]


def changed(event: Happened, *broken: str) -> Change:
    return change(Recorded(CANDIDATE, 1, event, by(broken_rules=broken), position=1))


@pytest.mark.parametrize(
    ("event", "expected"),
    CHANGES,
    ids=[f"{event.TOPIC}-{n}" for n, (event, _) in enumerate(CHANGES)],
)
def test_what_an_event_changed(event: Happened, expected: tuple[Any, Any, Any]) -> None:
    assert changed(event) == Change(*expected)


def test_every_event_is_decided_on() -> None:
    assert {type(event) for event, _ in CHANGES} == set(event_classes()) - {SelfIdentified}


@pytest.mark.parametrize(
    ("event", "rule", "was"),
    [
        (rejected(), "already-hired", "hired"),
        (hired(), "already-rejected", "rejected"),
        (hired(), "no-accepted-offer", "active"),
        (withdrawn(), "unknown-application", None),
        (offer_accepted(), "offer-already-accepted", "accepted"),
        (offer_accepted(), "no-offer", None),
        (j.JobClosed(), "job-already-closed", "closed"),
        (e.Unsubscribed(), "already-unsubscribed", "unsubscribed"),
    ],
)
def test_a_fact_that_breaks_a_rule_tells_what_was_there_instead(
    event: Happened, rule: str, was: str | None
) -> None:
    assert changed(event, "unknown-job", rule).before == was
