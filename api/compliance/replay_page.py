"""A candidate's history as one page, for an officer without access to hirelog."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lxml.html import builder as h

from api.compliance import pages
from api.compliance.differences import said
from api.plain import TIME
from api.replay import LATE, Step
from domain.candidate.difference import Point, changed, fields_of
from domain.candidate.state import evolve
from domain.recorded import personal_fields

IS_AND_IS_NOT = (
    "This is a copy of what hirelog had on record of one person, event by event, as it was when "
    "the page was made. Keep what it holds of personal data where only those can read it who must, "
    "and destroy it when its purpose is served. It does not prove by itself that nothing was "
    "altered; the bundle of hirelog audit export does."
)


def page(candidate_id: UUID, steps: Sequence[Step], point: Point, made_at: datetime) -> str:
    """The page: what is known now, then every event with who, when, why, and what it changed.

    `point` is what the steps end with, and `made_at` is in UTC.
    """
    last = steps[-1].state
    name = (last.details or {}).get("name", "Candidate without a name")
    return pages.page(
        name,
        pages.paragraph(f"candidate {candidate_id}", "small"),
        pages.paragraph(
            f"{len(steps)} events, {said(point)}; made {made_at.strftime(TIME)}", "small"
        ),
        pages.paragraph(IS_AND_IS_NOT, "small"),
        pages.heading("What is known at the end"),
        pages.facts([("Summary", steps[-1].after), *sorted((last.details or {}).items())]),
        pages.heading("What happened"),
        *events(steps),
    )


def events(steps: Sequence[Step]) -> list[pages.Element]:
    """Every event with who, when and why, and what it changed."""
    made, candidate, before = [], None, fields_of(None)
    for step in steps:
        candidate = evolve(candidate, step.recorded)
        after = fields_of(candidate)
        changes = [
            (name, _shown(before.get(name)), _shown(after.get(name)))
            for name in changed(before, after)
        ]
        made.append(_event(step, changes))
        before = after
    return made


def _event(step: Step, changes: Sequence[tuple[str, str, str]]) -> pages.Element:
    recorded, metadata = step.recorded, step.recorded.metadata
    late = metadata.recorded_at - metadata.occurred_at > LATE
    rules = ", ".join(metadata.broken_rules)
    parts: list[Any] = [
        h.H3(pages.number(recorded.originator_version), pages.said(step.description)),
        pages.facts(
            [
                ("When", metadata.occurred_at.strftime(TIME)),
                ("Recorded only", metadata.recorded_at.strftime(TIME) if late else None),
                ("Who", metadata.actor),
                ("On behalf of", metadata.on_behalf_of),
                ("Through", metadata.provenance),
                ("Why", metadata.reason),
                ("Breaks the rule", f"{rules} (a fact, kept as it came)" if rules else None),
                *(
                    (field.capitalize(), getattr(recorded.event, field))
                    for field in personal_fields(type(recorded.event))
                ),
            ]
        ),
    ]
    if changes:
        parts.append(pages.table(("Changed", "From", "To"), changes))
    return h.DIV(*parts, {"class": "event"})


def _shown(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
