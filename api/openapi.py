"""What the OpenAPI document says beyond what FastAPI writes there by itself."""

import json
from typing import Any

from fastapi import FastAPI

from api.errors import MEDIA_TYPE, Responses
from api.schemas import Recording


def answers(example: dict[str, Any], status: int = 200) -> Responses:
    """What a route documents as its answer: a whole one."""
    # As text, for FastAPI leaves every null out; `document` reads it back.
    return {status: {"content": {"application/json": {"example": json.dumps(example)}}}}


def records(example: dict[str, Any]) -> Responses:
    """What a route for commands documents: its answer, and that to the same command again."""
    again = answers(example | {"repeated": True})
    again[200] |= {
        "model": Recording,
        "description": "On record before: nothing was added, this is the first answer again.",
    }
    return answers(example, 201) | again


def document(app: FastAPI) -> None:
    """Has the document give problems under their own media type alone, and examples whole."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        made = generate()
        for methods in made["paths"].values():
            for operation in methods.values():
                for answer in operation["responses"].values():
                    content = answer.get("content", {})
                    if MEDIA_TYPE in content:
                        content.pop("application/json", None)
                    for shown in content.values():
                        if "example" in shown:
                            shown["example"] = json.loads(shown["example"])
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it
