"""Settings: from HIRELOG_* in the environment, and from options of the command line."""

from pathlib import Path
from typing import Annotated

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from projections.runtime.rebuild import UNIT_EVENTS


class Settings(BaseSettings):
    """What a process of hirelog can be told; each field is HIRELOG_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HIRELOG_", extra="ignore")

    data_dir: Path = Path(".hirelog")
    database_url: SecretStr | None = None
    migration_url: SecretStr | None = None
    master_key: SecretStr | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    max_body_bytes: Annotated[int, Field(ge=1_000)] = 1_000_000
    max_requests: Annotated[int, Field(ge=1)] = 500
    database_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 5.0
    answer_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    rebuild_unit_events: Annotated[int, Field(ge=100, le=10_000_000)] = UNIT_EVENTS
    rate_limit: str = "6000/minute"
    log_level: str = "warning"

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, given: str) -> str:
        try:
            parse(given)
        except ValueError as error:
            raise PydanticCustomError("rate", "must be a rate such as 100/second") from error
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
