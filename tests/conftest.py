"""Real parts for tests: an embedded server for each worker, a database for each test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import hypothesis
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from api import logs
from api.access import keys
from api.access.callers import Role
from api.app import build_app
from api.memory import collect_seldom
from api.serving import Server, configured
from api.settings import Settings
from api.wiring import System, assembled
from domain.store.embedded import SUPERUSER, EmbeddedServer, attach
from migrations.bootstrap import DATABASE, OWNER, SERVICE, bootstrap
from migrations.runner import migrate
from projections import READ_MODELS
from projections.runtime import builds
from projections.runtime.projector import Projector
from tests.databases import Database

_LONGEST = "tests/api/test_hiring_log.py"
_SHORTEST = "tests/domain"

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30

_numbers = count(1)

# How fast examples are made tells of the machine's other work, not of us.
hypothesis.settings.register_profile(
    "shared machine", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None
)
hypothesis.settings.load_profile("shared machine")


def pytest_configure() -> None:
    """Keeps the tests' servers and files in memory where it is plenty: none outlives the run."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files go first and short ones last, so that all workers are done at the same time."""
    items.sort(
        key=lambda item: (not item.nodeid.startswith(_LONGEST), item.nodeid.startswith(_SHORTEST))
    )


@pytest.fixture(scope="session", autouse=True)
def _quiet_and_quick() -> None:
    logs.configure("critical")
    collect_seldom()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """An embedded PostgreSQL with our roles, and a database with all tables to make others from."""
    with attach(tmp_path_factory.mktemp("data") / "server") as server:
        superuser = server.conninfo(SUPERUSER, "postgres")
        bootstrap(superuser)
        with psycopg.connect(superuser, autocommit=True) as connection:
            # No test of this server takes the power away: test_embedded.py has servers of its own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        migrate(server.conninfo(OWNER, DATABASE))
        with psycopg.connect(server.conninfo(SERVICE, DATABASE), autocommit=True) as connection:
            builds.install(connection, READ_MODELS)
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[Database]:
    """A database of its own with all tables, empty, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    superuser = server.conninfo(SUPERUSER, "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(DATABASE)
            )
        )
    made = Database(
        service=server.conninfo(SERVICE, name),
        owner=server.conninfo(OWNER, name),
        superuser=server.conninfo(SUPERUSER, name),
    )
    migrate(made.owner)  # a template does not pass on what its roles may do in it
    yield made
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def system(database: Database, tmp_path: Path) -> Iterator[System]:
    """A whole system, without projectors."""
    with assembled(Settings(data_dir=tmp_path), database.service, serving=True) as system:
        yield system


@pytest.fixture
def projected(system: System) -> Iterator[System]:
    """The same system with a projector at work."""
    stop = Event()
    thread = Thread(target=Projector(system.conninfo, READ_MODELS).run, args=(stop,))
    thread.start()
    yield system
    stop.set()
    join_listener(thread, system.conninfo)


@pytest.fixture
def http(projected: System) -> Iterator[httpx.Client]:
    """A client on the real HTTP server of a projected system."""
    with served(projected) as client:
        yield client


@pytest.fixture
def elsewhere(system: System) -> Iterator[httpx.Client]:
    """A client on another server of the same database, which remembers nothing of the first."""
    with (
        assembled(system.settings, system.conninfo, serving=True) as other,
        served(other) as client,
    ):
        yield client


def known_as(system: System, actor: str, **options: Any) -> dict[str, str]:
    """The header by which a new caller of this name, such as `recruiter:ana`, is known."""
    role, _, name = actor.partition(":")
    with system.pool.connection() as connection:
        key = keys.create(connection, Role(role), name, by="tests", **options)
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def as_caller(system: System) -> Callable[..., dict[str, str]]:
    """Gives the header by which a caller such as `recruiter:ana` is known."""
    return partial(known_as, system)


@contextmanager
def served(system: System, app: FastAPI | None = None) -> Iterator[httpx.Client]:
    """A client on a real HTTP server of this system, or of an application made of it."""
    app = app or build_app(system)
    server = Server(configured(app), app, lambda: None)
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = known_as(system, "admin:ada")
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, verify=False
        ) as client:
            yield client
    finally:
        server.should_exit = True
        join_listener(thread, system.conninfo)


def join_listener(thread: Thread, conninfo: str) -> None:
    """Joins a thread that was told to stop; whatever it listens to, it hears something now."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while thread.is_alive():
            connection.execute("NOTIFY hirelog_events; NOTIFY hirelog_projected")
            thread.join(0.02)
