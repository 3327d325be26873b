"""Answers whatever fails on the way of a request, before and behind the routes."""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer_to


class Failures:
    """Translates what nobody else has; so the answer has all that those further out add to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            pass
        except Exception as error:
            answer = answer_to(Request(scope), error)
            if has_begun:  # the server cuts the connection, so that nobody takes it for whole
                raise
            await answer(scope, receive, send)
