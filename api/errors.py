"""Translates every failure into one problem document (RFC 9457), once, at the door."""

import re
import traceback
from collections.abc import Callable, Mapping
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
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from api.problem_documents import problem
from api.problems import status_of
from domain.errors import Refusal
from projections.adverse_impact.published import ReportAltered
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.stored import Altered

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


class NotPermitted(Exception):  # noqa: N818  # the name of the situation
    """The caller's role or scopes do not allow this."""


class InvalidCursor(ValueError):  # noqa: N818  # the name of the situation
    """The cursor is none that this query gave out."""


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
    if error["type"] == "json_invalid" and "ctx" in error:
        return f"{error['msg']}: {error['ctx']['error']}"
    if error["type"] == "union_tag_invalid":
        return f"must be one of {error['ctx']['expected_tags']}"
    return str(error["msg"])


def _place(part: object) -> str:
    # The name of an unknown field is input, too.
    return str(part) if PLAIN_NAME.fullmatch(str(part)) else "(a name that is not shown)"


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # likewise
    match error.status_code:
        case 400:
            return problem(422, "invalid-request", "the body cannot be read; send JSON in UTF-8")
        case 404:
            detail = "there is nothing under this path; /docs lists what there is"
            return problem(404, "not-found", detail)
        case 405:
            allow = {"Allow": _allowed(request)}
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=allow)
            detail = f"this path takes {allow['Allow']}; see /docs"
            return problem(405, "method-not-allowed", detail, headers=allow)
        case 415:
            return problem(415, "unsupported-media-type", str(error.detail))
    return _unexpected(request, error)


def _allowed(request: Request) -> str:
    """The methods of all routes with this path, where the one that was found has but its own."""
    found = {"OPTIONS"}
    for route in iter_route_contexts(request.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern and pattern.match(request.url.path):
            found |= route.methods or {"GET"}  # what has none serves files
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))


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


def _altered(_: Request, error: Exception) -> JSONResponse:
    log.error("log is not what was signed", error=str(error))
    return problem(500, "log-altered", f"{error}; see hirelog audit check")


def _report_altered(_: Request, error: Exception) -> JSONResponse:
    log.error("published report is not what was published", error=str(error))
    return problem(500, "report-altered", f"{error}; see hirelog audit check")


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


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Response]] = {
    Refusal: _refused,
    RequestValidationError: _invalid,
    HTTPException: _http,
    InvalidCursor: _bad_cursor,
    NotPermitted: _not_permitted,
    **dict.fromkeys(UNAVAILABLE, _unavailable),
    **dict.fromkeys(CHANGING, _changing),
    MapperDeserialisationError: _unreadable,
    **dict.fromkeys((Altered, NotProven), _altered),
    ReportAltered: _report_altered,
    **dict.fromkeys((psycopg.DataError, DataError), _unstorable),
    Exception: _unexpected,
}


def install(app: FastAPI) -> None:
    """Registers the translation of every kind of failure."""
    for kind, handler in HANDLERS.items():
        if kind is not Exception:  # which would be answered outside of our middleware: see Failures
            app.add_exception_handler(kind, handler)


def answer_to(request: Request, error: Exception) -> Response:
    """The problem document with which `error` is answered, where it is one answer of several."""
    kind = next(each for each in type(error).__mro__ if each in HANDLERS)
    return HANDLERS[kind](request, error)
