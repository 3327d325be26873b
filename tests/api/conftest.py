"""Asking a server once it reflects all that was recorded."""

from typing import Any

import httpx
import pytest

from api.wiring import System
from tests.api.talk import Ask, get
from tests.databases import wait_until_projected


@pytest.fixture
def ask(http: httpx.Client, projected: System) -> Ask:
    """Asks once every read model reflects all that was recorded."""

    def asked(path: str, **params: Any) -> Any:
        wait_until_projected(projected.conninfo)
        return get(http, path, **params)

    return asked
