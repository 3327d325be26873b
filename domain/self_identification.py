"""What a person says of sex, race, disability and the like: state and decisions.

On a stream of its own, whose id gives the candidate away to nobody without the master key. Declined
is an answer and is kept as one; what was never asked or answered is unknown and stands nowhere.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from domain.candidate.intents import Intent
from domain.given import Label
from domain.recorded import Recorded
from domain.self_identification_events import WIDTH, SelfIdentified
from domain.values import REDACTED

# State


@dataclass(slots=True)
class SelfIdentification:
    """The last answer to each question; nothing is left of it once the key is destroyed."""

    id: UUID
    version: int = 0
    candidate_id: UUID | None = None
    answers: dict[str, str] = field(default_factory=dict)


def fold(state: SelfIdentification, history: Iterable[Recorded]) -> SelfIdentification:
    """The state after `history`, in stream order; the given object is changed and returned."""
    for recorded in history:
        state.version = recorded.originator_version
        match recorded.event:
            case SelfIdentified(candidate_id=str(candidate), answers=str(answers)) if (
                REDACTED not in (candidate, answers)
            ):
                state.candidate_id = UUID(candidate)
                state.answers |= json.loads(answers)
    return state


# Intents and decisions


class IdentifySelf(Intent):
    """Answer questions about oneself; `declined` declines one."""

    type: Literal["self-identified"] = "self-identified"
    answers: Annotated[Mapping[Label, Label], Field(min_length=1, max_length=50)]


def consequences(
    state: SelfIdentification, candidate_id: UUID, intent: IdentifySelf
) -> Iterator[SelfIdentified]:
    """What happens: nothing where the same was answered before."""
    new = {name: said for name, said in intent.answers.items() if state.answers.get(name) != said}
    if new:
        answers = json.dumps(new)  # in ASCII, where a character is a byte
        padded = answers + " " * (-len(answers) % WIDTH)
        yield SelfIdentified(candidate_id=str(candidate_id), answers=padded)
