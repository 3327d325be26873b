"""Translates every failure into one problem document (RFC 9457), once, at the door."""

import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from eventsourcing.persistence import (
    DataError,
    InterfaceError,
    InternalError,
    MapperDeserialisationError,
    OperationalError,
)
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from domain.errors import DoesNotFit, NotOnRecord, Refusal, VersionMismatch

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

# The database is away, reads only (as after a failover to a standby), or lacks our tables.
UNAVAILABLE = (
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
    OperationalError,
    InterfaceError,
    InternalError,
)

# The tables are of another version than the query.
CHANGING = (psycopg.errors.UndefinedColumn, psycopg.errors.FeatureNotSupported)

log = structlog.get_logger()

Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; `code` is stable and meant for programs."""

    type: str = Field(examples=["urn:hirelog:problem:already-rejected"])
    title: str = Field(examples=["Already rejected"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["already-rejected"])
    detail: str = Field(
        examples=["application 5d5057d1-bfc8-5c8f-bbeb-64d3d0ec77f3 was rejected; reinstate it"]
    )
    errors: list[dict[str, str]] | None = Field(
        default=None, examples=[[{"field": "body.to_stage", "message": "Field required"}]]
    )


class NotPermitted(Exception):  # noqa: N818  # the name of the situation
    """The caller's role or scopes do not allow this."""


class InvalidCursor(ValueError):  # noqa: N818  # the name of the situation
    """The cursor is none that this query gave out."""


def status_of(refusal: type[Refusal]) -> int:
    """404 for what was addressed and is missing, 412 for If-Match, 422 for what does not fit.

    Else 409.
    """
    if issubclass(refusal, NotOnRecord):
        return HTTPStatus.NOT_FOUND
    if issubclass(refusal, VersionMismatch):
        return HTTPStatus.PRECONDITION_FAILED
    return HTTPStatus.UNPROCESSABLE_ENTITY if issubclass(refusal, DoesNotFit) else 409


def problems(
    *refusals: type[Refusal],
    takes_body: bool = False,
    paged: bool = False,
    also: Iterable[tuple[int, str, str]] = (),
) -> Responses:
    """The answers that a route documents: its refusals, and what any such route may answer.

    `also` are those of its own: status, code and meaning.
    """
    documented: dict[int, list[tuple[str, str]]] = {
        422: [("invalid-request", "A parameter or a field is missing, unknown or malformed.")],
        503: [
            ("database-unavailable", "The database cannot be reached or is too slow; try again."),
            ("issuer-unavailable", "The keys of the tokens' issuer cannot be read; try again."),
            ("overloaded", "Too many requests are under way; nothing was done, try again."),
            ("too-slow", "It took too long; send it again under the same Idempotency-Key."),
            ("read-model-changing", "The tables of a new version are being built; try again."),
        ],
    }
    if takes_body:
        documented[413] = [("content-too-large", "The request is larger than this server takes.")]
    if paged:
        documented[422].append(("invalid-cursor", "The cursor is none of this query."))
    for status, code, meaning in also:
        documented.setdefault(status, []).append((code, meaning))
    for refusal in refusals:
        meaning = (refusal.__doc__ or "").strip()
        documented.setdefault(status_of(refusal), []).append((refusal.code, meaning))
    return problem_answers(documented)


def problem_answers(documented: Mapping[int, list[tuple[str, str]]]) -> Responses:
    """How the document shows these problems: by status, each code with its meaning."""
    return {
        status: {
            "model": Problem,
            "description": "  \n".join(f"`{code}`: {meaning}" for code, meaning in codes),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        code: {"value": _body(status, code, meaning)} for code, meaning in codes
                    },
                }
            },
        }
        for status, codes in sorted(documented.items())
    }


def _body(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    return Problem(
        type=f"urn:hirelog:problem:{code}",
        title=code.replace("-", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        errors=errors,
    ).model_dump(exclude_none=True)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document."""
    return JSONResponse(
        _body(status, code, detail, errors),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101  # registered for it alone
    headers = getattr(request.state, "freshness", None)
    return problem(status_of(type(error)), error.code, str(error), headers=headers)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # likewise
    # The input itself is left out: it may hold personal data.
    errors = [
        {"field": ".".join(map(_place, each["loc"])), "message": _message(each)}
        for each in error.errors()[:20]
    ]
    first = errors[0] if errors else {"field": "body", "message": "is not readable"}
    detail = f"{first['field']}: {first['message']}"
    return problem(422, "invalid-request", detail, errors=errors)


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "union_tag_invalid":
        return f"must be one of {error['ctx']['expected_tags']}"
    return str(error["msg"])


def _place(part: object) -> str:
    # The name of an unknown field is input, too.
    return str(part) if PLAIN_NAME.fullmatch(str(part)) else "(a name that is not shown)"


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # likewise
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST:
        return problem(422, "invalid-request", "the body cannot be read; send JSON in UTF-8")
    code = status.phrase.lower().replace(" ", "-")
    detail = {
        HTTPStatus.NOT_FOUND: "there is nothing under this path; /docs lists what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: f"this path does not take {request.method}; see /docs",
    }.get(status, str(error.detail))
    return problem(status, code, detail, headers=error.headers)


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("database unavailable", error=type(error).__name__)
    return problem(
        503,
        "database-unavailable",
        "the database cannot be reached or does not answer in time; nothing was recorded unless "
        "you were told so; try again",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _changing(_: Request, error: Exception) -> JSONResponse:
    log.warning("read model is changing", error=type(error).__name__)
    return problem(
        503,
        "read-model-changing",
        "the tables of this version of the read model are being built; see GET /v1/projections",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _unreadable(_: Request, error: Exception) -> JSONResponse:
    log.error("event cannot be read", error=str(error))
    return problem(500, "unreadable-event", f"{error}; it was altered, or a newer hirelog wrote it")


def _unstorable(_: Request, error: Exception) -> JSONResponse:
    log.warning("value refused by the database", error=type(error).__name__)
    return problem(422, "invalid-request", "a value lies outside of what can be stored")


def _bad_cursor(_: Request, _error: Exception) -> JSONResponse:
    return problem(
        422, "invalid-cursor", "the cursor is not one of this query; begin without a cursor"
    )


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    # Not the message: it may quote a value.
    log.error(
        "unexpected error",
        error=type(error).__name__,
        stack="".join(traceback.format_tb(error.__traceback__)),
    )
    return problem(500, "internal-error", "something unexpected happened; it was logged")


def _not_permitted(_: Request, error: Exception) -> JSONResponse:
    return problem(403, "not-permitted", str(error))


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], JSONResponse]] = {
    Refusal: _refused,
    RequestValidationError: _invalid,
    HTTPException: _http,
    InvalidCursor: _bad_cursor,
    NotPermitted: _not_permitted,
    **dict.fromkeys(UNAVAILABLE, _unavailable),
    **dict.fromkeys(CHANGING, _changing),
    MapperDeserialisationError: _unreadable,
    **dict.fromkeys((psycopg.DataError, DataError), _unstorable),
    Exception: _unexpected,
}


def install(app: FastAPI) -> None:
    """Registers the translation of every kind of failure."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """The problem document with which `error` is answered, where it is one answer of several."""
    kind = next(each for each in type(error).__mro__ if each in HANDLERS)
    return HANDLERS[kind](request, error)
