"""Lets a request in when its caller is known and within their rate, before all else is done."""

import time
from collections.abc import Awaitable, Callable

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from api.access.callers import Principal
from api.access.key_sets import IssuerUnavailable
from api.access.recognition import Recognition, Unrecognised
from api.admission import AsgiApp, Message, Receive, Scope, Send
from api.errors import UNAVAILABLE, answer_to, problem
from api.wiring import System


class Guard:
    """Passes on what a known caller asks for, as `principal` of the request's state; else 401.

    Past the caller's rate it answers 429, and every answer tells how many requests are left.
    """

    def __init__(self, app: AsgiApp, system: System, is_public: Callable[[str], bool]) -> None:
        """Whoever asks for a path that is public need not be known."""
        self._app = app
        self._default_rate = system.settings.rate_limit
        self._is_public = is_public
        self._recognition = Recognition(system)
        self._counted = FixedWindowRateLimiter(MemoryStorage())
        self._rates: dict[str, RateLimitItem] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 401, 429 or 503."""
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        try:
            principal = await self._recognition.principal(given)
        except (Unrecognised, IssuerUnavailable, *UNAVAILABLE) as error:
            await _refusal(scope, error)(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["principal"] = principal
        state["is_still_known"] = self._asking_again(given)
        await self._at_their_rate(principal, scope, receive, send)

    async def _at_their_rate(
        self, principal: Principal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        rate = self._rate_of(principal)
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

        if is_within:
            await self._app(scope, receive, with_rate)
            return
        wait = max(1, int(reset - time.time()) + 1)
        answer = problem(
            429,
            "rate-limited",
            f"{principal.id} may send {rate}; nothing was done, go on in {wait} s",
            headers={"Retry-After": str(wait)},
        )
        await answer(scope, receive, with_rate)

    def _rate_of(self, principal: Principal) -> RateLimitItem:
        given = principal.rate_limit or self._default_rate
        if given not in self._rates:
            self._rates[given] = parse(given)
        return self._rates[given]

    def _asking_again(self, authorization: bytes) -> Callable[[], Awaitable[bool]]:
        async def is_still_known() -> bool:
            try:
                await self._recognition.principal(authorization)
            except Unrecognised:
                return False
            return True

        return is_still_known


def _refusal(scope: Scope, error: Exception) -> Response:
    if isinstance(error, Unrecognised):
        told = ', error="invalid_token"' if error.code == "invalid-token" else ""
        challenge = {"WWW-Authenticate": f'Bearer realm="hirelog"{told}'}
        return problem(401, error.code, str(error), headers=challenge)
    if isinstance(error, IssuerUnavailable):
        after = {"Retry-After": str(error.retry_after_seconds)}
        return problem(503, "issuer-unavailable", str(error), headers=after)
    return answer_to(Request(scope), error)
