"""The public keys of an OIDC issuer: looked up in time, and kept for when the issuer is away."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import Any

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from api.settings import Settings, secure_url

FILE = "jwks.json"
REFRESH_SECONDS = 3_600  # so long a key may be trusted that the issuer has withdrawn
LOOK_AGAIN_SECONDS = 30  # whatever tokens are sent to us, the issuer is asked no more often
FETCH_SECONDS = 3.0
MAX_WAITING = 16  # requests that wait for the issuer at once; the others are told to come again
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
RSA_2048_DIGITS = 342  # of the modulus in base64; what is shorter can be factored

log = structlog.get_logger()


class IssuerUnavailable(Exception):  # noqa: N818  # the name of the situation
    """The issuer's keys cannot be read now, so that nobody can say whether a token is good."""

    retry_after_seconds = 5


@dataclass(frozen=True)
class KnownKeys:
    """The keys that the issuer had at some time (seconds since 1970, UTC)."""

    keys: KeySet
    read_at: float


class IssuerKeys:
    """The issuer's keys in memory and in the data directory. Safe for many threads."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        assert settings.oidc_issuer  # noqa: S101  # else there is no issuer to ask
        self._issuer = settings.oidc_issuer
        self._jwks_url = settings.oidc_jwks_url
        self._algorithms = settings.oidc_algorithms
        self._offline_seconds = settings.oidc_offline_hours * 3_600
        self._path = settings.data_dir / FILE
        self._now = now
        self._lock = Lock()
        self._waiting = BoundedSemaphore(MAX_WAITING)
        self._look: Thread | None = None
        self._looked_at: float | None = None
        self._failed = False
        self._known = self._kept()

    def at_hand(self) -> KnownKeys | None:
        """The keys that may be used now, without any waiting; None where there are none.

        Has them read again in the background where they are old.
        """
        known = self._known
        # A clock that was set back makes them old, too.
        age = abs(self._now() - known.read_at) if known else self._offline_seconds
        if not known or age >= REFRESH_SECONDS:
            self._begin_look()
        return known if age < self._offline_seconds else None

    def current(self) -> KnownKeys:
        """The keys that may be used now; waits for the first ones. Raises IssuerUnavailable."""
        known = self.at_hand()
        if known is None:
            self._wait_for_look()
            known = self.at_hand()
        if known is None:
            raise IssuerUnavailable("the keys of the token's issuer cannot be read; try again")
        return known

    def newer(self, known: KnownKeys) -> KnownKeys:
        """The keys after a new look at the issuer, for a token whose key is not in `known`.

        They are the same ones where the last look was a moment ago. Raises IssuerUnavailable.
        """
        if self._known is known:
            self._begin_look()
            self._wait_for_look()
        if self._failed or (self._look and self._look.is_alive()):
            raise IssuerUnavailable(
                "the token's key is not known, and its issuer cannot be asked for new keys; "
                "try again"
            )
        return self._known or known

    def _begin_look(self) -> None:
        with self._lock:
            now = self._now()
            if self._looked_at is not None and 0 <= now - self._looked_at < LOOK_AGAIN_SECONDS:
                return
            self._looked_at = now
            self._look = Thread(target=self._read_anew, name="issuer-keys", daemon=True)
            self._look.start()

    def _wait_for_look(self) -> None:
        # A stranger's tokens with made-up keys must not occupy all threads.
        if self._look and self._waiting.acquire(blocking=False):
            try:
                self._look.join(FETCH_SECONDS)
            finally:
                self._waiting.release()

    def _read_anew(self) -> None:
        try:
            known = KnownKeys(self._fetched(), self._now())
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
            self._failed = True
            log.warning(
                "the issuer's keys cannot be read; those known go on being used",
                issuer=self._issuer,
                error=f"{type(error).__name__}: {error}"[:300],
                known_since=self._known and self._known.read_at,
            )
            return
        self._known, self._failed = known, False
        self._keep(known)

    def _fetched(self) -> KeySet:
        # Redirects are not followed; a compressed answer could be far larger than it looks.
        with httpx.Client(timeout=FETCH_SECONDS, headers={"Accept-Encoding": "identity"}) as client:
            url = self._jwks_url or self._discovered(client)
            return signature_keys(_get(client, url), self._algorithms)

    def _discovered(self, client: httpx.Client) -> str:
        """Where the issuer says its keys are (OpenID Connect Discovery 1.0, section 4)."""
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        document = _get(client, url)
        if document.get("issuer") != self._issuer:
            raise ValueError(f"{url} names another issuer than HIRELOG_OIDC_ISSUER")
        if not isinstance(document.get("jwks_uri"), str):
            raise ValueError(f"{url} names no jwks_uri")
        return secure_url(document["jwks_uri"])

    def _kept(self) -> KnownKeys | None:
        try:
            kept = json.loads(self._path.read_bytes())
            if kept["issuer"] != self._issuer:
                return None
            return KnownKeys(signature_keys(kept, self._algorithms), float(kept["read_at"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("kept keys cannot be used", path=str(self._path), error=str(error)[:300])
            return None

    def _keep(self, known: KnownKeys) -> None:
        kept = {"issuer": self._issuer, "read_at": known.read_at, **known.keys.as_dict()}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, unfinished = tempfile.mkstemp(dir=self._path.parent, prefix=FILE)
            with os.fdopen(descriptor, "w") as file:
                json.dump(kept, file)
            Path(unfinished).replace(self._path)
        except OSError as error:
            log.warning("keys cannot be kept", path=str(self._path), error=error.strerror)


def signature_keys(document: dict[str, Any], algorithms: Sequence[str]) -> KeySet:
    """The keys of a JWK set (RFC 7517) that can sign with one of `algorithms`.

    What cannot be read is left out, as section 5 asks. Raises ValueError where none remains.
    """
    listed = document.get("keys")
    keys = []
    for jwk in listed[:MAX_KEYS] if isinstance(listed, list) else []:
        try:
            if jwk["kty"] == "RSA" and len(jwk["n"]) < RSA_2048_DIGITS:
                continue
            key = import_key(jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if JWSRegistry.filter_algorithms(key, list(algorithms)):
            keys.append(key)
    if not keys:
        raise ValueError(f"there is no key for {', '.join(algorithms)} in the issuer's key set")
    return KeySet(keys)


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    """The JSON object at `url`. Raises httpx.HTTPError or ValueError."""
    until = time.monotonic() + FETCH_SECONDS
    body = bytearray()
    with client.stream("GET", url) as response:
        if response.status_code != HTTPStatus.OK:
            raise ValueError(f"{url} answered {response.status_code}")
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_BYTES or time.monotonic() > until:
                raise ValueError(f"{url} is larger than {MAX_BYTES} bytes or too slow")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} is not a JSON object")
    return document
