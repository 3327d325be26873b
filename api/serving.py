"""Runs the HTTP server of one process until it is told to stop."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

import uvicorn
from fastapi import FastAPI

from api.app import build_app
from api.database import CannotStart
from api.memory import collect_seldom
from api.projecting import projecting, say_what_changed
from api.wiring import System

MAX_HEAD_BYTES = 65_536  # of a request: its line and headers
# Longer than clients keep theirs, so that none sends on a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75


def serve(system: System, *, project: bool, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; calls `ready` with the address when requests are taken.

    Raises CannotStart when the address cannot be used.
    """
    with _bound(system.settings.host, system.settings.port) as listener:
        host = system.settings.host
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        app = build_app(system)
        server = Server(configured(app), app, lambda: ready(address))
        say_what_changed(system)
        # After its own orderly end uvicorn raises the signal again; that ends nothing else here.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt), projecting(system) if project else nullcontext():
            server.run(sockets=[listener])


def configured(app: FastAPI) -> uvicorn.Config:
    """How this application is served."""
    return uvicorn.Config(
        app,
        port=0,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


def check_address(system: System) -> None:
    """Raises CannotStart when the address cannot be used now."""
    with _bound(system.settings.host, system.settings.port):
        pass


class Server(uvicorn.Server):
    """Says when it takes requests, and ends the streams that would keep it from stopping."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            collect_seldom()
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops taking requests, and lets those under way come to their end."""
        self._app.state.streams.close()
        await super().shutdown(sockets)


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {host}:{port}: {error.strerror}; "
                "choose another with --port and --host"
            ) from error
        yield listener
