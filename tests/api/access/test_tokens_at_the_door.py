"""A token of the issuer over HTTP: who acts by it, and how others are refused."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.wiring import System, assembled
from tests.api.access.issuer import LocalIssuer
from tests.api.bad_input import complaint
from tests.api.talk import post
from tests.conftest import served
from tests.databases import Database


@pytest.fixture
def trusting(issuer: LocalIssuer, database: Database, tmp_path: Path) -> Iterator[httpx.Client]:
    """A server that takes this issuer's tokens; who asks names nobody."""
    settings = issuer.settings(tmp_path)
    with assembled(settings, database.service, serving=True) as system, served(system) as http:
        http.headers.pop("Authorization")
        yield http


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_whoever_has_a_token_acts_in_its_role(trusting: httpx.Client, issuer: LocalIssuer) -> None:
    ana = by(issuer.token())
    begun = post(trusting, "/v1/candidates", {"type": "sourced", "source": "Fair"}, **ana)
    assert begun["events"][0]["actor"] == "recruiter:ana"
    analyst = by(issuer.token(hirelog_role="analyst", scope="openid hirelog:read"))
    assert trusting.get("/v1/jobs", headers=analyst).status_code == 200
    refused = trusting.get(f"/v1/candidates/{begun['id']}", headers=analyst)
    assert not complaint(refused, 403, "not-permitted")


def test_a_token_that_proves_nobody(
    trusting: httpx.Client, issuer: LocalIssuer, http: httpx.Client, system: System
) -> None:
    for token in issuer.token(exp=1), issuer.token(hirelog_role="boss"), "a.b.c", "a..b..c":
        answer = trusting.get("/v1/jobs", headers=by(token))
        assert not complaint(answer, 401, "invalid-token"), token
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert token not in answer.text
    elsewhere = http.get("/v1/jobs", headers=by(issuer.token()))
    assert not complaint(elsewhere, 401, "invalid-token"), "no issuer is trusted there"


def test_nobody_can_be_told_from_nobody_while_the_issuer_was_never_there(
    trusting: httpx.Client, issuer: LocalIssuer
) -> None:
    token = issuer.token()
    issuer.close()
    try:
        answer = trusting.get("/v1/jobs", headers=by(token))
    finally:
        issuer.open()
    assert not complaint(answer, 503, "issuer-unavailable")
    assert answer.headers["Retry-After"] == "5"
