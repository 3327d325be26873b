"""A real OIDC issuer on loopback: discovery, a key set, and tokens signed by its keys."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from api.settings import ALGORITHMS, Settings

AUDIENCE = "hirelog"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"


class Signing(JWSRegistry):
    """Signs with whatever it is told, without the library's warnings about EdDSA."""

    def __init__(self, *more: str) -> None:
        super().__init__(algorithms=[*ALGORITHMS, *more], strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


class LocalIssuer:
    """Has one key for each kind of signature; answers what `answers` hold for a path."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {
            "rsa": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
            "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
            "ed": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        }
        self.asked: list[str] = []
        self.go_on = Event()
        self.go_on.set()
        self.port = 0
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listens, on the same port as before."""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.go_on.wait(20)
                status, headers, body = issuer.answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuses connections from now on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        documents: dict[str, Any] = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": self.url + KEYS},
            KEYS: KeySet(list(self.keys.values())).as_dict(),
        }
        if path in self.answers:
            return self.answers[path]
        return 200, {}, json.dumps(documents[path]).encode()

    def settings(self, data_dir: Path, **more: Any) -> Settings:
        """Settings that trust this issuer."""
        return Settings(data_dir=data_dir, oidc_issuer=self.url, oidc_audience=AUDIENCE, **more)

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those of a good token of a recruiter; None takes one away."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ana",
            "iat": now,
            "exp": now + 600,
            "hirelog_role": "recruiter",
        }
        return {name: value for name, value in (good | more).items() if value is not None}

    def token(
        self,
        *,
        kid: str = "ec",
        alg: str = "ES256",
        key: Key | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """One signed by `key`, or by that of its kid."""
        return jwt.encode(
            {"alg": alg, "kid": kid, **(header or {})},
            self.claims(**claims),
            key or self.keys[kid],
            registry=Signing(),
        )

    def signed(self, payload: bytes) -> str:
        """Any payload, well signed."""
        signing_input = f"{segment({'alg': 'ES256', 'kid': 'ec'})}.{segment(payload)}"
        signature = Signing().get_alg("ES256").sign(signing_input.encode(), self.keys["ec"])
        return f"{signing_input}.{segment(signature)}"


def segment(value: Any) -> str:
    """A part of a token: bytes as they are, all else as JSON."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def local_issuer() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer()
    try:
        yield issuer
    finally:
        issuer.go_on.set()
        issuer.close()
