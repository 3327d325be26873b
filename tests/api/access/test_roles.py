"""Every route with every role and with nobody: who is let in, and how the others are refused."""

from collections.abc import Mapping
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter

from api.access.callers import Role, Scope
from api.access.rights import open_to_all
from api.door.route import Route, Unmarked
from tests.api.bad_input import complaint
from tests.api.talk import AsCaller, Json

# One letter for each role, in the order of Role: Recruiter, Sourcer, hiring Manager, Compliance,
# aNalyst, Integration, Admin; and "public" for who needs no name.
LETTERS = dict(zip("RSMCNIA", Role, strict=True))
WHO: Mapping[str, str] = {
    "POST /v1/candidates": "RSIA",
    "GET /v1/candidates/{candidate_id}": "RSMCIA",
    "POST /v1/candidates/{candidate_id}/interactions": "RSMIA",
    "GET /v1/candidates/{candidate_id}/interactions": "RSCIA",
    "POST /v1/interactions:batch": "RSIA",
    "POST /v1/jobs": "RIA",
    "POST /v1/jobs/{job_id}/interactions": "RIA",
    "GET /v1/jobs": "RSMCNIA",
    "GET /v1/jobs/{job_id}": "RSMCNIA",
    "GET /v1/jobs/{job_id}/board": "RSMCNIA",
    "GET /v1/applications": "RSMCNIA",
    "GET /v1/applications/{application_id}": "RSMCNIA",
    "GET /v1/engagement/candidates": "RSCNIA",
    "GET /v1/engagement/candidates/{candidate_id}": "RSCNIA",
    "GET /v1/candidates/{candidate_id}/difference": "CA",
    "GET /v1/candidates/{candidate_id}/access-bundle": "CA",
    "GET /v1/audit/entries": "CNA",
    "POST /v1/erasures": "CA",
    "GET /v1/erasures": "CA",
    "GET /v1/erasures/{erasure_id}": "CA",
    "POST /v1/erasures/{erasure_id}/run": "CA",
    "POST /v1/holds": "CA",
    "GET /v1/holds": "CA",
    "POST /v1/holds/{hold_id}/release": "CA",
    "GET /v1/audit/readings": "CA",
    "GET /v1/impact-reports": "CA",
    "GET /v1/impact-reports/{report_id}": "CA",
    "GET /v1/feed": "RSCNIA",
    "GET /v1/audit/log/checkpoint": "CNA",
    "GET /v1/audit/log/inclusion": "CNA",
    "GET /v1/audit/log/consistency": "CNA",
    "GET /v1/projections": "RSMCNIA",
    "GET /v1/projections/builds": "NA",
    "DELETE /v1/projections/builds/{schema}": "NA",
    "GET /v1/projections/rebuilds": "NA",
    "POST /v1/projections/rebuilds": "NA",
    "POST /v1/projections/{model}/pause": "NA",
    "POST /v1/projections/{model}/resume": "NA",
    "POST /v1/projections/{model}/abandon": "NA",
    "POST /v1/projections/{model}/switch-back": "NA",
    "GET /v1/projections/parked": "NA",
    "POST /v1/projections/{model}/parked/retry": "NA",
    "POST /v1/projections/{model}/parked/{position}/skip": "NA",
    "GET /v1/problems": "public",
    "GET /healthz": "public",
    "GET /readyz": "public",
    "GET /healthz/projections": "public",
}
UNDOCUMENTED = {"GET /metrics": "NIA", "GET /": "public", "GET /docs": "public"}


def send(http: httpx.Client, operation: str) -> httpx.Response:
    """Asks for it with ids of nobody and a body that fits nothing."""
    method, path = operation.split()
    path = path.replace("{model}", "ats_pipeline").replace("{position}", "1")
    for part in (
        "{candidate_id}",
        "{job_id}",
        "{application_id}",
        "{schema}",
        "{erasure_id}",
        "{hold_id}",
        "{report_id}",
    ):
        path = path.replace(part, str(uuid4()))
    return http.request(method, path, json={} if method == "POST" else None)


def test_every_operation_says_who_may_use_it(promised: Json) -> None:
    documented = {
        f"{method.upper()} {path}": operation
        for path, methods in promised["paths"].items()
        for method, operation in methods.items()
    }
    assert documented.keys() == WHO.keys()
    for name, operation in documented.items():
        if WHO[name] == "public":
            assert operation["security"] == [], name
        else:
            assert {"key": []} in operation["security"], name
            assert {"401", "403", "429"} <= operation["responses"].keys(), name
            said = operation["description"].rpartition("*Open to: ")[2]
            roles = {LETTERS[letter].value for letter in WHO[name]}
            assert said == "everybody who is known.*" or roles == set(said[:-2].split(", ")), name


@pytest.mark.parametrize("role", [*Role, None])
def test_routes_are_open_to_these_alone(
    http: httpx.Client, as_caller: AsCaller, role: Role | None
) -> None:
    http.headers.pop("Authorization")
    if role:
        http.headers.update(as_caller(f"{role}:ada"))
    wrong = {}
    for operation, who in {**WHO, **UNDOCUMENTED}.items():
        answer = send(http, operation)
        if who == "public":
            fits = answer.status_code in {200, 307, 503}
        elif role is None:
            fits = not complaint(answer, 401, "unauthenticated")
        elif role in {LETTERS[letter] for letter in who}:
            fits = answer.status_code not in {401, 403} and answer.status_code < 500
        else:
            fits = not complaint(answer, 403, "not-permitted")
        if not fits:
            wrong[operation] = f"{answer.status_code} {answer.text[:200]}"
    assert not wrong


def test_a_path_that_there_is_not_tells_strangers_nothing(http: httpx.Client) -> None:
    assert not complaint(http.get("/v1/nothing"), 404, "not-found")
    http.headers.pop("Authorization")
    for path in "/v1/nothing", "/v1/candidates/", "/nothing":
        assert not complaint(http.get(path), 401, "unauthenticated")


def test_scopes_narrow_a_role(http: httpx.Client, as_caller: AsCaller) -> None:
    reader, writer = (
        as_caller("recruiter:ana", scopes=[scope]) for scope in (Scope.READ, Scope.WRITE)
    )
    opened = {"type": "opened", "title": "Designer"}
    assert http.get("/v1/jobs", headers=reader).status_code == 200
    assert not complaint(http.post("/v1/jobs", json=opened, headers=reader), 403, "not-permitted")
    assert http.post("/v1/jobs", json=opened, headers=writer).status_code == 201
    assert not complaint(http.get("/v1/jobs", headers=writer), 403, "not-permitted")


def test_a_body_of_somebody_without_rights_is_not_looked_at(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    answer = http.post("/v1/jobs", content=b"{", headers=as_caller("analyst:ada"))
    assert not complaint(answer, 403, "not-permitted")


def test_a_route_must_say_for_whom_it_is_open() -> None:
    ours = APIRouter(route_class=Route)
    with pytest.raises(Unmarked, match="/secret does not say for whom it is open"):
        ours.add_api_route("/secret", lambda: "told")
    with pytest.raises(AssertionError):  # nobody would read the mark
        APIRouter(dependencies=[open_to_all()]).add_api_route("/secret", lambda: "told")
