"""A rebuild rests while others append, and does not where nobody does."""

from uuid import uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.intents import Source
from projections.runtime import giving_way
from tests.scenario import by


def test_a_step_beside_appends_is_followed_by_a_rest(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "BUSY", 0)
    rests: list[float] = []

    def rest(_: object, seconds: float) -> None:
        rests.append(seconds)

    with psycopg.connect(system.conninfo, autocommit=True) as connection:
        with giving_way.giving_way(connection, rest):
            system.recruiting.record(uuid4(), Source(source="Fair"), by())
        assert len(rests) == 1
        with giving_way.giving_way(connection, rest):
            pass
    assert len(rests) == 1
