"""A person's own data as one bundle (GDPR Art. 15): what is on record, and what is said of it."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from msgspec import structs
from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from api.compliance import own_answers, pages, replay_page
from api.compliance.own_answers import OwnAnswers
from api.compliance.register import Access, Register
from api.compliance.resume import profile
from api.plain import TIME
from api.readings import What
from api.replay import steps
from api.schemas import CandidateState, Event
from domain import retention
from domain.candidate import state
from domain.candidate.events import Applied, Sourced
from domain.recorded import Recorded, personal_fields
from domain.values import REDACTED, Moment
from projections.compliance_audit.describe import describe

FORMAT = "hirelog-access-bundle/1"
SELF = "candidate:"
IS_AND_IS_NOT = (
    "This is all that hirelog has on record of one person, but for what self_identification says "
    f"is not in it. What was erased reads {REDACTED}. Texts may speak of other people: read them "
    "before you hand this on (GDPR Art. 15(4)). It is no legal advice, and "
    "says nothing of what is kept outside of hirelog."
)
SELECT_READ_BY = """
SELECT role, what, candidate_id IS NULL AS of_everybody, count(*) AS times,
       min(read_at) AS first_at, max(read_at) AS last_at
  FROM hirelog.readings
 WHERE candidate_id = %(candidate)s
    OR (candidate_id IS NULL AND read_at >= %(since)s AND what <> %(of_nobody)s)
 GROUP BY role, what, of_everybody
 ORDER BY role, what, of_everybody
"""


class BundleEvent(Event):
    """One event about the person, with a sentence that says what it was."""

    description: str


class ReadBy(BaseModel):
    """Who read the person's record, by role, and how often."""

    role: str
    what: str = Field(examples=["state"])
    of_everybody: bool = Field(
        description=(
            "Whether many were read at once since the person came on record: an export, the feed, "
            "a list, a report. The person was among them, or may have been."
        )
    )
    times: int
    first_at: Moment
    last_at: Moment


class KeptUntil(BaseModel):
    """Until when the records are kept as things stand, and why."""

    until: Moment | None = Field(description="Null while something keeps them.")
    because: str


class AccessBundle(BaseModel):
    """A person's own data."""

    format: str = FORMAT
    made_at: Moment
    id: UUID
    is_and_is_not: str = IS_AND_IS_NOT
    profile: dict[str, Any] = Field(description="In JSON Resume's schema, version 1.0.0.")
    state: CandidateState
    self_identification: OwnAnswers
    events: list[BundleEvent] = Field(description="Everything that happened, in order.")
    sources: list[str] = Field(description="Where the data came from.")
    purposes: list[dict[str, Any]] = Field(
        description="Why it is kept, on what ground, who may be given it, and how long."
    )
    kept: KeptUntil
    read_by: list[ReadBy]
    automated_decisions: str
    transfers: str
    rights: list[str]


def read_by(connection: psycopg.Connection[Any], first: Recorded) -> list[ReadBy]:
    """Who read the record of the person whose first event is given, also among all others."""
    given = {
        "candidate": first.originator_id,
        "since": first.metadata.recorded_at,
        "of_nobody": What.IMPACT_REPORT,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SELECT_READ_BY, given).fetchall()
    return [ReadBy.model_validate(row) for row in rows]


def as_given(history: Sequence[Recorded], access: Access) -> list[Recorded]:
    """The history as the person is given it, by the policy on access."""
    return [_as_given(recorded, access) for recorded in history]


def make(
    history: Sequence[Recorded],
    register: Register,
    readers: list[ReadBy],
    made_at: datetime,
    own: Sequence[Recorded] | None = None,
) -> AccessBundle:
    """The bundle of a candidate's whole history, which has one event at least.

    `own` is what the vault has of the candidate, None where it was not opened.
    """
    access = register.processing.access
    given = as_given(history, access)
    candidate = state.fold(None, given)
    assert candidate is not None  # noqa: S101  # a history has an event
    return AccessBundle(
        made_at=made_at,
        id=candidate.id,
        profile=profile(candidate.details, candidate.last_occurred_at),
        state=CandidateState.of(candidate),
        self_identification=own_answers.of(candidate.id, own and as_given(own, access)),
        events=[_event(each) for each in given],
        sources=_sources(given),
        purposes=[register.told(each) for each in register.processing.purpose],
        kept=_kept(history, made_at),
        read_by=readers,
        automated_decisions=access.automated_decisions,
        transfers=access.transfers,
        rights=list(access.rights),
    )


