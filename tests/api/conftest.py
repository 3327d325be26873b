"""A server to ask, what is on record there, and what its documentation promises."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psycopg
import pytest

from api.app import build_app
from api.settings import Settings
from api.wiring import System
from tests.api.bad_input import Known
from tests.api.talk import Ask, Json, get
from tests.databases import Database, wait_until_projected


@pytest.fixture
def ask(http: httpx.Client, projected: System) -> Ask:
    """Asks once every read model reflects all that was recorded."""

    def asked(path: str, **params: Any) -> Any:
        wait_until_projected(projected.conninfo)
        return get(http, path, **params)

    return asked


@pytest.fixture
def held(http: httpx.Client, database: Database) -> Iterator[psycopg.Connection]:
    """Keeps the projector from moving until it is rolled back."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("LOCK TABLE read_models.builds IN SHARE MODE")
        yield connection


@pytest.fixture
def applicant(http: httpx.Client, projected: System) -> Known:
    """A job and an applicant."""
    job = http.post("/v1/jobs", json={"type": "opened", "title": "Designer", "stages": ["A", "B"]})
    applied = {"type": "applied", "job_id": job.json()["id"], "source": "Fair", "name": "Ada"}
    begun = http.post("/v1/candidates", json=applied).json()
    application = begun["events"][0]["data"]["application_id"]
    wait_until_projected(projected.conninfo)
    return Known(http, projected, job.json()["id"], begun["id"], application)


@pytest.fixture
def known(applicant: Known) -> Iterator[Known]:
    """The same; the test is to leave the log as it is and the server alive."""
    before = applicant.events()
    yield applicant
    assert applicant.events() == before
    assert applicant.http.get("/healthz").status_code == 200


@pytest.fixture(scope="session")
def promised() -> Json:
    """The OpenAPI document; no request is needed to make it."""
    app = build_app(cast("System", SimpleNamespace(settings=Settings())))
    document: Json = json.loads(json.dumps(app.openapi()))
    return document
