"""A short run of what `python -m tests.torture schema` does for long, on the real HTTP server."""

import httpx

from api.wiring import System
from tests.conftest import known_as
from tests.databases import wait_until_projected
from tests.torture.schema import RATE, callers_of, prove, put_on_record

CASES = 400


def test_every_answer_is_as_documented(http: httpx.Client, projected: System) -> None:
    projected.settings.wait_seconds = 0.0  # many a position lies in the future
    callers = callers_of(lambda name: known_as(projected, name, rate_limit=RATE))
    known = put_on_record(http, lambda: wait_until_projected(projected.conninfo))
    proof = prove(
        http,
        callers,
        known,
        seed=1,
        cases=CASES,
        seconds=60,
        examples=4,
        phases=("examples", "fuzzing"),
    )
    assert not proof.wrong
    answered = proof.happened
    assert {"200", "201", "401", "403", "404", "409", "422"} <= answered.keys()
    assert answered["no answer"] == 0
    assert answered["rounds"] >= 2  # others than the admin, too
