"""Runs the projectors of one process, and what goes with them, until they are told to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog

from api.database import CannotStart
from api.proof import signing
from api.wiring import System
from projections import READ_MODELS
from projections.compliance_audit.merkle.seal import WrongSigningKey
from projections.runtime import builds
from projections.runtime.builder import Builder
from projections.runtime.projector import Projector

LOOK_SECONDS = 1.0  # until the signing key is looked for anew, which may have been changed

log = structlog.get_logger()


@contextmanager
def projecting(system: System) -> Iterator[None]:
    """Projects meanwhile, seals the log, and builds what new versions need, in threads."""
    stop = Event()
    builder = Builder(system.conninfo, READ_MODELS, system.settings.rebuild_unit_events)
    threads = [
        Thread(target=each.run, args=(stop,), name=type(each).__name__)
        for each in (Projector(system.conninfo, READ_MODELS), builder)
    ]
    threads.append(Thread(target=_seal, args=(system, stop), name="Sealer"))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _seal(system: System, stop: Event) -> None:
    """Seals the log with the key that signs it now; without that key it leaves this to others."""
    said = ""
    while not stop.is_set():
        try:
            with system.pool.connection() as connection:
                sealer = signing.sealer(system.settings, connection)
            said = ""
            sealer.run(system.conninfo, stop)
        except WrongSigningKey:
            log.warning("another key signs the log now")
        except CannotStart as error:
            if said != str(error):
                log.error("this process does not seal the log", reason=str(error))
            said = str(error)
        except Exception as error:  # noqa: BLE001  # nobody would start the thread again
            log.error("sealer failed", error=type(error).__name__)
        stop.wait(LOOK_SECONDS)


def project(system: System) -> None:
    """Projects until SIGINT or SIGTERM."""
    say_what_changed(system)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with projecting(system):
        stop.wait()


def say_what_changed(system: System) -> None:
    """Logs each read model whose fold was changed under its version."""
    with system.pool.connection() as connection:
        for name in builds.changed_without_version(connection, READ_MODELS):
            log.error(builds.say_changed(name), model=name)
