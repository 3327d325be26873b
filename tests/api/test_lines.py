"""Lines of the interchange: a wrong one is told with its number and without its values."""

import json
from typing import Any

import pytest

from api.interchange import lines
from api.interchange.batch import CannotImport
from api.interchange.lines import (
    NOBODY,
    Fact,
    RecordedLine,
    decoded,
    event_of,
    parsed,
    whose,
    written,
)
from domain.recorded import Recorded
from tests.scenario import CANDIDATE, applied, by

NAME = "Seán O'Hara"
LINE = json.loads(written(Recorded(CANDIDATE, 1, applied(name=NAME), by())))


def line(**changes: Any) -> bytes:
    return json.dumps(LINE | changes, ensure_ascii=False).encode()


def read(text: bytes) -> None:
    said = parsed(7, decoded(7, text))
    assert isinstance(said, RecordedLine)
    event_of(7, said)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (line(event=LINE["event"] | {"origin": NAME}), "Invalid enum value - at `$.origin`"),
        (line(event=LINE["event"] | {"origin": f'"{NAME}"'}), "Invalid enum value - at `$.origin`"),
        (line(event=LINE["event"] | {"offer": 1}), "unknown field `offer`"),
        (line(event={}), "missing required field"),
        (line(version=0), "Expected `int` >= 1 - at `$.version`"),
        (line(topic="candidate.lost"), "there is no event 'candidate.lost'"),
        (
            line(metadata=LINE["metadata"] | {"occurred_at": "0001-01-01T00:00:00+09:00"}),
            "metadata.occurred_at must lie within the years 1 to 9999",
        ),
        (
            line(metadata=LINE["metadata"] | {"occurred_at": "2026-01-01T00:00:00"}),
            "with a timezone component - at `$.metadata.occurred_at`",
        ),
        (line().replace(b"n", b"\xff", 1), "is not a JSON object; is the file whole?"),
        (line()[:-1], "is not a JSON object; is the file whole?"),
        (b"7", "is not a JSON object; is the file whole?"),
    ],
)
def test_what_is_wrong_is_said_without_anything_personal(text: bytes, complaint: str) -> None:
    with pytest.raises(CannotImport) as refused:
        read(text)
    said = str(refused.value)
    assert said.startswith("line 7")
    assert complaint in said
    assert "Hara" not in said


def test_a_line_that_was_written_is_read_again() -> None:
    later = LINE["metadata"] | {"occurred_at": "2026-01-05T18:00:00+09:00"}
    said = parsed(7, decoded(7, line(metadata=later)))
    assert isinstance(said, RecordedLine)
    assert event_of(7, said) == applied(name=NAME)
    assert said.metadata.occurred_at.isoformat() == "2026-01-05T09:00:00+00:00"


GIVEN = b'"interaction": {"type": "sourced", "source": "Fair"}, "occurred_at": "2026-01-07T00:00Z"'
OPENED = b'"interaction": {"type": "opened", "title": "W"}, "occurred_at": "2026-01-07T00:00Z"'


@pytest.mark.parametrize(
    "text",
    [
        b'{"candidate": "C-1", ' + GIVEN + b"}",
        b'{"candidate": " C-1 ", "job": null, ' + GIVEN + b"}",
        b'{"candidate": 5, "candidate": "C-1", ' + GIVEN + b"}",
        b'{"c\\u0061ndidate": "C-1", ' + GIVEN + b"}",
        b'{"candidate": "A8F61DDE-f238-4e75-a60d-19d8b55fa9bf", ' + GIVEN + b"}",
        b'{"job": "J", ' + OPENED + b"}",
        b'{"job": 5, "job": "J", ' + OPENED + b"}",
        b'{"candidate": "C-1", "candidate": null, "job": "J", ' + OPENED + b"}",
    ],
)
def test_whose_a_line_is_can_be_told_before_it_is_read(text: bytes) -> None:
    data = decoded(1, text)
    fact = lines.read(1, data, "there")
    assert isinstance(fact, Fact)
    assert whose(data, "there") == (fact.stream, fact.of_job)


def test_what_is_no_object_is_no_line() -> None:
    for text in (b"7", b"{", b"\xff", b'{"candidate": "\xff"}', b"[" * 2_000, b'{"a":' * 2_000):
        with pytest.raises(CannotImport, match="line 7 is not a JSON object; is the file whole"):
            decoded(7, text)


def test_what_names_nobody_is_nobodys() -> None:
    for text in (b"{}", b'{"candidate": 5}', b'{"job": null}'):
        assert whose(decoded(1, text), "there") == NOBODY
