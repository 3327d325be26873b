"""Builds the HTTP application from a system."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from api import errors, openapi
from api.access.guard import Guard
from api.access.rights import authorise, mark_of
from api.admission import Admission, AsgiApp, Load, Message, Receive, Scope, Send
from api.conditional import Conditional
from api.feed.streams import Streams
from api.remembered import Gathered, Remembered
from api.routes import (
    applications,
    audit,
    batch,
    candidates,
    engagement,
    feed,
    health,
    jobs,
    metrics,
    parked,
    projections,
    rebuilds,
)
from api.wiring import System
from projections.runtime import builds
from projections.runtime.watch import Watch

DESCRIPTION = """
hirelog keeps every interaction with a candidate as an immutable event. You **record interactions**
(`POST`), and **ask** three views built from them: the *pipeline* (jobs, applications, stages), the
*engagement* (who is warm, who is in a pool) and the *audit trail*.

**A first conversation**: `POST /v1/jobs` opens a job; `POST /v1/candidates` puts a person on
record; `POST /v1/candidates/{id}/interactions` tells what happens next;
`GET /v1/jobs/{id}/board` shows where everyone stands; `GET /v1/candidates/{id}/interactions`
replays it all.

**Answers to commands** hold the `position` of their last event in the log, also in the header
`Hirelog-Position`. The views follow the log within a moment; send the position back with a query,
as that header or as `?position=`, and the answer reflects your command.

**Commands are safe to send again** with an `Idempotency-Key`: the same one adds nothing and gets
the first answer, byte for byte, with the header `Idempotent-Replayed: true`; another body under
the same key is refused. Keys are kept as long as the log, for ever.

**Two who decide on the same state**: the answers hold its `ETag`; sent as `If-Match`
with a command, it has that refused with 412 when somebody else was faster.

**Errors** are problem documents (RFC 9457) with a stable `code`; every rule of recruiting that can
refuse a command has one, listed with the command.

**Lists** come in pages: pass `next_cursor` as `cursor` for the next one.

**Times** are RFC 3339 with a zone, and come back in UTC.
"""


REMEMBERED_BYTES = 32_000_000  # of answers

ROUTES = (
    candidates,
    batch,
    jobs,
    applications,
    engagement,
    audit,
    feed,
    projections,
    rebuilds,
    parked,
    health,
    metrics,
)


PAGES = {"/", "/docs", "/docs/oauth2-redirect", "/openapi.json"}
STATIC = "/static-offline-docs/"
OPEN = PAGES | {
    route.path
    for routes in ROUTES
    for route in routes.router.routes
    if isinstance(route, APIRoute) and (mark := mark_of(route)) and not mark.roles
}


def _is_public(path: str) -> bool:
    return path in OPEN or path.startswith(STATIC)


class _TooLarge(Exception):  # noqa: N818  # a signal within this module
    pass


class BodyLimit:
    """Refuses request bodies above a size, declared or not, before they are held in memory."""

    def __init__(self, app: AsgiApp, max_bytes: int) -> None:
        self._app = app
        self._max = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 413."""
        if scope["type"] != "http" or scope["path"] == batch.PATH:  # it limits each line itself
            await self._app(scope, receive, send)
            return
        seen = 0
        started = False

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max:
                raise _TooLarge
            return message

        async def unless_too_large(message: Message) -> None:
            # Whoever read the body may have answered for the interruption; 413 says it better.
            nonlocal started
            if seen <= self._max or started:
                started = True
                await send(message)

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max:
            seen = self._max + 1
        else:
            with suppress(_TooLarge):
                await self._app(scope, limited, unless_too_large)
        if seen > self._max and not started:
            answer = errors.problem(
                413,
                "content-too-large",
                f"the request is larger than {self._max} bytes; send less at once",
                headers={"Connection": "close"},
            )
            await answer(scope, receive, send)


def build_app(system: System) -> FastAPI:
    """The application with all routes on this system."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Connections remember how the tables were that were switched away.
        app.state.watch = Watch(system.conninfo, switched=system.pool.drain)
        app.state.watch.start()
        yield
        app.state.watch.stop()

    app = FastAPIOffline(
        lifespan=lifespan,
        title="hirelog",
        version=version("hirelog"),
        summary="The system of record for candidate relationships and hiring.",
        description=DESCRIPTION,
        redoc_url=None,
    )
    app.state.system = system
    app.state.heads = Gathered(lambda streams: system.recruiting.heads(streams))  # noqa: PLW0108  # made without one
    app.state.stamps = Gathered(lambda _: _stamps(system))
    app.state.remembered = Remembered(REMEMBERED_BYTES)
    app.state.load = Load()
    app.state.streams = Streams(app.state.load, system.settings.max_streams)
    errors.install(app)
    for routes in ROUTES:
        app.include_router(routes.router, dependencies=[Depends(authorise)])
    openapi.document(app, [routes.router for routes in ROUTES])
    app.add_middleware(Conditional)
    app.add_middleware(BodyLimit, max_bytes=system.settings.max_body_bytes)
    app.add_middleware(Guard, system=system, is_public=_is_public)
    app.add_middleware(Admission, load=app.state.load, settings=system.settings)

    @app.get("/", include_in_schema=False)
    def home() -> RedirectResponse:
        return RedirectResponse("/docs")

    return app


def _stamps(system: System) -> Mapping[str, builds.Stamp]:
    with system.pool.connection() as connection:
        return builds.stamps(connection)
