"""The composition root: settings give a system whose parts know nothing of each other's making."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from api.database import CannotStart, as_role, database, impatient, master_key_of, saying_why
from api.erasure import known_ledger
from api.erasure.eraser import Eraser
from api.erasure.ledger import LEDGER_FILE, Ledger
from api.erasure.presence import Presence
from api.erasure.restoring import erase_again
from api.settings import Settings
from domain.recruiting import Recruiting
from domain.store.factory import Factory, environment
from domain.store.keyring import Keyring
from domain.vault import SelfIdentifications
from migrations.bootstrap import SELF_IDENTIFICATION, SERVICE
from projections import READ_MODELS
from projections.runtime import builds

GET_CONNECTION_SECONDS = 2.0
RECONNECT_SECONDS = 1.0  # then the next request tries anew, instead of a pause that grows

log = structlog.get_logger()


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
    # Answers are in UTC, whatever the server or the environment prefer; PGTZ would come first.
    os.environ.pop("PGTZ", None)
    options = str(conninfo_to_dict(conninfo).get("options") or "")
    conninfo = make_conninfo(conninfo, options=f"{options} -c timezone=UTC".strip())
    with ExitStack() as stack:
        with saying_why():
            pooled = impatient(conninfo, settings.database_seconds) if serving else conninfo
            environ = environment(pooled, master_key_of(settings, conninfo), settings.pool_size)
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
        keyring, writing = factory.keyring, factory.datastore.pool
        eraser = Eraser(recruiting, pool, ledger, keyring.past_damage)
        system = System(
            settings, conninfo, recruiting, keyring, pool, writing, eraser, ledger, forgetters=[]
        )
        stack.enter_context(_present(system, serving=serving))
        with saying_why():
            try:
                with pool.connection() as connection:
                    held = ledger.read()
                    back = ledger.catch_up(connection, held.destroyed)
                    # Not for a command that only looks: what it has at hand is nobody's ledger.
                    trouble = (
                        known_ledger.trouble(connection, ledger, held.names) if serving else None
                    )
                erase_again(eraser, recruiting, keyring.owner_of, back)
            except OSError as error:
                raise CannotStart(
                    f"the deletion ledger {ledger.path} cannot be used: {error.strerror}"
                ) from error
        if trouble:
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
    with saying_why():
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
        conninfo = as_role(SELF_IDENTIFICATION, url, "HIRELOG_SELF_IDENTIFICATION_URL")
    with saying_why():
        master_key = master_key_of(settings, system.conninfo)
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
