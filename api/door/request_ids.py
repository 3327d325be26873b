"""Gives every request an id, which its answer, its problems, its log lines and its events bear."""

import re
from random import Random
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, get_contextvars

HEADER = b"x-request-id"
# Unlike uuid4 it asks the system once, not for each request; these ids are no secret.
RANDOM = Random()  # noqa: S311  # see above
PLAIN = re.compile(rb"[\x20-\x7e]{1,200}")


def current() -> str:
    """The id of the request that is being answered; empty outside of any."""
    return str(get_contextvars().get("request_id", ""))


class RequestIds:
    """Takes the caller's `X-Request-Id` where it is plain, else makes one, and answers with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, with `request_id` in its state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"")
        request_id = given.decode() if PLAIN.fullmatch(given) else _random()
        scope.setdefault("state", {})["request_id"] = request_id
        bind_contextvars(request_id=request_id)
        header = HEADER, request_id.encode()

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, with_id)


def _random() -> str:
    return str(UUID(int=RANDOM.getrandbits(128), version=4))
