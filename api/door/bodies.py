"""Refuses bodies that are too large, declared or not, and those in a coding that is not read."""

from collections.abc import Collection
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem_documents import problem


class _TooLarge(Exception):  # noqa: N818  # a signal within this module
    pass


class Bodies:
    """Looks at a body before it is held in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int, endless: Collection[str]) -> None:
        """Paths in `endless` take bodies of any size and limit them themselves."""
        self._app = app
        self._max = max_bytes
        self._endless = endless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 413 or 415."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"").strip().lower() not in {b"", b"identity"}:
            answer = problem(
                415,
                "unsupported-media-type",
                "the body has a Content-Encoding; send it as it is, without one",
                headers={"Accept-Encoding": "identity"},
            )
            await answer(scope, receive, send)
        elif scope["path"] in self._endless:
            await self._app(scope, receive, send)
        else:
            await self._limited(scope, receive, send, headers.get(b"content-length", b"0"))

    async def _limited(self, scope: Scope, receive: Receive, send: Send, declared: bytes) -> None:
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

        if declared.isdigit() and int(declared) > self._max:
            seen = self._max + 1
        else:
            with suppress(_TooLarge):
                await self._app(scope, limited, unless_too_large)
        if seen > self._max and not started:
            answer = problem(
                413,
                "content-too-large",
                f"the request is larger than {self._max} bytes; send less at once",
            )  # The connection stays: closed amid the body, it would take the answer with it.
            await answer(scope, receive, send)
