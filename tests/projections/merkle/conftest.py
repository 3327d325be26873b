"""A sealed log of four checkpoints."""

from uuid import uuid4

import pytest

from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from tests.databases import Database
from tests.projections.merkle.sealed import SIZES, Sealed
from tests.projections.poison import append


@pytest.fixture
def sealed(system: System, database: Database) -> Sealed:
    made = Sealed(database, [])
    length = 0
    for size in SIZES:
        while length < size:
            events = [Sourced(origin=Origin.SOURCED, source="Fair")] * min(50, size - length)
            length = append(system, uuid4(), 1, *events)
        covered = made.seal()
        assert covered is not None
        made.kept.append(covered)
    return made
