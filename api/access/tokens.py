"""Recognises who sends a JSON Web Token of the OIDC issuer that the settings name."""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any

from joserfc import errors, jwt
from joserfc.jwk import GuestProtocol, Key, KeyParameters
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from api.access.callers import SCOPES_OF, Principal, Role, Scope
from api.access.key_sets import IssuerKeys, KnownKeys
from api.settings import Settings

MAX_TOKEN_CHARACTERS = 8 * 1024
MAX_ACTOR_CHARACTERS = 200
REMEMBERED = 4_096
SCOPE_PREFIX = "hirelog:"
OWN_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64"})

REFUSED_CLAIMS: Mapping[str, str] = {
    "iss": "it is of another issuer; get one of the issuer that this server trusts",
    "aud": "it is for another audience; ask the issuer for one with this server's audience",
    "exp": "its exp is not a number of seconds since 1970",
    "nbf": "it is not valid yet; wait, or see that the clocks are right",
    "iat": "it was issued in the future; see that the clocks are right",
    "sub": "its sub is empty or not a text",
}


class InvalidToken(ValueError):  # noqa: N818  # the name of the situation
    """The token proves nobody; the text says why and what to do, and quotes nothing of it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the token is refused: {why}")


@dataclass(frozen=True)
class _Verified:
    principal: Principal
    until: float
    keys: KnownKeys


class _Algorithms(JWSRegistry):
    """The listed algorithms and no other.

    The library's own would take its recommended ones, HS256 among them, for an empty list, and
    give a Python warning for each EdDSA, which issuers use widely.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        # Unknown header parameters are to be ignored (RFC 7515, section 4).
        super().__init__(algorithms=names, strict_check_header=False)
        self._models = {name: self.algorithms[name] for name in names}

    def get_alg(self, name: str) -> Any:
        if name not in self._models:
            raise errors.UnsupportedAlgorithmError
        return self._models[name]


class Issuer:
    """The issuer whose tokens are taken. Safe for many threads.

    `now` gives seconds since 1970 (UTC).
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        assert settings.oidc_issuer and settings.oidc_audience  # noqa: S101, PT018  # as validated
        self._issuer = settings.oidc_issuer
        self._role_claim = settings.oidc_role_claim
        self._actor_claim = settings.oidc_actor_claim
        self._skew = settings.oidc_skew_seconds
        self._now = now
        self._keys = IssuerKeys(settings, now)
        self._algorithms = _Algorithms(settings.oidc_algorithms)
        self._claims = JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=self._skew,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": settings.oidc_audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = Lock()

    def principal(self, token: str) -> Principal:
        """Who sends `token`. Raises InvalidToken, or IssuerUnavailable where nobody can say.

        May wait up to three seconds for the issuer, so it is nothing for an event loop.
        """
        return self.remembered(token) or self._verify(token)

    def remembered(self, token: str) -> Principal | None:
        """Who sends `token`, where it was verified a while ago; never waits.

        A signature takes 100 to 250 us to verify, and a token comes with every request.
        """
        digest = _digest(token)
        keys = self._keys.at_hand()
        with self._lock:
            known = self._verified.get(digest)
            if known is None:
                return None
            # A key that the issuer has withdrawn ends what was verified by it.
            if known.keys is not keys or known.until <= self._now():
                del self._verified[digest]
                return None
            self._verified.move_to_end(digest)
            return known.principal

    def _verify(self, token: str) -> Principal:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise InvalidToken(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")
        if token.count(".") == 4:
            raise InvalidToken("it is encrypted; send one that is only signed")
        keys = self._keys.current()
        try:
            claims = jwt.decode(token, partial(self._key, keys), registry=self._algorithms).claims
            self._claims.validate(claims)
        except errors.JoseError as error:
            raise InvalidToken(_why(error)) from None
        except InvalidToken:
            raise
        except (ValueError, TypeError, RecursionError):
            raise InvalidToken("it is not a JSON Web Token") from None
        principal = self._recognised(claims)
        with self._lock:
            until = claims["exp"] + self._skew
            self._verified[_digest(token)] = _Verified(principal, until, keys)
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return principal

    def _key(self, known: KnownKeys, signed: GuestProtocol) -> Key:
        header = signed.headers()
        if OWN_KEY_HEADERS & header.keys():
            raise InvalidToken("its header brings its own key or extension, which nobody trusts")
        kid = header.get("kid")
        parameters: KeyParameters = {"alg": header["alg"]}
        try:
            return known.keys.get_by_kid(kid, parameters)
        except errors.InvalidKeyIdError:
            return self._keys.newer(known).keys.get_by_kid(kid, parameters)

    def _recognised(self, claims: Mapping[str, Any]) -> Principal:
        role = self._role(claims.get(self._role_claim))
        name = claims.get(self._actor_claim)
        actor = f"{role}:{name}"
        if not isinstance(name, str) or not name or name.strip() != name or not _printable(actor):
            raise InvalidToken(
                f"its {self._actor_claim} must be printable ASCII, with the role at most "
                f"{MAX_ACTOR_CHARACTERS} characters, to stand in events as the actor"
            )
        subject = json.dumps([self._issuer, claims["sub"]]).encode()
        return Principal(
            id=f"oidc:{sha256(subject).hexdigest()[:32]}",
            actor=actor,
            role=role,
            scopes=SCOPES_OF[role] & _scopes(claims.get("scope", "")),
        )

    def _role(self, given: object) -> Role:
        listed = given if isinstance(given, list) else [given]
        roles = [each for each in Role if each in listed]
        if len(roles) != 1:
            raise InvalidToken(
                f"its {self._role_claim} must name one role, and names {len(roles)}; there are "
                f"{', '.join(Role)}"
            )
        return roles.pop()


def _scopes(given: object) -> frozenset[Scope]:
    """What the scope claim asks of us (RFC 8693, section 4.2); all where it asks for nothing."""
    if not isinstance(given, str):
        raise InvalidToken("its scope must be a text of names with spaces between them")
    asked = {each for each in given.split() if each.startswith(SCOPE_PREFIX)}
    return frozenset(each for each in Scope if not asked or SCOPE_PREFIX + each in asked)


def _why(error: errors.JoseError) -> str:
    match error:
        case errors.ExpiredTokenError():
            return "it has expired; get a new one"
        case errors.MissingClaimError():
            return f"it lacks {error.claim}"
        case errors.InvalidClaimError():
            return REFUSED_CLAIMS.get(error.claim, f"its {error.claim} cannot be used")
        case errors.UnsupportedAlgorithmError():
            return "it is not signed with an algorithm that this server allows"
        case errors.InvalidKeyIdError():
            return "the issuer has no key of its kid and algorithm; get a new one"
        case errors.BadSignatureError():
            return "its signature is not the issuer's"
        case errors.KeyParameterError() | errors.InvalidKeyCurveError():
            return "the key of its kid is not for its algorithm"
        case errors.ExceededSizeError():
            return "its header or its signature is too long"
        case _:
            return "it is not a JSON Web Token"


def _printable(actor: str) -> bool:
    return len(actor) <= MAX_ACTOR_CHARACTERS and actor.isascii() and actor.isprintable()


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
