"""Entity tags: an answer that the client has already is not sent again (RFC 9110, section 13).

Every answer of JSON to a GET under /v1 gets a weak tag of what it says, without the clocks that run
in it, where its route has not given it one of its own.
"""

import re
from hashlib import blake2b

from starlette.datastructures import MutableHeaders

from api.clocks import CLOCKS
from api.door.admission import AsgiApp, Message, Receive, Scope, Send
from api.versions import TAG

UNDER = "/v1/"
GIVEN = re.compile(TAG)
OF_THE_BODY = "content-type", "content-length", "content-encoding"


def weak_tag(body: bytes) -> str:
    """The tag of an answer's JSON, the same while nothing but its clocks changes."""
    return f'W/"{blake2b(CLOCKS.sub(b"", body), digest_size=12).hexdigest()}"'


class Conditional:
    """Answers 304 where If-None-Match names the tag of what would be sent."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(UNDER):
            send = _Tagging(scope, send)
        await self._app(scope, receive, send)


class _Tagging:
    """Holds the beginning of an answer back until its body is there."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._begun = message
            return
        if begun := self._begun:
            self._begun = None
            whole = message["type"] == "http.response.body" and not message.get("more_body")
            if whole and self._is_known(MutableHeaders(raw=begun["headers"]), message):
                begun["status"], message["body"] = 304, b""
            await self._send(begun)
        await self._send(message)

    def _is_known(self, headers: MutableHeaders, message: Message) -> bool:
        tag = headers.get("etag")
        if tag is None:
            if headers.get("content-type") != "application/json":
                return False
            tag = headers["etag"] = weak_tag(message["body"])
        if not matches(self._scope, tag):
            return False
        for name in OF_THE_BODY:
            del headers[name]
        return True


def matches(scope: Scope, tag: str) -> bool:
    """Whether the request's If-None-Match names `tag`; compared weakly, so that W/ is no matter."""
    given = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    if not given:
        return False
    if given.strip() == b"*":
        return True
    opaque = tag.removeprefix("W/").strip('"')
    return any(each == opaque for _, each in GIVEN.findall(given.decode("latin-1")))
