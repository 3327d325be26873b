"""The examples on the OpenAPI page: a whole answer and whole problems for every operation."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from api.app import ROUTES, build_app
from api.batch import BatchAnswer
from api.problem_documents import MEDIA_TYPE, Problem
from api.settings import Settings
from api.wiring import System

Json = dict[str, Any]

MODELS = {
    (method, route.path): route.response_model
    for routes in ROUTES
    for route in routes.router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in route.methods or ()
}


@pytest.fixture(scope="module")
def served() -> Json:
    """What /openapi.json answers; it needs no database."""
    app = build_app(cast("System", SimpleNamespace(settings=Settings())))

    async def ask() -> Json:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hirelog") as client:
            document: Json = (await client.get("/openapi.json")).json()
            return document

    return asyncio.run(ask())


def answers(served: Json) -> Iterator[tuple[str, str, int, Json]]:
    for path, methods in served["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status != "304":  # which has no body
                    yield method.upper(), path, int(status), answer["content"]


def test_every_success_is_shown_as_it_comes_back(served: Json) -> None:
    """Read and written again, an example stays what it is: no field misses, none is unknown."""
    shown = set()
    for method, path, status, content in answers(served):
        if status < 300 and (lines := content.get("application/x-ndjson")):
            told = [json.loads(line) for line in lines["example"].splitlines()]
            read = [BatchAnswer.model_validate(line) for line in told]
            assert [line.model_dump(mode="json", exclude_none=True) for line in read] == told
            shown.add((method, path))
        elif status < 300:
            example = content["application/json"]["example"]
            model = TypeAdapter[Any](MODELS[method, path])
            again = model.dump_python(
                model.validate_python(example), mode="json", exclude_unset=True
            )
            assert json.dumps(again) == json.dumps(example), (method, path, status)
            shown.add((method, path))
    assert shown == MODELS.keys()


def test_every_problem_has_a_document(served: Json) -> None:
    for method, path, status, content in answers(served):
        if status >= 300:
            examples = content[MEDIA_TYPE]["examples"]
            assert examples, (method, path, status)
            for code, example in examples.items():
                problem = Problem.model_validate(example["value"])
                assert (problem.status, problem.code) == (status, code), (method, path)
                assert problem.model_dump(exclude_none=True) == example["value"], (method, path)
