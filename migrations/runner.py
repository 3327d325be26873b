"""Applies the migrations that a database lacks, in order, each in a transaction of its own."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import psycopg

LOCK = "SELECT pg_advisory_lock(7230417203844118885)"
UNLOCK = "SELECT pg_advisory_unlock(7230417203844118885)"

# The role that the service runs as, however it logs in. It owns no table of the log.
PREPARE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hirelog_service') THEN
        CREATE ROLE hirelog_service NOLOGIN;
    END IF;
    BEGIN
        -- From PostgreSQL 16 on, whoever makes a role may administer it but not become it.
        EXECUTE format('GRANT hirelog_service TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN
        NULL;
    END;
    EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO hirelog_service',
                   current_database());
END
$$;
CREATE SCHEMA IF NOT EXISTS hirelog;
GRANT USAGE ON SCHEMA hirelog TO hirelog_service;
CREATE TABLE IF NOT EXISTS hirelog.migrations (
    name       text        PRIMARY KEY,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON hirelog.migrations TO hirelog_service;
"""
EXISTS = "SELECT to_regclass('hirelog.migrations') IS NOT NULL"
APPLIED = "SELECT name, digest FROM hirelog.migrations"
RECORD = "INSERT INTO hirelog.migrations (name, digest) VALUES (%s, %s)"


class MigrationError(Exception):
    """A migration cannot be applied; the message says which and what to do."""


@dataclass(frozen=True)
class Migration:
    """One file of this folder, NNNN_verb_noun.sql."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return sha256(self.text.encode()).hexdigest()


def all_migrations() -> list[Migration]:
    """The files of this folder in order."""
    found = [entry for entry in files("migrations").iterdir() if entry.name.endswith(".sql")]
    return [Migration(f.name, f.read_text("utf-8")) for f in sorted(found, key=lambda f: f.name)]


def pending(connection: psycopg.Connection) -> list[Migration]:
    """What `connection`'s database lacks. Raises MigrationError when an applied file was edited."""
    row = connection.execute(EXISTS).fetchone()
    applied: dict[str, str] = {}
    if row and row[0]:
        applied = dict(connection.execute(APPLIED).fetchall())
    migrations = all_migrations()
    for migration in migrations:
        if applied.get(migration.name, migration.digest) != migration.digest:
            raise MigrationError(
                f"migration {migration.name} was changed after it was applied; "
                "restore the file and write a new migration instead"
            )
    if unknown := sorted(set(applied) - {migration.name for migration in migrations}):
        raise MigrationError(
            f"the database has migrations that this version does not know ({', '.join(unknown)}); "
            "run a newer hirelog"
        )
    return [migration for migration in migrations if migration.name not in applied]


def migrate(conninfo: str) -> list[str]:
    """Applies what is missing and returns the names. Safe when several processes start at once.

    `conninfo` must log in as the owner of the database or as a superuser.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(LOCK)
        try:
            connection.execute(PREPARE)
            todo = pending(connection)
            for migration in todo:
                with connection.transaction():
                    connection.execute(migration.text.encode())
                    connection.execute(RECORD, (migration.name, migration.digest))
        finally:
            connection.execute(UNLOCK)
    return [migration.name for migration in todo]
