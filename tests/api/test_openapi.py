"""What /openapi.json promises, and that its pages need no other site."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx

import domain.candidate
import domain.verdict
from api import problems
from domain import errors
from tests.api.bad_input import PROBLEM
from tests.api.talk import Json


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def codes(operation: Json) -> dict[str, int]:
    """The documented codes with their statuses."""
    return {
        code: int(status)
        for status, answer in operation["responses"].items()
        for code in answer.get("content", {}).get(PROBLEM, {}).get("examples", {})
    }


def test_every_operation_is_described(promised: Json) -> None:
    found = dict(operations(promised))
    assert len(found) >= 17
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        succeeded = [
            content["schema"]
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for content in answer["content"].values()
        ]
        assert succeeded, name
        assert all("$ref" in schema for schema in succeeded), name
        if "/v1/" in name:
            assert codes(operation)["invalid-request"] == 422, name
        elif name != "GET /healthz":
            assert codes(operation).keys() >= {"database-unavailable", "too-slow"}, name
            assert "422" not in operation["responses"], f"{name} refuses nothing that is asked"
        for status, answer in operation["responses"].items():
            if not status.startswith(("2", "304")):
                assert answer["content"].keys() == {PROBLEM}, (name, status)
                assert answer["content"][PROBLEM]["schema"]["$ref"].endswith("/Problem"), name
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter["description"], (name, parameter["name"])


def test_every_refusal_of_an_interaction_is_documented(promised: Json) -> None:
    given_by = [*Path(domain.candidate.__path__[0]).glob("*.py"), Path(domain.verdict.__file__)]
    named = {
        name
        for file in given_by
        for name in re.findall(r"\b(?:errors\.)?([A-Z][A-Za-z]+)\(", file.read_text("utf-8"))
    }
    given = {
        refusal.code: problems.status_of(refusal)
        for refusal in vars(errors).values()
        if isinstance(refusal, type) and issubclass(refusal, errors.Refusal)
        if refusal.__name__ in named | {"ConcurrentChange"}
    }
    assert len(given) > 25
    documented = codes(promised["paths"]["/v1/candidates/{candidate_id}/interactions"]["post"])
    assert given.items() <= documented.items()


def test_every_other_answer_is_documented(promised: Json) -> None:
    for name, operation in operations(promised):
        documented = codes(operation)
        if any(each["name"] == "cursor" for each in operation.get("parameters", [])):
            assert documented.get("invalid-cursor") == 422, name
        if "requestBody" in operation:
            assert documented.get("content-too-large") == 413, name
            assert documented.get("unsupported-media-type") == 415, name
            if recorded := operation["responses"].get("201"):
                assert "Idempotent-Replayed" in recorded["headers"], f"{name} sent again"


def test_docs_need_no_other_site(http: httpx.Client) -> None:
    for path in "/docs", "/":
        page = http.get(path, follow_redirects=True)
        assert page.status_code == 200
        linked = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
        assert len(linked) >= 3
        for link in linked:
            assert link.startswith("/"), link
            assert not link.startswith("//"), link
            assert http.get(link).status_code == 200, link
        assert not re.search(r"https?://", page.text)
