"""What hiring managers may see: jobs that name them, and whoever has applied for those."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import psycopg

from api.access.callers import Principal, Role

SELECT_OWN_JOBS = """
SELECT job_id FROM ats_pipeline.jobs WHERE hiring_managers @> ARRAY[%(actor)s::text]
"""
IS_ONE_OWN = """
SELECT EXISTS (
    SELECT FROM ats_pipeline.jobs
     WHERE job_id = ANY (%(jobs)s) AND hiring_managers @> ARRAY[%(actor)s::text])
"""


def sees_all_jobs(principal: Principal) -> bool:
    """Whether the role's view is not narrowed to jobs of its own."""
    return principal.role is not Role.HIRING_MANAGER


def own_jobs(connection: psycopg.Connection[Any], principal: Principal) -> list[UUID] | None:
    """The jobs that the caller may see; None for all."""
    if sees_all_jobs(principal):
        return None
    rows = connection.execute(SELECT_OWN_JOBS, {"actor": principal.actor}).fetchall()
    return [job for (job,) in rows]


def sees_one_of(
    connection: psycopg.Connection[Any], principal: Principal, jobs: Collection[UUID]
) -> bool:
    """Whether the caller may see one of these jobs at least."""
    if sees_all_jobs(principal):
        return True
    asked = {"jobs": list(jobs), "actor": principal.actor}
    row = connection.execute(IS_ONE_OWN, asked).fetchone()
    return bool(row and row[0])
