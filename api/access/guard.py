"""Lets a request in when its caller is known and within their rate, before all else is done."""

import time
from collections.abc import Awaitable, Callable

from limits import RateLimitItem, parse
from starlette.requests import Request
from starlette.responses import Response

from api.access.callers import Principal
from api.access.key_sets import IssuerUnavailable
from api.access.recognition import Recognition, Unrecognised
from api.door.admission import AsgiApp, Message, Receive, Scope, Send
from api.errors import UNAVAILABLE, answer_to
from api.problem_documents import problem
from api.wiring import System

CALLERS = 10_000  # whose periods are kept before those that have ended are dropped


# The storage of limits in memory starts a thread every 10 ms, and takes longer than all of this.
class _Period:
    """How many requests of one caller came since the first, until it ends by their rate."""

    def __init__(self, rate: RateLimitItem, begin: float) -> None:
        self.rate = rate
        self.requests = 0
        self.ends = begin + rate.get_expiry()  # in seconds since 1970
        self._limit = b"x-ratelimit-limit", str(rate.amount).encode()
        self._reset = b"x-ratelimit-reset", str(int(self.ends) + 1).encode()

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What is left, for an answer."""
        left = max(0, self.rate.amount - self.requests)
        return [self._limit, (b"x-ratelimit-remaining", str(left).encode()), self._reset]


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
        self._periods: dict[tuple[str, str], _Period] = {}

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
        period = self._period_of(principal)
        period.requests += 1
        headers = period.headers()

        async def with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        if period.requests <= period.rate.amount:
            await self._app(scope, receive, with_rate)
            return
        wait = max(1, int(period.ends - time.time()) + 1)
        answer = problem(
            429,
            "rate-limited",
            f"{principal.id} may send {period.rate}; nothing was done, go on in {wait} s",
            headers={"Retry-After": str(wait)},
        )
        await answer(scope, receive, with_rate)

    def _period_of(self, principal: Principal) -> _Period:
        rate = principal.rate_limit or self._default_rate
        known = self._periods.get((principal.id, rate))
        now = time.time()
        if known is None or known.ends <= now:
            if len(self._periods) >= CALLERS:
                lasting = [each for each in self._periods.items() if each[1].ends > now]
                self._periods = dict(lasting)
            known = self._periods[principal.id, rate] = _Period(parse(rate), now)
        return known

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
