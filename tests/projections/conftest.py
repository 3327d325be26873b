"""A log with an event in it that no read model can take."""

from uuid import UUID

import pytest

from api.wiring import System
from tests.databases import Database
from tests.projections.poison import poison


@pytest.fixture
def poisoned(system: System, database: Database) -> tuple[UUID, int]:
    """A poisoned candidate, and the position of the poison."""
    return poison(system, database)
