"""How PostgreSQL finds pages of the audit trail, on a trail that is long enough to tell."""

from typing import Any

import psycopg
import pytest

from api.wiring import System
from projections.compliance_audit.queries import CONDITIONS, SELECT_ENTRIES
from projections.runtime.query import select
from tests.databases import Database

# Two thirds of the trail are of the robot, one third is of the kind that it never does.
FILL = """
INSERT INTO compliance_audit.entries
       (position, version, type, actor, description, occurred_at, recorded_at, provenance,
        broken_rules, command_id)
SELECT place, 1, CASE WHEN place % 3 = 0 THEN 'noted' ELSE 'opened' END,
       CASE WHEN place % 3 = 0 THEN 'recruiter:ada' ELSE 'system:robot' END, 'So it was',
       now(), now(), 'api', '{}', gen_random_uuid()
  FROM generate_series(1, 20000) AS place
"""


@pytest.fixture
def long_trail(system: System, database: Database) -> psycopg.Connection[Any]:
    with psycopg.connect(database.superuser) as connection:
        connection.execute(FILL)
        connection.execute("ANALYZE compliance_audit.entries")
    return psycopg.connect(system.conninfo, autocommit=True)


@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({"actor": "system:robot", "type": "noted"}, "entries_actor_idx"),
        ({"actor": "recruiter:nobody"}, "entries_actor_idx"),
        ({"type": "hired"}, "entries_type_idx"),
    ],
)
def test_a_page_that_is_empty_is_not_looked_for_in_the_whole_trail(
    long_trail: psycopg.Connection[Any], given: dict[str, str], index: str
) -> None:
    query = select(SELECT_ENTRIES, CONDITIONS, given)
    with long_trail as connection:
        plan = connection.execute(f"EXPLAIN {query}", {**given, "limit": 50}).fetchall()
    assert index in str(plan)
