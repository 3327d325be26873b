"""Counts every answer and writes a line about it: what was asked for, never with which values."""

from functools import cache
from time import perf_counter

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
NONE = "none"

log = structlog.get_logger()


class Traffic:
    """What one application has answered since it began.

    By the route's template: paths name people, and there is no end to them.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()  # of its own: a process may have several applications
        self.answers = Counter(
            "hirelog_answers",
            "Answers given by this process; the route is none where nothing was matched.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "hirelog_answer_seconds",
            "From a request's arrival to the beginning of its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Looking a child up by its labels takes longer than counting.
        self.answers_of = cache(self.answers.labels)
        self.seconds_of = cache(self.seconds.labels)


class Witness:
    """Sees each request come and its answer go."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came = perf_counter()
        began = 0.0
        status = NONE  # where the caller left before there was an answer

        async def seen(message: Message) -> None:
            nonlocal began, status
            if message["type"] == "http.response.start":
                began = perf_counter()
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            ended = perf_counter()
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = getattr(scope.get("route"), "path", NONE)
            self._traffic.answers_of(method, route, status).inc()
            if began:
                self._traffic.seconds_of(method, route).observe(began - came)
            principal = scope["state"].get("principal")
            who = {"caller": principal.id, "role": principal.role} if principal else {}
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                milliseconds=round((ended - came) * 1_000, 1),
                **who,
            )
