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
            for media_type, content in answer["content"].items()
            if media_type not in {"text/csv", "text/html"}  # which are no more than text
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


def test_what_is_made_anew_each_time_promises_no_304(promised: Json) -> None:
    same = {name for name, operation in operations(promised) if "304" in operation["responses"]}
    assert "GET /v1/candidates/{candidate_id}" in same
    assert "GET /v1/candidates/{candidate_id}/access-bundle" not in same
    assert "x-made-anew" not in str(promised)


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


def test_what_the_words_of_a_parameter_mean_is_in_its_pattern(promised: Json) -> None:
    found = {
        (name.removeprefix("GET "), each["name"]): each["schema"]
        for name, operation in operations(promised)
        for each in operation.get("parameters", [])
    }
    assert not [place for place, schema in found.items() if "null" in str(schema)]
    one = "0f4a3c52-6d1e-4b8a-9c77-2e5d81b6f093"
    for parameter, well, badly in (
        ("ids", (one, f"{one}, {one}", ""), ("7", f"{one};{one}")),
        ("fields", ("title", "title, stages,"), ("titles", "title stages")),
    ):
        pattern = found["/v1/jobs", parameter]["pattern"]
        assert all(re.search(pattern, given) for given in well), pattern
        assert not any(re.search(pattern, given) for given in badly), pattern
    label = found["/v1/audit/entries", "actor"]["pattern"]
    assert re.search(label, "recruiter:ana")
    assert not any(re.search(label, given) for given in (" ", "a\x00b"))
    insist = next(s for (_, name), s in found.items() if name == "If-Match")
    assert all(re.search(insist["pattern"], given) for given in ('"7"', '"7", "8"', "*", 'W/"7"'))
    assert not re.search(insist["pattern"], "7")
    behalf = next(s for (_, name), s in found.items() if name == "On-Behalf-Of")["pattern"]
    known = "candidate:self", f"candidate:{one}", "recruiter:ana", "candidates"
    assert all(re.search(behalf, given) for given in known)
    assert not any(re.search(behalf, given) for given in ("candidate:ada", "candidate:", " "))


def test_every_choice_of_bodies_names_its_type(promised: Json) -> None:
    schemas = promised["components"]["schemas"]
    choices = [
        taken["schema"]["discriminator"]["mapping"].values()
        for _, operation in operations(promised)
        for taken in operation.get("requestBody", {}).get("content", {}).values()
        if "discriminator" in taken["schema"]
    ]
    assert len(choices) == 3
    for reference in (each for choice in choices for each in choice):
        assert "type" in schemas[reference.rpartition("/")[2]]["required"], reference
    assert schemas["OpenJob"]["properties"]["stages"]["uniqueItems"]
    assert "type" not in schemas["OpenJob"]["required"]
