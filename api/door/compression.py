"""Compresses answers for clients that want it."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from api.door.accept import takes_gzip

ACCEPTED = b"accept-encoding"


class Compression(GZipMiddleware):
    """The library's, which would take each mention of gzip for a wish, also `gzip;q=0`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, without its Accept-Encoding where that asks for no gzip."""
        if scope["type"] == "http":
            given = b",".join(value for name, value in scope["headers"] if name == ACCEPTED)
            if b"q=" in given.lower() and not takes_gzip(given.decode("latin-1")):
                # Not in a copy: what is further outside reads the route from this scope.
                scope["headers"] = [each for each in scope["headers"] if each[0] != ACCEPTED]
        await super().__call__(scope, receive, send)
