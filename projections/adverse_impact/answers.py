"""What people answered about themselves, or did not: declined is not unknown."""

from enum import StrEnum

DECLINED = "declined"
UNKNOWN = "unknown"

# As forms and exports word it; compared without case, punctuation and what surrounds it.
_DECLINED = (
    "declin",
    "prefer not",
    "choose not",
    "do not wish",
    "dont wish",
    "do not want",
    "dont want",
    "rather not",
    "not disclose",
)
_UNKNOWN = frozenset(
    {
        # Not "none", which answers a question on religion or disability.
        *("", "unknown", "na", "null", "nan", "missing", "blank", "no answer", "no response"),
        *("not known", "not given", "not specified", "unspecified", "not answered"),
        *("not available", "not provided", "not stated", "did not answer"),
    }
)


class Answered(StrEnum):
    """Whether an answer says something."""

    GIVEN = "given"
    DECLINED = "declined"
    UNKNOWN = "unknown"


def answered(answer: str) -> Answered:
    """Whether the person said it, declined to, or was never heard."""
    words = "".join(each for each in answer.casefold() if each.isalnum() or each.isspace())
    words = " ".join(words.split())
    if words in _UNKNOWN:
        return Answered.UNKNOWN
    if any(phrase in words for phrase in _DECLINED):
        return Answered.DECLINED
    return Answered.GIVEN
