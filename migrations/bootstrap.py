"""Prepares a new cluster of the embedded server: the roles and the database."""

import psycopg

OWNER = "hirelog_owner"
SERVICE = "hirelog_service"
SELF_IDENTIFICATION = "hirelog_self_identification"
DATABASE = "hirelog"

LOCK = "SELECT pg_advisory_lock(7230417203844118887)"
ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hirelog_owner') THEN
        CREATE ROLE hirelog_owner LOGIN;
        CREATE ROLE hirelog_service LOGIN;
        GRANT hirelog_service TO hirelog_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hirelog_self_identification') THEN
        CREATE ROLE hirelog_self_identification LOGIN;
    END IF;
END
$$
"""
EXISTS = "SELECT 1 FROM pg_database WHERE datname = 'hirelog'"
CREATE = "CREATE DATABASE hirelog OWNER hirelog_owner"


def bootstrap(superuser_conninfo: str) -> None:
    """Makes what is missing; the owner migrates, the service role owns nothing of the log."""
    with psycopg.connect(superuser_conninfo, autocommit=True) as connection:
        connection.execute(LOCK)
        connection.execute(ROLES)
        if connection.execute(EXISTS).fetchone() is None:
            connection.execute(CREATE)
