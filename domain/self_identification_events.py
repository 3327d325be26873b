"""What a person says of sex, race, disability and the like, as events of a stream of its own."""

from typing import ClassVar

from domain.recorded import Happened
from domain.values import SelfIdentificationText

WIDTH = 1_024


class SelfIdentificationEvent(Happened):
    """Base of the events of a self-identification's stream; the candidate is personal in them."""


class SelfIdentified(SelfIdentificationEvent):
    """The person answered, or declined to: `answers` is a JSON object of answers by attribute.

    Spaces follow it up to a multiple of WIDTH bytes: sealed as it is, its length would tell it.
    """

    TOPIC: ClassVar[str] = "self-identification.stated"

    candidate_id: SelfIdentificationText = None
    answers: SelfIdentificationText = None