def _event(recorded: Recorded) -> BundleEvent:
    event = Event.of(recorded)
    return BundleEvent(**dict(event), description=describe(recorded.event))


def _as_given(recorded: Recorded, access: Access) -> Recorded:
    event, metadata = recorded.event, recorded.metadata
    withheld = {
        name: REDACTED
        for name, purpose in personal_fields(type(event)).items()
        if purpose not in access.gives and getattr(event, name) is not None
    }
    if access.staff == "role":
        names = {name: _role(getattr(metadata, name)) for name in ("actor", "on_behalf_of")}
        metadata = structs.replace(metadata, **names)
    return structs.replace(recorded, event=structs.replace(event, **withheld), metadata=metadata)


def _role(who: str | None) -> str | None:
    if who is None or who.startswith(SELF):
        return who
    role, colon, _ = who.partition(":")
    return role if colon else "staff"


def _sources(history: Sequence[Recorded]) -> list[str]:
    return [
        f"{event.source} ({event.origin}), {recorded.metadata.occurred_at:%Y-%m-%d}"
        for recorded in history
        if isinstance(event := recorded.event, Sourced | Applied)
    ]


def _kept(history: Sequence[Recorded], day: datetime) -> KeptUntil:
    law = retention.policies()
    facts = retention.facts_of(history, law.starting(), day)
    assert facts is not None  # noqa: S101  # a history has an event
    found = retention.find(facts, law.applying(day.date()), law.clocks())
    if found.kept is not None:
        return KeptUntil(until=None, because=found.kept)
    longest = found.terms[0]
    return KeptUntil(
        until=longest.due_at,
        because=f"{longest.policy.legal_reference} (since {longest.start.type} of "
        f"{longest.start.occurred_at:%Y-%m-%d})",
    )


def as_html(bundle: AccessBundle, given: Sequence[Recorded]) -> str:
    """The bundle as one page; `given` is the history as the person is given it."""
    until = bundle.kept.until.strftime(TIME) if bundle.kept.until else "no end yet"
    return pages.page(
        (bundle.state.details or {}).get("name", "Your data"),
        pages.paragraph(f"candidate {bundle.id}, made {bundle.made_at.strftime(TIME)}", "small"),
        pages.paragraph(bundle.is_and_is_not, "small"),
        pages.heading("What is known of you"),
        pages.facts(sorted((bundle.state.details or {}).items())),
        *own_answers.as_html(bundle.self_identification),
        pages.heading("Where it came from"),
        *(pages.paragraph(each) for each in bundle.sources),
        pages.heading("Why it is kept, who may be given it, and how long"),
        *(element for each in bundle.purposes for element in _purpose(each)),
        pages.facts([("As things stand, until", until), ("Because", bundle.kept.because)]),
        pages.heading("Who read your record"),
        pages.table(
            ("Role", "What", "Times", "First", "Last"),
            [
                (
                    r.role,
                    f"{r.what}, of everybody" if r.of_everybody else r.what,
                    r.times,
                    r.first_at.strftime(TIME),
                    r.last_at.strftime(TIME),
                )
                for r in bundle.read_by
            ],
        ),
        pages.heading("Your rights"),
        *(pages.paragraph(each) for each in bundle.rights),
        pages.paragraph(bundle.automated_decisions),
        pages.paragraph(bundle.transfers),
        pages.heading("What happened"),
        *replay_page.events(list(steps(given))),
    )


def _purpose(purpose: Mapping[str, Any]) -> list[pages.Element]:
    ways: dict[str, list[str]] = {}
    for each in purpose["recipients"]:
        ways.setdefault(each["who"], []).append(each["way"])
    return [
        pages.facts(
            [
                ("Purpose", purpose["title"]),
                ("What", purpose["categories"]),
                ("Ground", purpose["legal_reference"]),
                *(("May be given to", who) for who in ways),
            ]
        )
    ]


def files(bundle: AccessBundle, given: Sequence[Recorded]) -> dict[str, str]:
    """The bundle's files by name."""
    return {
        "access.json": bundle.model_dump_json(indent=2, exclude_unset=False),
        "resume.json": json.dumps(bundle.profile, indent=2, ensure_ascii=False),
        "index.html": as_html(bundle, given),
    }


def zipped(contents: Mapping[str, str]) -> bytes:
    """The files as one archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return archive.getvalue()
