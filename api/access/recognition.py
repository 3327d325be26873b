"""Recognises a caller by an Authorization header: an API key, or a token of the OIDC issuer.

A key is looked up again after a second, so that one that was revoked is refused within that time in
every process; requests that come meanwhile share one look.
"""

import asyncio
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread

from api.access import keys
from api.access.callers import Principal
from api.access.tokens import InvalidToken, Issuer
from api.errors import UNAVAILABLE
from api.wiring import System

KNOWN_SECONDS = 1.0
ON_TRUST_SECONDS = 60.0  # while there is no database, and nothing can be revoked
LOOKS_AT_ONCE = 4
KNOWN_CALLERS = 10_000

HOW = "send Authorization: Bearer with an API key (hirelog keys create) or a token of your issuer"


class Unrecognised(Exception):  # noqa: N818  # the name of the situation
    """Nobody is known by what came with the request."""

    def __init__(self, detail: str, code: str = "unauthenticated") -> None:
        super().__init__(detail)
        self.code = code


@dataclass
class _Known:
    principal: Principal | None
    looked_at: float
    until: float


class Recognition:
    """Whom this process knows, and by what. For one event loop."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._issuer = Issuer(system.settings) if system.settings.oidc_issuer else None
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[Principal | None]] = {}
        # Not on threads of the requests or of each other: those may all be waiting.
        self._looks, self._checks = CapacityLimiter(LOOKS_AT_ONCE), CapacityLimiter(LOOKS_AT_ONCE)

    async def principal(self, authorization: bytes) -> Principal:
        """Who calls with this header.

        Raises Unrecognised, IssuerUnavailable, and what tells that the database is unavailable.
        """
        scheme, _, given = authorization.partition(b" ")
        credential = given.strip()
        if scheme.lower() == b"basic":
            return await self._by_key(_user_of(credential))
        if scheme.lower() != b"bearer" or not credential:
            raise Unrecognised(f"nobody is named; {HOW}")
        if credential.count(b".") > 1:
            return await self._by_token(credential)
        return await self._by_key(credential)

    async def _by_token(self, credential: bytes) -> Principal:
        if self._issuer is None:
            raise Unrecognised(
                "no issuer's tokens are taken here; send an API key, or set HIRELOG_OIDC_ISSUER",
                "invalid-token",
            )
        token = credential.decode("latin-1")
        try:
            if remembered := self._issuer.remembered(token):
                return remembered
            return await to_thread.run_sync(self._issuer.principal, token, limiter=self._checks)
        except InvalidToken as error:
            raise Unrecognised(str(error), "invalid-token") from error

    async def _by_key(self, key: bytes) -> Principal:
        if not key.startswith(keys.PREFIX.encode()):
            raise Unrecognised(f"this is no API key; {HOW}", "invalid-token")
        digest = keys.digest(key)
        known = self._known.get(digest)
        if known and known.until > time.monotonic():
            principal = known.principal
        else:
            principal = await self._look_up(digest)
        if principal is None:
            raise Unrecognised(f"this key is unknown, revoked or expired; {HOW}", "invalid-token")
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
            principal = await to_thread.run_sync(self._find, digest, limiter=self._looks)
        except UNAVAILABLE:
            if known is None or known.looked_at + ON_TRUST_SECONDS < time.monotonic():
                raise
            known.until = time.monotonic() + KNOWN_SECONDS  # or each request would wait as long
            return known.principal
        looked_at = time.monotonic()
        self._known[digest] = _Known(principal, looked_at, looked_at + KNOWN_SECONDS)
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


def _user_of(credential: bytes) -> bytes:
    """The user name of Basic authentication, in which some clients send an API key."""
    try:
        return b64decode(credential, validate=True).partition(b":")[0]
    except Base64Error as error:
        raise Unrecognised(f"the Basic credentials are not in base64; {HOW}") from error
