"""Bounds what is taken on at once and how long a client waits: past either the answer is 503."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from anyio import CancelScope
from fastapi.responses import JSONResponse

from api.errors import RETRY_AFTER_SECONDS
from api.problem_documents import problem
from api.settings import Settings

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

HELD_BODIES = 32  # of the largest size are held in memory at once, or more of smaller ones
ALWAYS = {"/healthz", "/healthz/projections", "/readyz", "/metrics"}

AGAIN = {"Retry-After": str(RETRY_AFTER_SECONDS)}


@dataclass
class Load:
    """What a process is busy with, and what it could not do since it began."""

    requests: int = 0
    streams: int = 0  # of the feed; none of the requests
    body_bytes: int = 0
    overloaded: int = 0
    too_slow: int = 0


class Admission:
    """Refuses a request that is one too many, before its body is read, and one that takes long."""

    def __init__(self, app: AsgiApp, load: Load, settings: Settings) -> None:
        self._app = app
        self._load = load
        self._max_requests = settings.max_requests
        self._max_body = settings.max_body_bytes
        self._seconds = settings.answer_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in ALWAYS:
            await self._in_time(scope, receive, send)
            return
        load, size = self._load, self._held_for(scope)
        if (
            load.requests >= self._max_requests
            or load.body_bytes + size > HELD_BODIES * self._max_body
        ):
            load.overloaded += 1
            await _overloaded()(scope, receive, send)
            return
        load.requests += 1
        load.body_bytes += size
        try:
            await self._in_time(scope, receive, send)
        finally:
            load.requests -= 1
            load.body_bytes -= size

    def _held_for(self, scope: Scope) -> int:
        """How much of the body is in memory at the most."""
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers:
            return self._max_body
        declared = headers.get(b"content-length", b"0")
        return min(int(declared), self._max_body) if declared.isdigit() else 0

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        late: asyncio.Task[None] | None = None

        async def unless_late(message: Message) -> None:
            nonlocal started
            if not late:
                started = True
                await send(message)

        def expire() -> None:
            nonlocal late
            if not started:
                self._load.too_slow += 1
                late = asyncio.create_task(self._too_slow(scope, receive, send))
                # What waits for a thread is dropped; what has one goes on, and stays counted.
                cut.cancel()

        timer = asyncio.get_running_loop().call_later(self._seconds, expire)
        try:
            with CancelScope() as cut:
                await self._app(scope, receive, unless_late)
        finally:
            timer.cancel()
            if late:
                await late

    async def _too_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(
            503,
            "too-slow",
            f"there was no answer within {self._seconds:g} seconds; a command may be recorded or "
            "not, so send it again under the same Idempotency-Key",
            headers=AGAIN,
        )
        await answer(scope, receive, send)


def _overloaded() -> JSONResponse:
    return problem(
        503,
        "overloaded",
        "too many requests are under way; nothing was done with this one, so send it again in a "
        "while",
        headers=AGAIN,
    )
