"""The database that a system stands on, embedded or a server's, with its migrations and its key."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api import key_files
from api.key_files import BadKeyFile, is_key
from api.settings import Settings
from domain.store.embedded import SUPERUSER, EmbeddedServerError, attach
from domain.store.keyring import WrongMasterKey
from migrations.bootstrap import DATABASE, OWNER, SERVICE, bootstrap
from migrations.runner import MigrationError, migrate, pending

MASTER_KEY_FILE = "master.key"
CONNECT_SECONDS = 5


class CannotStart(Exception):  # noqa: N818  # the name of the situation
    """Why a system cannot be opened: what happened, to which thing, and what to do."""


@contextmanager
def database(settings: Settings, *, create: bool) -> Iterator[str]:
    """The conninfo of the service role, on a database that has all migrations.

    Raises CannotStart.
    """
    with ExitStack() as stack, saying_why():
        if settings.database_url is None:
            owner, service = stack.enter_context(embedded(settings.data_dir, create=create))
            migrate(owner)
        else:
            url = settings.database_url.get_secret_value()
            service = as_role(SERVICE, url)
            _refuse_pending(make_conninfo(url, connect_timeout=CONNECT_SECONDS))
        held = stack.pop_all()
    with held:
        yield service


@contextmanager
def saying_why() -> Iterator[None]:
    """Has what goes wrong with a database or a key raised as CannotStart."""
    try:
        yield
    except (BadKeyFile, EmbeddedServerError, MigrationError, WrongMasterKey) as error:
        raise CannotStart(str(error)) from error
    except (psycopg.Error, PersistenceError) as error:
        raise CannotStart(_database_trouble(error)) from error


@contextmanager
def embedded(data_dir: Path, *, create: bool) -> Iterator[tuple[str, str]]:
    """Conninfos of the owner and of the service on the embedded server of `data_dir`."""
    if not create and not (data_dir / "postgres").exists():
        raise CannotStart(
            f"there is no hirelog data in {data_dir.absolute()}; give --data-dir, or start with "
            "hirelog serve, demo or import"
        )
    with attach(data_dir) as server:
        bootstrap(server.conninfo(SUPERUSER, "postgres"))
        yield server.conninfo(OWNER, DATABASE), server.conninfo(SERVICE, DATABASE)


def migrate_database(settings: Settings) -> list[str]:
    """Applies what is missing, with the rights of HIRELOG_MIGRATION_URL where that is set."""
    with saying_why():
        if settings.database_url is None:
            with embedded(settings.data_dir, create=True) as (owner, _):
                return migrate(owner)
        url = (settings.migration_url or settings.database_url).get_secret_value()
        as_role(SERVICE, url)  # says what is wrong with it without quoting it
        return migrate(url)


@contextmanager
def maintenance(settings: Settings) -> Iterator[str]:
    """The conninfo of the role that may maintain the database's files. Raises CannotStart.

    On the embedded server a superuser, else who HIRELOG_MIGRATION_URL names.
    """
    if settings.database_url is not None:
        url = (settings.migration_url or settings.database_url).get_secret_value()
        as_role(SERVICE, url)  # says what is wrong with it without quoting it
        yield url
        return
    with ExitStack() as stack, saying_why():
        stack.enter_context(embedded(settings.data_dir, create=False))
        server = stack.enter_context(attach(settings.data_dir))
        held = stack.pop_all()
    with held:
        yield server.conninfo(SUPERUSER, DATABASE)


def as_role(role: str, url: str, variable: str = "HIRELOG_DATABASE_URL") -> str:
    """The conninfo that logs in by this URL, of that variable, and works with the role's rights.

    Raises CannotStart.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Its message would quote the URL, and the password with it.
        raise CannotStart(
            f"the database cannot be used: {variable} is not a URL of PostgreSQL; "
            "give postgresql://user@host/database"
        ) from None
    return make_conninfo(
        url,
        options=f"{given.get('options') or ''} -c role={role}".strip(),
        connect_timeout=given.get("connect_timeout") or CONNECT_SECONDS,
    )


def _refuse_pending(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        todo = pending(connection)
    if todo:
        raise CannotStart(
            f"the database lacks {len(todo)} migration(s), from {todo[0].name} on; "
            "run hirelog migrate"
        )


def master_key_of(settings: Settings, conninfo: str) -> str:
    """The master key, 32 bytes in base64; made where this database has none yet.

    Raises CannotStart and BadKeyFile.
    """
    if settings.master_key is not None:
        encoded, where = settings.master_key.get_secret_value(), "HIRELOG_MASTER_KEY"
    else:
        path = settings.data_dir / MASTER_KEY_FILE
        if not path.exists():
            _make_master_key(path, conninfo)
        encoded, where = key_files.read(path), str(path)
    if is_key(encoded):
        return encoded
    raise CannotStart(f"{where} is not a master key: it must be 32 bytes in base64")


def _make_master_key(path: Path, conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM hirelog.master_key").fetchone():
            raise CannotStart(
                f"{path} is missing, and with it the master key of this database; put it back, or "
                "give the key in HIRELOG_MASTER_KEY"
            )
    key_files.make(path)


def _database_trouble(error: Exception) -> str:
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    return f"the database cannot be used: {first_line}; check HIRELOG_DATABASE_URL and the server"


def impatient(conninfo: str, seconds: float) -> str:
    """The same database, which gives a statement up after that time and a lock after half of it."""
    given: dict[str, Any] = conninfo_to_dict(conninfo)
    limits = {"statement_timeout": seconds, "lock_timeout": seconds / 2}
    for name, limit in limits.items():
        given["options"] = f"{given.get('options') or ''} -c {name}={round(limit * 1_000)}".strip()
    # The same for a network that swallows everything.
    silence = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    waiting = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": round(seconds * 2_000)}
    return make_conninfo(**(silence | waiting | given))
