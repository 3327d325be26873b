"""What callers give, word by word: texts of bounded length and moments, as pydantic checks them."""

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from domain.values import to_utc


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def _told_as(pattern: str) -> Any:
    """Has the JSON schema tell what a validator finds out with words of its own."""
    return Field(json_schema_extra={"pattern": pattern})


_Clean = AfterValidator(_without_nul)
_NotBlank = _told_as(r"^[^\x00]*[^\s\x00][^\x00]*$")
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _Clean, _NotBlank
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=20_000), _Clean, _told_as(r"^[^\x00]*$")
]
Detail = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), _Clean, _NotBlank
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
    _Clean,
]


def _not_a_number(given: Any) -> Any:
    # pydantic would take a number for seconds since 1970, and so a bare year for a moment in 1970.
    if isinstance(given, str):
        is_number = ":" not in given and given.strip().lstrip("+-").replace(".", "", 1).isdigit()
    else:
        is_number = isinstance(given, (int, float))
    if is_number:
        raise ValueError("must be a date and time with a zone, such as 2026-05-04T09:00:00Z")
    return given


GivenMoment = Annotated[AwareDatetime, AfterValidator(to_utc), BeforeValidator(_not_a_number)]
