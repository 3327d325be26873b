"""The audit trail: one entry for each event, described in a sentence without personal data."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from msgspec.structs import asdict

from domain.candidate import events as e
from domain.job_events import (
    HiringManagersChanged,
    JobClosed,
    JobOpened,
    JobReopened,
    StagesChanged,
    StagesDefined,
)
from domain.recorded import Happened, personal_fields
from domain.upkeep import ParkedRetried, ParkedSkipped, RebuildPaused, SwitchedBack, stream_of
from domain.values import Channel, ConsentPurpose, RejectionType
from projections.compliance_audit import COMPLIANCE_AUDIT, fold
from projections.compliance_audit.describe import SENTENCES
from tests.scenario import (
    APPLICATION,
    CANDIDATE,
    JOB,
    Told,
    advanced,
    applied,
    contacted,
    day,
    event_classes,
    example,
    forward,
    hired,
    in_pool,
    log,
    offer_accepted,
    offer_declined,
    offered,
    pooled,
    reinstated,
    rejected,
    rows,
    sourced,
    withdrawn,
)

EACH_CLASS = pytest.mark.parametrize("event_class", event_classes(), ids=lambda each: each.TOPIC)
SEALED = "contact:bm9uY2VzZWFsZWQ="


def entry(told: Told, stream: UUID = CANDIDATE) -> fold.Entry:
    (row,) = rows(COMPLIANCE_AUDIT, fold.ENTRIES, log(told, stream=stream, position=5))
    assert isinstance(row, fold.Entry)
    return row


# Entries


def test_an_entry_tells_who_did_what_to_whom_when_why_and_through_what() -> None:
    command = UUID(int=77)
    told: dict[str, Any] = {
        "actor": "ada",
        "on_behalf_of": "bob",
        "reason": "Too junior",
        "occurred_at": day(3),
        "recorded_at": day(4),
        "provenance": "import b7",
        "broken_rules": ("already-rejected", "stage-mismatch"),
        "command_id": command,
        "correlation_id": "c1",
        "causation_id": "d1",
    }
    assert entry((rejected("B"), told)) == fold.Entry(
        position=5,
        candidate_id=CANDIDATE,
        job_id=JOB,
        application_id=APPLICATION,
        version=1,
        type="rejected",
        actor="ada",
        on_behalf_of="bob",
        reason="Too junior",
        description="Rejected at B by us for Engineer",
        occurred_at=day(3),
        recorded_at=day(4),
        provenance="import b7",
        broken_rules=["already-rejected", "stage-mismatch"],
        command_id=command,
        correlation_id="c1",
        causation_id="d1",
    )


def test_a_job_s_entry_is_of_the_job_and_of_no_candidate() -> None:
    row = entry(JobClosed(), stream=JOB)
    assert (row.candidate_id, row.job_id, row.application_id) == (None, JOB, None)
    assert row.type == "job-closed"


def test_an_entry_knows_the_job_and_the_application_that_it_concerns() -> None:
    assert entry(sourced(job_id=JOB)).job_id == JOB
    assert entry(contacted(application_id=APPLICATION)).application_id == APPLICATION
    assert entry(sourced()).job_id is None


def test_every_event_has_its_entry_in_the_order_of_the_log() -> None:
    told = log(applied("A"), forward("A", "B"), forward("B", "C"), position=11)
    entries = rows(COMPLIANCE_AUDIT, fold.ENTRIES, told)
    assert [(asdict(row)["position"], asdict(row)["version"]) for row in entries] == [
        (11, 1),
        (12, 2),
        (13, 3),
    ]


# Descriptions


@pytest.mark.parametrize(
    ("event", "description"),
    [
        (sourced(), "Sourced from LinkedIn (sourced)"),
        (sourced(job_id=JOB, job_title="Writer"), "Sourced from LinkedIn (sourced) for Writer"),
        (contacted("m1"), "Contacted by email (message m1)"),
        (
            contacted("m1", sequence="Spring", step=2),
            "Contacted by email (message m1, step 2 of Spring)",
        ),
        (
            contacted("m1", application_id=APPLICATION, job_title="Engineer"),
            "Contacted by email for Engineer (message m1)",
        ),
        (e.Opened(message_id="m1"), "Opened message m1"),
        (e.Clicked(message_id="m1"), "Followed a link in message m1"),
        (e.Replied(message_id="m1", channel=Channel.EMAIL), "Replied by email to message m1"),
        (e.Replied(channel=Channel.PHONE), "Replied by phone unasked"),
        (applied("A"), "Applied through Careers page (applied), entered at A for Engineer"),
        (forward("A", "B"), "Moved from A forward to B for Engineer"),
        (advanced("A", "B"), "Moved from A to B for Engineer"),
        (advanced("A", "B", job_title=None), f"Moved from A to B for job {JOB}"),
        (advanced("A", "B", job_title=None, job_id=None), "Moved from A to B"),
        (offered(2, "C"), "Offer 2 made at C for Engineer"),
        (offer_accepted(2), "Offer 2 accepted for Engineer"),
        (offer_declined(2), "Offer 2 declined for Engineer"),
        (hired("C"), "Hired from C for Engineer"),
        (rejected("B"), "Rejected at B by us for Engineer"),
        (
            rejected("B", rejection_type=RejectionType.CANDIDATE_WITHDREW),
            "Rejected at B because the candidate withdrew for Engineer",
        ),
        (
            rejected("B", rejection_type=RejectionType.UNSPECIFIED),
            "Rejected at B without saying by whom for Engineer",
        ),
        (reinstated("B"), "Application reinstated at B for Engineer"),
        (withdrawn("B"), "Candidate withdrew at B for Engineer"),
        (in_pool("Java"), "Returned to pool Java"),
        (pooled("Java"), "Returned to pool Java from A for Engineer"),
        (
            e.ProfileUpdated(name=SEALED, email=SEALED, removed=("phone", "url")),
            "Profile updated: changed name, email and removed phone, url",
        ),
        (e.ProfileUpdated(removed=("phone",)), "Profile updated: removed phone"),
        (e.Noted(text=SEALED), "Note written"),
        (e.Noted(text=SEALED, job_title="Engineer"), "Note written for Engineer"),
        (e.ConsentGranted(purpose=ConsentPurpose.OUTREACH), "Consent to outreach granted"),
        (
            e.ConsentGranted(purpose=ConsentPurpose.RETENTION, expires_at=day(1)),
            "Consent to retention granted until 2026-01-06",
        ),
        (e.ConsentWithdrawn(purpose=ConsentPurpose.OUTREACH), "Consent to outreach withdrawn"),
        (e.Unsubscribed(), "Unsubscribed from all outreach"),
        (e.Unsubscribed(channel=Channel.SMS), "Unsubscribed from sms outreach"),
        (JobOpened(title="Engineer", openings=2), "Job Engineer opened with 2 opening(s)"),
        (StagesDefined(stages=("A", "B")), "Stages defined: A > B"),
        (
            StagesChanged(from_stages=("A", "B"), to_stages=("A", "C")),
            "Stages changed from A > B to A > C",
        ),
        (
            HiringManagersChanged(from_hiring_managers=("kim",), to_hiring_managers=("lee", "mo")),
            "Hiring managers changed to lee, mo",
        ),
        (JobClosed(), "Job closed"),
        (ParkedRetried(model="crm", model_version=1), "Parked events of crm retried"),
        (
            ParkedSkipped(model="crm", model_version=1, stream=JOB, topic="job.closed", position=7),
            "Event at position 7 left out of crm",
        ),
        (RebuildPaused(model="crm", model_version=1, rebuild=2), "Rebuild 2 of crm paused"),
        (
            SwitchedBack(model="crm", model_version=1, build=3),
            "Switched back to build 3 of crm",
        ),
        (JobReopened(), "Job re-opened"),
    ],
)
def test_what_the_descriptions_say(event: Happened, description: str) -> None:
    assert entry(event).description == description


@pytest.mark.parametrize(
    ("event", "description"),
    [
        (contacted("m1", sequence="Spring"), "Contacted by email (message m1 of Spring)"),
        (applied(None), "Applied through Careers page (applied) for Engineer"),
        (advanced(None, "B"), "Moved to B for Engineer"),
        (offer_accepted(None), "Offer accepted for Engineer"),
        (offer_declined(None), "Offer declined for Engineer"),
        (hired(None), "Hired for Engineer"),
        (rejected(None), "Rejected by us for Engineer"),
        (e.ProfileUpdated(), "Profile updated: nothing changed"),
    ],
)
def test_what_is_not_known_is_not_said(event: Happened, description: str) -> None:
    assert entry(event).description == description


@EACH_CLASS
def test_every_kind_of_event_has_a_sentence(event_class: type[Happened]) -> None:
    for full in (True, False):
        row = entry(example(event_class, full=full))
        assert row.type == event_class.wire_name()
        assert row.description not in ("", row.type)
        of_candidate = issubclass(event_class, e.CandidateEvent) or event_class is ParkedSkipped
        assert (row.candidate_id is None) == (not of_candidate)


@pytest.mark.parametrize("topic", ["candidate.noted", "job.closed", "unheard.of"])
def test_an_event_that_was_left_out_is_found_with_whom_it_concerns(topic: str) -> None:
    skipped = ParkedSkipped(model="crm", model_version=1, stream=JOB, topic=topic, position=7)
    row = entry(skipped, stream=stream_of("crm"))
    assert (row.candidate_id, row.job_id) == ((None, JOB) if topic[:3] == "job" else (JOB, None))


@EACH_CLASS
def test_every_event_has_its_sentence(event_class: type[Happened]) -> None:
    assert event_class in SENTENCES


@EACH_CLASS
def test_no_entry_holds_a_personal_value_sealed_or_in_clear(event_class: type[Happened]) -> None:
    in_clear = example(event_class, full=True)
    sealed = structs.replace(in_clear, **dict.fromkeys(personal_fields(event_class), SEALED))
    for event in (in_clear, sealed):
        shown = repr(entry(event))
        assert "PERSONAL" not in shown
        assert SEALED not in shown
