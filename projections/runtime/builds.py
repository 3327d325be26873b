"""The builds of the read models: which tables there are, whose they are, and where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from domain.errors import Refusal
from projections.runtime import tables
from projections.runtime.contract import ReadModel

LAYOUT = "layout 2"  # of schema.sql; another one has all read models made anew

INSTALL_LOCK = "SELECT pg_advisory_xact_lock(7230417203844118886)"
LAYOUT_FOUND = """
SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'read_models'
"""
SELECT_BUILDS = """
SELECT build, model, version, digest, schema_name, state, position, revision, rebuild, later_sql,
       made_at, updated_at
  FROM read_models.builds
"""
ONE = SELECT_BUILDS + " WHERE build = %s"
LIVE = SELECT_BUILDS + " WHERE model = %s AND state = 'live'"
OF_REBUILD = SELECT_BUILDS + " WHERE rebuild = %s AND state = 'building' ORDER BY build"
ALL = SELECT_BUILDS + " ORDER BY model, build"
INSERT_BUILD = """
INSERT INTO read_models.builds (build, model, version, digest, schema_name, state, rebuild)
VALUES (%(build)s, %(model)s, %(version)s, %(digest)s, %(schema)s, %(state)s, %(rebuild)s)
"""
STAMPS = "SELECT model, build, position, revision FROM read_models.builds WHERE state = 'live'"
NEXT_BUILD = "SELECT nextval('read_models.build_numbers')"
DELETE_BUILD = "DELETE FROM read_models.builds WHERE build = %s"


class Stamp(NamedTuple):
    """Another one whenever a row of the live tables may have changed."""

    build: int
    position: int
    revision: int


class BuildGone(Refusal):
    """The build was dropped."""


@dataclass(frozen=True)
class Build:
    """A set of tables of a read model: live, building, retired, or kept for an analyst."""

    build: int
    model: str
    version: int
    digest: str
    schema_name: str
    state: str
    position: int
    revision: int
    rebuild: int | None
    later_sql: list[str]
    made_at: datetime
    updated_at: datetime


def install(connection: psycopg.Connection[Any], models: Iterable[ReadModel]) -> None:
    """Makes the tables of every model that has none. Safe when several processes start at once."""
    with connection.transaction():
        connection.execute(INSTALL_LOCK)
        _lay_out(connection, models)
        for model in models:
            if live(connection, model.name) is None:
                make_tables(connection, model, "live")


def _lay_out(connection: psycopg.Connection[Any], models: Iterable[ReadModel]) -> None:
    found = connection.execute(LAYOUT_FOUND).fetchone()
    if found and found[0] == LAYOUT:
        return
    for schema in ("read_models", *(model.name for model in models)):
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(_name(schema)))
    connection.execute("CREATE SCHEMA read_models")
    connection.execute(sql.SQL("COMMENT ON SCHEMA read_models IS {}").format(sql.Literal(LAYOUT)))
    connection.execute(files("projections.runtime").joinpath("schema.sql").read_bytes())


def make_tables(
    connection: psycopg.Connection[Any],
    model: ReadModel,
    state: str,
    rebuild: int | None = None,
    label: str = "",
) -> Build:
    """A new build with empty tables in a new schema, whose name says `label`."""
    build = _value(connection, NEXT_BUILD)
    schema = model.name if state == "live" else f"{model.name}{label}_{build}"
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(_name(schema)))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(_name(schema)))
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(_name(schema)))
    connection.execute(model.schema_sql().encode())
    connection.execute("SET LOCAL search_path = DEFAULT")
    tables.check(connection, model, schema)
    connection.execute(
        INSERT_BUILD,
        {
            "build": build,
            "model": model.name,
            "version": model.version,
            "digest": model.digest(),
            "schema": schema,
            "state": state,
            "rebuild": rebuild,
        },
    )
    return one(connection, build)


def drop(connection: psycopg.Connection[Any], build: Build) -> None:
    """Drops the build's tables and forgets it."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(_name(build.schema_name)))
    connection.execute(DELETE_BUILD, (build.build,))


def one(connection: psycopg.Connection[Any], build: int) -> Build:
    """The build of this number. Raises BuildGone."""
    found = _builds(connection, ONE, (build,))
    if not found:
        raise BuildGone(f"build {build} was dropped meanwhile; see hirelog projections list")
    return found[0]


def live(connection: psycopg.Connection[Any], model: str) -> Build | None:
    """The build that queries see."""
    found = _builds(connection, LIVE, (model,))
    return found[0] if found else None


def stamps(connection: psycopg.Connection[Any]) -> dict[str, Stamp]:
    """How the live tables of each read model are now."""
    rows = connection.execute(STAMPS, prepare=True).fetchall()
    return {model: Stamp(*stamp) for model, *stamp in rows}


def of_rebuild(connection: psycopg.Connection[Any], rebuild: int) -> list[Build]:
    """The builds that a rebuild still has to make."""
    return _builds(connection, OF_REBUILD, (rebuild,))


def all_builds(connection: psycopg.Connection[Any]) -> list[Build]:
    """Every build, by model, the oldest first."""
    return _builds(connection, ALL, ())


def changed_without_version(
    connection: psycopg.Connection[Any], models: Sequence[ReadModel]
) -> list[str]:
    """Names of models whose folder is not the one that their live tables were made with.

    A changed version is no such case: that one is rebuilt.
    """
    found = {model.name: live(connection, model.name) for model in models}
    return [
        model.name
        for model in models
        if (build := found[model.name])
        and build.version == model.version
        and build.digest != model.digest()
    ]


def say_changed(model: str) -> str:
    """What to tell of a model that changed_without_version() names."""
    return (
        f"the folder of {model} has changed since its tables were made, but its version has not: "
        f"raise the version, or run hirelog projections rebuild {model}"
    )


def outdated(
    connection: psycopg.Connection[Any], models: Sequence[ReadModel]
) -> Mapping[str, Build]:
    """The live builds whose version is older than the model's, by name."""
    found = {model: live(connection, model.name) for model in models}
    return {
        model.name: build
        for model, build in found.items()
        if build and build.version < model.version
    }


def _value(connection: psycopg.Connection[Any], query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _builds(
    connection: psycopg.Connection[Any], query: LiteralString, given: tuple[object, ...]
) -> list[Build]:
    with connection.cursor(row_factory=class_row(Build)) as cursor:
        return cursor.execute(query, given).fetchall()


def _name(schema: str) -> sql.Identifier:
    return sql.Identifier(schema)
