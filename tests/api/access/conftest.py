"""An issuer of tokens for tests, and a clock that they can turn."""

import time
from collections.abc import Iterator

import pytest

from tests.api.access.issuer import LocalIssuer, local_issuer


class Clock:
    """Seconds since 1970, as many as a test wants."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()
