"""Recognises who is calling, before anything else is done for them, and counts their requests.

A key is looked up again after a second, so that one that was revoked is refused within that time in
every process; requests that come meanwhile share one look.
"""

import asyncio
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from api.access import keys
from api.access.callers import Principal
from api.admission import AsgiApp, Message, Receive, Scope, Send
from api.errors import UNAVAILABLE, answer_to, problem
from api.wiring import System

KNOWN_SECONDS = 1.0
ON_TRUST_SECONDS = 60.0  # while the database does not answer, and nothing can be revoked
KNOWN_CALLERS = 10_000

HOW = "send Authorization: Bearer with an API key (hirelog keys create) or a token of your issuer"


class Unrecognised(Exception):  # noqa: N818  # the name of the situation
    """Nobody is known by what came with the request."""

    def __init__(self, detail: str, error: str | None = None) -> None:
        super().__init__(detail)
        self.code = "invalid-token" if error else "unauthenticated"
        self.challenge = 'Bearer realm="hirelog"' + (f', error="{error}"' if error else "")


@dataclass
class _Known:
    principal: Principal | None
    until: float


class Guard:
    """Passes on what a known caller asks for, as `principal` of the request's state; else 401.

    Past the caller's rate it answers 429, and every answer tells how many requests are left.
    """

    def __init__(self, app: AsgiApp, system: System, is_public: Callable[[str], bool]) -> None:
        """Whoever asks for a path that is public need not be known."""
        self._app = app
        self._system = system
        self._is_public = is_public
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[Principal | None]] = {}
        self._counted = FixedWindowRateLimiter(MemoryStorage())
        self._limits: dict[str, RateLimitItem] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 401 or 429."""
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        try:
            principal = await self.recognise(given)
        except Unrecognised as error:
            answer = problem(
                401, error.code, str(error), headers={"WWW-Authenticate": error.challenge}
            )
            await answer(scope, receive, send)
            return
        except UNAVAILABLE as error:
            await answer_to(Request(scope), error)(scope, receive, send)
            return
        rate = self._limit_of(principal)
        is_within = self._counted.hit(rate, principal.id)
        reset, left = self._counted.get_window_stats(rate, principal.id)
        headers = {
            "X-RateLimit-Limit": str(rate.amount),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(int(reset) + 1),
        }

        async def with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if not is_within:
            wait = max(1, int(reset - time.time()) + 1)
            answer = problem(
                429,
                "rate-limited",
                f"{principal.id} may send {rate}; nothing was done, go on in {wait} s",
                headers={"Retry-After": str(wait)},
            )
            await answer(scope, receive, with_rate)
            return
        state = scope.setdefault("state", {})
        state["principal"] = principal
        state["is_still_known"] = self._asking_again(given)
        await self._app(scope, receive, with_rate)

    async def recognise(self, authorization: bytes) -> Principal:
        """Who calls with this header. Raises Unrecognised."""
        scheme, _, given = authorization.partition(b" ")
        credential = given.strip()
        if scheme.lower() == b"basic":
            credential = _user_of(credential)
        elif scheme.lower() != b"bearer" or not credential:
            raise Unrecognised(f"nobody is named; {HOW}")
        digest = keys.digest(credential)
        known = self._known.get(digest)
        if known and known.until > time.monotonic():
            principal = known.principal
        else:
            principal = await self._look_up(digest)
        if principal is None:
            raise Unrecognised(
                f"this key is unknown, revoked or expired; {HOW}", error="invalid_token"
            )
        return principal

    async def _look_up(self, digest: bytes) -> Principal | None:
        asked = self._asked.get(digest)
        if asked is None:
            asked = self._asked[digest] = asyncio.create_task(self._ask(digest))
            asked.add_done_callback(lambda done: self._answered(digest, done))
        return await asyncio.shield(asked)  # others wait for it too

    async def _ask(self, digest: bytes) -> Principal | None:
        known = self._known.get(digest)
        try:
            # Not on a thread of the requests: all of those may be waiting for the database.
            principal = await asyncio.to_thread(self._find, digest)
        except UNAVAILABLE:
            if known is None or known.until + ON_TRUST_SECONDS < time.monotonic():
                raise
            return known.principal
        self._known[digest] = _Known(principal, time.monotonic() + KNOWN_SECONDS)
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_CALLERS:
            self._known.popitem(last=False)
        return principal

    def _answered(self, digest: bytes, done: "asyncio.Task[Principal | None]") -> None:
        del self._asked[digest]
        if not done.cancelled():
            done.exception()  # is seen, also where all who waited have left

    def _find(self, digest: bytes) -> Principal | None:
        with self._system.pool.connection() as connection:
            return keys.find(connection, digest)

    def _limit_of(self, principal: Principal) -> RateLimitItem:
        given = principal.rate_limit or self._system.settings.rate_limit
        if given not in self._limits:
            self._limits[given] = parse(given)
        return self._limits[given]

    def _asking_again(self, authorization: bytes) -> Callable[[], Awaitable[bool]]:
        async def is_still_known() -> bool:
            try:
                await self.recognise(authorization)
            except Unrecognised:
                return False
            return True

        return is_still_known


def _user_of(credential: bytes) -> bytes:
    """The user name of Basic authentication, in which some clients send an API key."""
    try:
        return b64decode(credential, validate=True).partition(b":")[0]
    except Base64Error as error:
        raise Unrecognised(f"the Basic credentials are not in base64; {HOW}") from error
