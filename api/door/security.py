"""Tells browsers and proxies how little they may do with an answer."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem_documents import MEDIA_TYPE

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE = (b"cache-control", b"no-store")
PROBLEM = (b"content-type", MEDIA_TYPE.encode())
CODING = "Accept-Encoding"
VARY = b"vary", CODING.encode()


class Security:
    """Adds its headers to every answer, but for those that the answer has of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_personal = scope["path"].startswith("/v1")

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                if POLICY[0] not in names:
                    headers.append(POLICY)
                if NO_STORE[0] not in names and (is_personal or PROBLEM in headers):
                    headers.append(NO_STORE)
                headers += ALWAYS
                message["headers"] = headers
                if is_personal and VARY[0] in names:
                    _vary(MutableHeaders(raw=headers))
                elif is_personal:
                    headers.append(VARY)
            await send(message)

        await self._app(scope, receive, secured)


def _vary(headers: MutableHeaders) -> None:
    # Also where gzip had nothing to do: a 304 has the Vary of its 200 (RFC 9110, 15.4.5).
    if CODING.lower() not in headers.get("vary", "").lower():
        headers.add_vary_header(CODING)
