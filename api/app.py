"""Builds the HTTP application from a system."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES
from starlette.routing import BaseRoute

from api import errors, openapi, pages
from api.access.guard import Guard
from api.door.admission import Admission, Load
from api.door.bodies import Bodies
from api.door.compression import Compression
from api.door.conditional import Conditional
from api.door.cors import Cors
from api.door.failures import Failures
from api.door.heads import Heads
from api.door.request_ids import RequestIds
from api.door.route import Route, Unmarked
from api.door.security import Security
from api.door.traffic import Traffic, Witness
from api.feed.streams import Streams
from api.readings import Readings
from api.remembered import Gathered, Remembered
from api.routes import (
    access_bundles,
    applications,
    audit,
    batch,
    candidates,
    differences,
    engagement,
    erasures,
    feed,
    health,
    holds,
    impact_reports,
    jobs,
    log_proofs,
    metrics,
    parked,
    problems,
    projections,
    readings,
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
refuse a command has one, listed with the command, and all of them with `GET /v1/problems`.

**Every request has an id**: yours, where you send `X-Request-Id` (up to 200 printable ASCII
characters; it should name nobody), else one of ours. The answer has it in the same header, a
problem as `request_id`, and the events that the request recorded as `correlation_id`.

**What is misspelt is refused**: a query parameter or a field that the request does not take, and
one that is given twice.

**Lists** come in pages: pass `next_cursor` as `cursor` for the next one.

**Times** are RFC 3339 with a zone, and come back in UTC.
"""


REMEMBERED_BYTES = 32_000_000  # of answers

ROUTES = (
    candidates,
    differences,
    access_bundles,
    batch,
    jobs,
    applications,
    engagement,
    audit,
    erasures,
    holds,
    readings,
    impact_reports,
    feed,
    log_proofs,
    projections,
    rebuilds,
    parked,
    problems,
    health,
    metrics,
)

PAGES = {"/", "/docs", "/openapi.json"}
OPEN = PAGES | {
    route.path
    for routes in ROUTES
    for route in routes.router.routes
    if isinstance(route, Route) and not route.mark.roles
}

EXPOSED = (
    *("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"),
    *("Hirelog-Position", "Hirelog-Stale", "Idempotent-Replayed"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
TAKEN = (
    *("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"),
    *("Hirelog-Position", "Hirelog-Purpose", "On-Behalf-Of", "X-Request-Id"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
AS_IT_COMES = (*DEFAULT_EXCLUDED_CONTENT_TYPES, batch.MEDIA_TYPE)  # each line is sent at once


def _is_public(path: str) -> bool:
    return path in OPEN or path.startswith(f"{pages.STATIC}/")


def _way_in(system: System, traffic: Traffic, load: Load) -> list[Middleware]:
    """What a request passes on its way to the routes, and its answer in the other direction."""
    settings = system.settings
    cors = Middleware(
        Cors,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=TAKEN,
        expose_headers=EXPOSED,
    )
    return [
        Middleware(RequestIds),  # first, so that whatever is said has the id
        Middleware(Witness, traffic=traffic),  # sees the answers of all that follow
        Middleware(Security),  # on the answers of all that follow
        *([cors] if settings.cors_origins else []),  # a browser asks without a key
        Middleware(Heads),  # outside of gzip: the headers are those that GET would have
        Middleware(
            Compression, minimum_size=1_024, compresslevel=5, exclude_content_types=AS_IT_COMES
        ),
        Middleware(Failures),  # outside of all that can fail
        Middleware(Admission, load=load, settings=settings),  # before anything costs much
        Middleware(Guard, system=system, is_public=_is_public),  # nobody else goes further
        Middleware(Bodies, max_bytes=settings.max_body_bytes, endless={batch.PATH}),
        Middleware(Conditional),  # last: it looks at what the routes answer
    ]


def build_app(system: System) -> FastAPI:
    """The application with all routes on this system."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Connections remember how the tables were that were switched away.
        app.state.watch = Watch(system.conninfo, switched=system.pool.drain)
        app.state.watch.start()
        loop, remembered = asyncio.get_running_loop(), app.state.remembered

        def forget() -> None:
            loop.call_soon_threadsafe(remembered.forget_all)

        system.forgetters.append(forget)
        app.state.readings = Readings(system.pool)
        app.state.readings.start()
        yield
        system.forgetters.remove(forget)
        app.state.watch.stop()
        await asyncio.to_thread(app.state.readings.stop)

    traffic, load = Traffic(), Load()
    app = FastAPIOffline(
        lifespan=lifespan,
        title="hirelog",
        version=version("hirelog"),
        summary="The system of record for candidate relationships and hiring.",
        description=DESCRIPTION,
        docs_url=None,  # see pages
        redoc_url=None,
        redirect_slashes=False,  # to which every client would have to send its key once more
        middleware=_way_in(system, traffic, load),
        telemetry={"tracing": False, "metrics": False, "logs": False},  # see Traffic
    )
    app.state.system = system
    app.state.routers = [routes.router for routes in ROUTES]
    app.state.heads = Gathered(lambda streams: system.recruiting.heads(streams))  # noqa: PLW0108  # documents have no system
    app.state.stamps = Gathered(lambda _: _stamps(system))
    app.state.remembered = Remembered(REMEMBERED_BYTES)
    app.state.load = load
    app.state.traffic = traffic
    app.state.streams = Streams(load, system.settings.max_streams)
    errors.install(app)
    for routes in ROUTES:
        # Not included: FastAPI would look through each of the routers, and twice through the last.
        app.router.routes += _marked(routes.router)
    pages.install(app)
    openapi.document(app, app.state.routers)
    return app


def _marked(router: APIRouter) -> list[BaseRoute]:
    """Its routes. Raises Unmarked where one is not of ours: nothing says for whom that is open."""
    for each in router.routes:
        if not isinstance(each, Route):
            raise Unmarked(f"{each} is no Route; give its router route_class=Route")
    return router.routes


def _stamps(system: System) -> Mapping[str, builds.Stamp]:
    with system.pool.connection() as connection:
        return builds.stamps(connection)
