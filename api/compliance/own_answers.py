"""What a person said of themselves, as it stands in their access bundle, or why it does not."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from pydantic import BaseModel, Field

from api.compliance import pages
from api.plain import TIME
from domain.recorded import Recorded
from domain.self_identification_events import SelfIdentified
from domain.values import REDACTED, Moment

ELSEWHERE = (
    "Not in this bundle. Such answers are kept apart, and what made the bundle cannot read them. "
    "`hirelog access {candidate} --out DIR --why REASON` gives them, run by whoever has the "
    "database login that alone may open them."
)
ALL = "All that was answered, each time that it was."
NOTHING = "No such question was answered, or none was asked."


class Statement(BaseModel):
    """What the person answered at one time, as whoever recorded it has it."""

    said_at: Moment
    recorded_at: Moment
    recorded_by: str = Field(examples=["import"])
    answers: dict[str, str] = Field(
        description="By question; none where they were erased.", examples=[{"sex": "declined"}]
    )


class OwnAnswers(BaseModel):
    """Answers to questions of self-identification, such as sex, race and disability."""

    are_included: bool
    note: str
    statements: list[Statement]


def of(candidate_id: UUID, history: Sequence[Recorded] | None) -> OwnAnswers:
    """What the vault has of the person, as the person is given it; None where nobody asked it."""
    if history is None:
        note = ELSEWHERE.format(candidate=candidate_id)
        return OwnAnswers(are_included=False, note=note, statements=[])
    statements = [_statement(each, each.event) for each in history]
    return OwnAnswers(are_included=True, note=ALL if statements else NOTHING, statements=statements)


def _statement(recorded: Recorded, event: object) -> Statement:
    assert isinstance(event, SelfIdentified)  # noqa: S101  # the stream has no others
    is_legible = event.answers not in {None, REDACTED}
    return Statement(
        said_at=recorded.metadata.occurred_at,
        recorded_at=recorded.metadata.recorded_at,
        recorded_by=recorded.metadata.actor,
        answers=json.loads(event.answers or "{}") if is_legible else {},
    )


def as_html(own: OwnAnswers) -> Iterable[pages.Element]:
    """The section of the page."""
    yield pages.heading("What you said of yourself")
    yield pages.paragraph(own.note)
    rows = [
        (each.said_at.strftime(TIME), question, answer)
        for each in own.statements
        for question, answer in each.answers.items() or [(REDACTED, REDACTED)]
    ]
    if rows:
        yield pages.table(("When", "Question", "Answer"), rows)
