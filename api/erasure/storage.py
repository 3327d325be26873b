"""Rewrites the database's files, so that what was erased is in none of them any more.

PostgreSQL keeps the old version of a changed row in the table's file until the space is used again,
and in the write-ahead log. The tables are written anew, and the log is cut off behind them: old
segments are removed instead of used again with what they hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from api.erasure.holders import FILES

SEGMENTS_AHEAD = 2  # more than are there, for other writers take some

# Columns with sealed values are marked: ANALYZE must not copy them (SET STATISTICS 0). A build of
# another version may lack the mark; there, whatever has texts of a candidate counts.
MARKED = """
SELECT DISTINCT namespace.nspname, class.relname
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
  JOIN read_models.builds ON builds.schema_name = namespace.nspname
 WHERE class.relkind = 'r' AND attribute.attnum > 0
   AND (attribute.attstattarget = 0
        OR (attribute.atttypid = 'text'::regtype AND NOT builds.digest = ANY (%s)
            AND EXISTS (SELECT FROM pg_attribute AS candidate
                         WHERE candidate.attrelid = class.oid
                           AND candidate.attname = 'candidate_id')))
 UNION ALL VALUES ('hirelog', 'candidate_keys')
"""
IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
FORGET_STATISTICS = """
DELETE FROM pg_statistic
 USING pg_attribute
 WHERE starelid = attrelid AND staattnum = attnum AND attstattarget = 0
"""
SEGMENTS = "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
PRESENT_SEGMENT = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"
OLD_SEGMENTS = "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name < %s"
# A segment is left only when something was written to it.
NEXT_SEGMENT = (
    "SELECT pg_logical_emit_message(false, 'hirelog', 'maintain')",
    "SELECT pg_switch_wal()",
)
# A table that was being written when the server crashed leaves a file that no table owns. Those of
# transactions under way look the same, but are not older than these; a second is for coarse clocks.
LEFT_BY_A_CRASH = """
SELECT current_setting('data_directory') || '/' || file.path
  FROM (SELECT base.path || '/' || name AS path, substring(name FROM '^[0-9]+') AS number
          FROM (SELECT 'base/' || oid AS path
                  FROM pg_database WHERE datname = current_database()) AS base,
               pg_ls_dir(base.path) AS name
         WHERE name ~ '^[0-9]+([._].*)?$') AS file,
       pg_stat_file(file.path, true) AS found
 WHERE found.size > 0 AND pg_filenode_relation(0, file.number::oid) IS NULL
   AND found.modification < (SELECT min(xact_start) - interval '1 s' FROM pg_stat_activity)
 ORDER BY file.path
"""
STARTED = "SELECT clock_timestamp()"
ACKNOWLEDGE = """
UPDATE hirelog.erasure_holders AS holder
   SET state = 'acknowledged', because = %(because)s, changed_at = now()
  FROM hirelog.erasures
 WHERE holder.erasure_id = erasures.erasure_id AND holder.holder = %(holder)s
   AND holder.state = 'pending' AND erasures.erased_at < %(started)s
   AND NOT EXISTS (SELECT FROM hirelog.erasure_holders AS build
                    WHERE build.erasure_id = erasures.erasure_id AND build.state = 'pending'
                      AND build.holder LIKE 'build:%%')
"""


@dataclass(frozen=True)
class Maintained:
    """What was written anew, whether the write-ahead log was cut off, and what that completes."""

    tables: list[str]
    log_is_cut: bool
    erasures: int
    left: list[str]  # what the operator has to see to


def maintain(
    conninfo: str, digests: list[str], tell: Callable[[str], None] = lambda _: None
) -> Maintained:
    """Writes the tables anew that held sealed names or keys, and removes old parts of the log.

    `conninfo` is of the owner or, for the write-ahead log, of a superuser; `digests` are those of
    the read models as they are now. Queries of these tables wait meanwhile. Erasures whose read
    models have let go are acknowledged, unless a crash left files that may hold old keys.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        started = _one(connection, STARTED)
        tables = sorted(connection.execute(MARKED, (digests,)).fetchall())
        may_all = bool(_one(connection, IS_SUPERUSER))
        if may_all:
            connection.execute(FORGET_STATISTICS)
            tables.append(("pg_catalog", "pg_statistic"))
        for schema, table in tables:
            tell(f"writing {schema}.{table} anew")
            name = sql.Identifier(schema, table)
            connection.execute(sql.SQL("VACUUM (FULL) {}").format(name))
        left, log_is_cut, crashed = list[str](), False, list[str]()
        if may_all:
            tell("cutting the write-ahead log off")
            left += _cut_log(connection)
            log_is_cut = not left
            crashed = _left_by_a_crash(connection)
        else:
            left.append(
                "the write-ahead log, for which a superuser is needed (HIRELOG_MIGRATION_URL): it "
                "is gone when the server has removed or overwritten what is older than now"
            )
        left.append("backups, replicas and log archives of before, where you keep any")
        because = "rewritten" if len(left) == 1 else f"rewritten, but for {left[0]}"
        given = {"because": because, "holder": FILES, "started": started}
        # What is known to lie in a file still has not been let go of.
        completed = 0 if crashed else connection.execute(ACKNOWLEDGE, given).rowcount
    names = [f"{schema}.{table}" for schema, table in tables]
    return Maintained(names, log_is_cut, completed, [*crashed, *left])


def _cut_log(connection: psycopg.Connection[Any]) -> list[str]:
    connection.execute("ALTER SYSTEM SET wal_recycle = off")
    try:
        connection.execute("SELECT pg_reload_conf()")
        # Segments that wait to be used hold what they held before; all of them are used up.
        for _ in range(_one(connection, SEGMENTS) + SEGMENTS_AHEAD):
            for statement in NEXT_SEGMENT:
                connection.execute(statement.encode())
        present = _one(connection, PRESENT_SEGMENT)
        # What the one before the last has freed, the last removes.
        for _ in range(2):
            connection.execute("CHECKPOINT")
        old = _one(connection, OLD_SEGMENTS, (present,))
    finally:
        connection.execute("ALTER SYSTEM RESET wal_recycle")
        connection.execute("SELECT pg_reload_conf()")
    if old:
        return [f"{old} segment(s) of the write-ahead log that a replica or an archive still needs"]
    return []


def _left_by_a_crash(connection: psycopg.Connection[Any]) -> list[str]:
    """Only said: to remove a file of a table would be worse than to leave one of none."""
    return [
        f"{path}, which a crash of the database left and no table owns; it may hold old keys: "
        "remove it while the database is stopped, then do this again; no erasure is complete before"
        for (path,) in connection.execute(LEFT_BY_A_CRASH)
    ]


def _one(connection: psycopg.Connection[Any], query: str, given: tuple[object, ...] = ()) -> Any:
    row = connection.execute(query.encode(), given).fetchone()
    return row[0] if row else None
