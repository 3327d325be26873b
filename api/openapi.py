"""What the OpenAPI document says beyond what FastAPI writes there by itself."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI

from api.access.callers import Role
from api.access.rights import OpenTo
from api.door.conditional import UNDER
from api.door.route import Route
from api.problem_documents import MEDIA_TYPE, Responses, problem_answers
from api.problems import PUBLISHED
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


SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as `hirelog keys create` shows it, or a token of the issuer.",
    },
    "key_as_user": {
        "type": "http",
        "scheme": "basic",
        "description": "An API key as the user name, without a password.",
    },
}
GENERIC = re.compile(r"\b(Page)[\[_](\w+?)[\]_](?=\W)")


def _header(meaning: str, kind: str = "string") -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": kind}}


COUNTED = {
    "X-RateLimit-Limit": _header("How many requests the caller may send in a period.", "integer"),
    "X-RateLimit-Remaining": _header("How many are left of it.", "integer"),
    "X-RateLimit-Reset": _header("When the next begins, in seconds since 1970.", "integer"),
}

LINK = {
    "description": 'Where the next page is, with all other parameters kept: `<…>; rel="next"`.',
    "schema": {"type": "string"},
}
WEAK_TAG = {
    "description": "Stays the same while the answer does, but for its running clocks; send it as "
    "`If-None-Match`.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of an answer that you have, or several: when the answer would be "
    "the same there is none, but 304.",
    "schema": {"type": "string"},
}
# What a route adds to its operation of which no two answers are the same.
MADE_ANEW = {"x-made-anew": True}


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


def document(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Has the document give problems under their own media type alone, and examples whole.

    It says which codes problems can have, for which roles each route of `routers` is open, and how
    they make themselves known.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        made = app.openapi_schema = _named(generate())
        made["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] = sorted(PUBLISHED)
        made["components"]["securitySchemes"] = SECURITY_SCHEMES
        for route in (each for router in routers for each in router.routes):
            if isinstance(route, Route) and route.include_in_schema:
                for method in route.methods or ():
                    _say_who(made["paths"][route.path_format][method.lower()], route.mark)
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                _require_types(operation, made["components"]["schemas"])
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_null(parameter["schema"])
                is_made_anew = operation.pop("x-made-anew", False)
                if method == "get" and path.startswith(UNDER) and not is_made_anew:
                    _tell_of_tags(operation)
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


def _named(made: dict[str, Any]) -> dict[str, Any]:
    """The document with `JobPage` for what pydantic calls `Page[Job]` or `Page_Job_`."""
    named: dict[str, Any] = json.loads(GENERIC.sub(r"\2\1", json.dumps(made)))
    return named


def _require_types(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Has a body that is one of several name its type, without which nobody knows which one."""
    for taken in operation.get("requestBody", {}).get("content", {}).values():
        if choice := taken["schema"].get("discriminator"):
            for reference in choice["mapping"].values():
                required = schemas[reference.rpartition("/")[2]].setdefault("required", [])
                if choice["propertyName"] not in required:
                    required.insert(0, choice["propertyName"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter, which is left out rather than null."""
    some: list[dict[str, Any]] = [
        each for each in schema.get("anyOf", ()) if each != {"type": "null"}
    ]
    if len(some) != 1:
        return schema
    return {name: part for name, part in schema.items() if name != "anyOf"} | some[0]


def _say_who(operation: dict[str, Any], mark: OpenTo) -> None:
    roles = sorted(mark.roles)
    operation["security"] = [{scheme: []} for scheme in SECURITY_SCHEMES] if roles else []
    if not roles:
        return
    who = "everybody who is known" if len(roles) == len(Role) else ", ".join(roles)
    operation["description"] = f"{operation.get('description', '')}\n\n*Open to: {who}.*".strip()
    known = problem_answers(
        "unauthenticated",
        "invalid-token",
        "not-permitted",
        "rate-limited",
        "internal-error",
        "unreadable-event",
    )
    for status, answer in known.items():
        shown = {name: part for name, part in answer.items() if name != "model"}
        operation["responses"].setdefault(str(status), shown)
    for told, answer in operation["responses"].items():
        headers = answer.setdefault("headers", {})
        if told != "401":  # nobody's requests are counted
            headers.update(COUNTED)
        if told in {"429", "503"}:
            headers["Retry-After"] = _header("After how many seconds to try again.", "integer")


def _tell_of_tags(operation: dict[str, Any]) -> None:
    """Has a read say what it does with entity tags, and a list where the next page is."""
    answer = operation["responses"]["200"]
    if "application/json" not in answer["content"]:
        return
    parameters = operation.setdefault("parameters", [])
    headers = answer.setdefault("headers", {})
    headers.setdefault("ETag", WEAK_TAG)
    if any(each["name"] == "cursor" for each in parameters):
        headers["Link"] = LINK
    parameters.append(IF_NONE_MATCH)
    operation["responses"]["304"] = {
        "description": "What `If-None-Match` names is what would be sent.",
        "headers": {"ETag": headers["ETag"]},
    }
