"""What the OpenAPI document says beyond what FastAPI writes there by itself."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from api.errors import MEDIA_TYPE, Responses
from api.schemas import REPLAYED_HEADER

VERSION_HEADER = {
    "ETag": 'The version of the candidate or job, such as `"7"`; a command may insist on it.'
}
COMMAND_HEADERS = {
    **VERSION_HEADER,
    "Hirelog-Position": "The body's `position`, to send with a query that must reflect it.",
    "Location": "Where the state of the candidate or job can be read.",
    REPLAYED_HEADER: (
        "`true` when the command was on record before: nothing was added, and the status and the "
        "body are those of the first answer, byte for byte. Left out otherwise."
    ),
}


def answers(
    example: dict[str, Any] | str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Responses:
    """What a route documents as its answer: a whole one, and what its headers mean."""
    # As text, for FastAPI leaves every null out; `document` reads it back.
    answer: dict[str, Any] = {"content": {media_type: {"example": json.dumps(example)}}}
    if headers:
        answer["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}}
            for name, meaning in headers.items()
        }
    return {status: answer}


def records(example: dict[str, Any]) -> Responses:
    """What a route for commands documents: its answer, the same also to a command sent again."""
    return answers(example, 201, COMMAND_HEADERS)


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
                        content = answer["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
                    for shown in content.values():
                        if "$ref" in shown.get("schema", ()):  # of a line, not of the text
                            shown["schema"].pop("type", None)
                        if "example" in shown:
                            shown["example"] = json.loads(shown["example"])
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it
