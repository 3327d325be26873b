"""Clocks run on in JSON that was made before, and nothing else moves."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.clocks import Running

MADE = datetime(2026, 1, 5, tzinfo=UTC)


@given(st.lists(st.tuples(st.integers(-100, 10**9), st.text())), st.integers(-5, 10**6))
def test_clocks_alone_move_and_none_tells_of_what_lies_ahead(
    cards: list[tuple[int, str]], passed: int
) -> None:
    def body(passed: int, least: int) -> bytes:
        shown = [
            {"name": f'"seconds_in_stage":{text}', "seconds_in_stage": max(least, seconds + passed)}
            for seconds, text in cards
        ]
        return json.dumps(shown, separators=(",", ":")).encode()

    running = Running(body(0, least=-100), MADE)
    assert running.at(MADE + timedelta(seconds=passed)) == body(passed, least=0)
