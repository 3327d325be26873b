"""The composition root: settings give a system whose parts know nothing of each other's making."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import structlog
from eventsourcing.persistence import PersistenceError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from api import key_files
from api.erasure import known_ledger
from api.erasure.eraser import Eraser
from api.erasure.ledger import LEDGER_FILE, Ledger
from api.erasure.presence import Presence
from api.erasure.restoring import erase_again
from api.key_files import BadKeyFile, is_key
from api.settings import Settings
from domain.recruiting import Recruiting
from domain.store.embedded import SUPERUSER, EmbeddedServerError, attach
from domain.store.factory import Factory, environment
from domain.store.keyring import Keyring, WrongMasterKey
from domain.vault import SelfIdentifications
from migrations.bootstrap import DATABASE, OWNER, SELF_IDENTIFICATION, SERVICE, bootstrap
from migrations.runner import MigrationError, migrate, pending
from projections import READ_MODELS
from projections.runtime import builds

MASTER_KEY_FILE = "master.key"
CONNECT_SECONDS = 5
GET_CONNECTION_SECONDS = 2.0
RECONNECT_SECONDS = 1.0  # then the next request tries anew, instead of a pause that grows

log = structlog.get_logger()


class CannotStart(Exception):  # noqa: N818  # the name of the situation
    """Why a system cannot be opened: what happened, to which thing, and what to do."""


@dataclass(frozen=True)
class System:
    """All parts of a running hirelog."""

    settings: Settings
    conninfo: str  # logs in as the service
    recruiting: Recruiting
    keyring: Keyring
    pool: ConnectionPool[psycopg.Connection]  # for reading
    writing: ConnectionPool[Any]
    eraser: Eraser
    ledger: Ledger
    forgetters: list[Callable[[], None]]  # called whenever somebody was erased, on another thread


@contextmanager
def open_system(settings: Settings, *, create: bool, serving: bool = False) -> Iterator[System]:
    """Opens the system that the settings name and closes it afterwards.

    With `create` a missing data directory is made. The embedded database is migrated, a server's
    never without being asked. `serving` is as for `assembled`. Raises CannotStart.
    """
    with (
        database(settings, create=create) as conninfo,
        assembled(settings, conninfo, serving=serving) as system,
    ):
        yield system


@contextmanager
def assembled(settings: Settings, conninfo: str, *, serving: bool = False) -> Iterator[System]:
    """The system on a database that has all migrations. Raises CannotStart.

    With `serving` its pools have the patience of a request, else that of work that takes long.
    """
    # Answers are in UTC, whatever the server or the environment prefer.
    options = str(conninfo_to_dict(conninfo).get("options") or "")
    conninfo = make_conninfo(conninfo, options=f"{options} -c timezone=UTC".strip())
    with ExitStack() as stack:
        with _saying_why():
            pooled = _impatient(conninfo, settings.database_seconds) if serving else conninfo
            environ = environment(pooled, _master_key(settings, conninfo), settings.pool_size)
            recruiting = Recruiting(environ)
            stack.callback(recruiting.close)
            factory = recruiting.factory
            assert isinstance(factory, Factory)  # noqa: S101  # the environment above names it
            with psycopg.connect(conninfo, autocommit=True) as connection:
                builds.install(connection, READ_MODELS)
        pool = ConnectionPool(
            pooled,
            min_size=1,
            max_size=settings.pool_size,
            timeout=GET_CONNECTION_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            check=ConnectionPool.check_connection,
            kwargs={"autocommit": True},
            open=True,
        )
        stack.callback(pool.close)
        ledger = Ledger(settings.erasure_ledger or settings.data_dir / LEDGER_FILE)
        eraser = Eraser(recruiting, pool, ledger)
        keyring, writing = factory.keyring, factory.datastore.pool
        system = System(
            settings, conninfo, recruiting, keyring, pool, writing, eraser, ledger, forgetters=[]
        )
        stack.enter_context(_present(system, serving=serving))
        with _saying_why():
            try:
                with pool.connection() as connection:
                    back = ledger.catch_up(connection)
                    trouble = known_ledger.trouble(connection, ledger)
                erase_again(eraser, recruiting, keyring.owner_of, back)
            except OSError as error:
                raise CannotStart(
                    f"the deletion ledger {ledger.path} cannot be used: {error.strerror}"
                ) from error
        if serving and trouble:
            log.warning("another deletion ledger", trouble=trouble)
        yield system


@contextmanager
def _present(system: System, *, serving: bool) -> Iterator[None]:
    """This process is known to erasures, and forgets whoever was erased.

    One that serves sees erasures through that were begun anywhere, or that waited for a hold's end.
    """

    def forget(candidate_id: UUID) -> None:
        system.keyring.forget([candidate_id])
        system.recruiting.forget(candidate_id)
        for each in list(system.forgetters):  # others come and go
            each()

    def forget_all() -> None:
        system.keyring.forget_all()
        system.recruiting.forget_all()
        for each in list(system.forgetters):  # others come and go
            each()

    tick = system.eraser.tick if serving else None
    presence = Presence(system.conninfo, forget, forget_all, tick)
    with _saying_why():
        presence.start()
    try:
        yield
    finally:
        presence.stop()


@contextmanager
def opened_vault(system: System) -> Iterator[SelfIdentifications]:
    """Self-identifications, on connections with the role that alone can open them.

    Its keys are of its own, so it is told when somebody was erased, for as long as it is open.
    Raises CannotStart, also on a server for which no login with that role was given.
    """
    settings = system.settings
    if settings.database_url is None:
        conninfo = make_conninfo(system.conninfo, user=SELF_IDENTIFICATION)
    elif settings.self_identification_url is None:
        raise CannotStart(
            "self-identification needs a database login of its own, a member of the role "
            f"{SELF_IDENTIFICATION} and not of {SERVICE}; give it in "
            "HIRELOG_SELF_IDENTIFICATION_URL"
        )
    else:
        url = settings.self_identification_url.get_secret_value()
        conninfo = _as_role(SELF_IDENTIFICATION, url, "HIRELOG_SELF_IDENTIFICATION_URL")
    with _saying_why():
        master_key = _master_key(settings, system.conninfo)
        vault = SelfIdentifications(environment(conninfo, master_key, settings.pool_size))
    try:
        factory = vault.factory
        assert isinstance(factory, Factory)  # noqa: S101  # the environment above names it
        vault.keys = factory.keyring
        forget = factory.keyring.forget_all
        system.forgetters.append(forget)
        try:
            yield vault
        finally:
            system.forgetters.remove(forget)
    finally:
        vault.close()


def _impatient(conninfo: str, seconds: float) -> str:
    """The same database, which gives a statement up after that time and a lock after half of it."""
    given: dict[str, Any] = conninfo_to_dict(conninfo)
    limits = {"statement_timeout": seconds, "lock_timeout": seconds / 2}
    for name, limit in limits.items():
        given["options"] = f"{given.get('options') or ''} -c {name}={round(limit * 1_000)}".strip()
    # The same for a network that swallows everything.
    silence = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    waiting = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": round(seconds * 2_000)}
    return make_conninfo(**(silence | waiting | given))


@contextmanager
def database(settings: Settings, *, create: bool) -> Iterator[str]:
    """The conninfo of the service role, on a database that has all migrations.

    Raises CannotStart.
    """
    with ExitStack() as stack, _saying_why():
        if settings.database_url is None:
            owner, service = stack.enter_context(embedded(settings.data_dir, create=create))
            migrate(owner)
        else:
            url = settings.database_url.get_secret_value()
            service = _as_role(SERVICE, url)
            _refuse_pending(make_conninfo(url, connect_timeout=CONNECT_SECONDS))
        held = stack.pop_all()
    with held:
        yield service


@contextmanager
def _saying_why() -> Iterator[None]:
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
    with _saying_why():
        if settings.database_url is None:
            with embedded(settings.data_dir, create=True) as (owner, _):
                return migrate(owner)
        url = (settings.migration_url or settings.database_url).get_secret_value()
        _as_role(SERVICE, url)  # says what is wrong with it without quoting it
        return migrate(url)


@contextmanager
def maintenance(settings: Settings) -> Iterator[str]:
    """The conninfo of the role that may maintain the database's files. Raises CannotStart.

    On the embedded server a superuser, else who HIRELOG_MIGRATION_URL names.
    """
    if settings.database_url is not None:
        url = (settings.migration_url or settings.database_url).get_secret_value()
        _as_role(SERVICE, url)  # says what is wrong with it without quoting it
        yield url
        return
    with ExitStack() as stack, _saying_why():
        stack.enter_context(embedded(settings.data_dir, create=False))
        server = stack.enter_context(attach(settings.data_dir))
        held = stack.pop_all()
    with held:
        yield server.conninfo(SUPERUSER, DATABASE)


def _as_role(role: str, url: str, variable: str = "HIRELOG_DATABASE_URL") -> str:
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


def _master_key(settings: Settings, conninfo: str) -> str:
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
