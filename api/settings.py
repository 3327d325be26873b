"""Settings: from HIRELOG_* in the environment, and from options of the command line."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from limits import parse
from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from projections.runtime.rebuild import UNIT_EVENTS

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""With these only the issuer can sign: what verifies is public (RFC 7518, 8037, 9864)."""

Origin = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^(\*|https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?)$",
    ),
]


class Settings(BaseSettings):
    """What a process of hirelog can be told; each field is HIRELOG_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HIRELOG_", extra="ignore")

    data_dir: Path = Path(".hirelog")
    database_url: SecretStr | None = None
    migration_url: SecretStr | None = None
    self_identification_url: SecretStr | None = None
    master_key: SecretStr | None = None
    signing_key: SecretStr | None = None
    log_origin: str | None = None
    checkpoint_file: Path | None = None
    checkpoint_url: SecretStr | None = None
    erasure_ledger: Path | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    max_body_bytes: Annotated[int, Field(ge=1_000)] = 1_000_000
    max_requests: Annotated[int, Field(ge=1)] = 500
    max_streams: Annotated[int, Field(ge=0)] = 100
    database_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 5.0
    answer_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    rebuild_unit_events: Annotated[int, Field(ge=100, le=10_000_000)] = UNIT_EVENTS
    rate_limit: str = "6000/minute"
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = ()
    log_level: str = "warning"
    oidc_issuer: str | None = None
    oidc_audience: Annotated[str | None, Field(validate_default=True)] = None
    oidc_jwks_url: str | None = None
    oidc_algorithms: Annotated[tuple[str, ...], NoDecode] = ("RS256", "ES256", "EdDSA", "Ed25519")
    oidc_role_claim: Annotated[str, Field(min_length=1)] = "hirelog_role"
    oidc_actor_claim: Annotated[str, Field(min_length=1)] = "sub"
    oidc_skew_seconds: Annotated[int, Field(ge=0, le=600)] = 60
    oidc_offline_hours: Annotated[float, Field(ge=1, le=720)] = 24.0

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, given: str) -> str:
        try:
            parse(given)
        except ValueError as error:
            raise PydanticCustomError("rate", "must be a rate such as 100/second") from error
        return given

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _between_commas(cls, given: object) -> object:
        if isinstance(given, str):
            return [each for each in given.split(",") if each.strip()]
        return given

    @field_validator("answer_seconds")
    @classmethod
    def _outlasts_a_wait(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds <= info.data.get("wait_seconds", 0):
            raise PydanticCustomError(
                "too_short",
                "must be more than HIRELOG_WAIT_SECONDS, or no query could wait so long",
            )
        return seconds

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _secure(cls, url: str | None) -> str | None:
        return None if url is None else secure_url(url)

    @field_validator("oidc_issuer")
    @classmethod
    def _plain(cls, url: str | None) -> str | None:
        if url and "?" in url:
            raise PydanticCustomError("query", "must be the URL of an issuer, without a query")
        return url

    @field_validator("oidc_audience")
    @classmethod
    def _with_issuer(cls, audience: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("oidc_issuer") and not audience:
            raise PydanticCustomError(
                "missing", "must be set with HIRELOG_OIDC_ISSUER: the aud of tokens that are for us"
            )
        return audience

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _from_list(cls, given: object) -> object:
        return given.replace(",", " ").split() if isinstance(given, str) else given

    @field_validator("oidc_algorithms")
    @classmethod
    def _asymmetric(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not given or not set(given) <= set(ALGORITHMS):
            raise PydanticCustomError(
                "unsafe_algorithm",
                "must be some of {algorithms}; only these are signatures that nobody else can make",
                {"algorithms": ",".join(ALGORITHMS)},
            )
        return given


def secure_url(url: str) -> str:
    """`url` itself where nobody on the way can change what it answers: https, or this machine.

    Raises ValueError.
    """
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.username is not None
        _ = parts.port
    except ValueError:
        host, secret = None, False
    if not host or secret or parts.fragment or not url.isascii() or " " in url:
        raise PydanticCustomError(
            "not_a_url", "must be a URL such as https://login.example.com, without a user in it"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise PydanticCustomError(
            "not_secure", "must begin with https:// (http:// only on this machine)"
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
