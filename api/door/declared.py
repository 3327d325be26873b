"""Holds a request to what its route declares: a misspelt filter must not find everything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from fastapi import HTTPException, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


@dataclass(frozen=True)
class _Query:
    """The names of a route's parameters, and those of them that may come several times."""

    names: tuple[str, ...]
    repeatable: frozenset[str]


_known: dict[Callable[..., Any], _Query] = {}


async def as_declared(request: Request) -> None:
    """A dependency of every route.

    Raises RequestValidationError for a query parameter that the route does not take, or takes once
    only, and HTTPException 415 for a body that is not JSON where JSON is expected.
    """
    route: APIRoute = request.scope["route"]
    if request.scope["query_string"]:
        _check_query(route, request)
    if route.body_field and await request.body() and not _is_json(request):
        raise HTTPException(415, "the body must be JSON; send Content-Type: application/json")


def _check_query(route: APIRoute, request: Request) -> None:
    taken = _known.get(route.endpoint)
    if taken is None:
        taken = _known[route.endpoint] = _query_of(route)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in taken.names:
            takes = f"takes {', '.join(taken.names)}" if taken.names else "takes none"
            raise _refused("unexpected", name, f"is no parameter of this query, which {takes}")
        if name in seen and name not in taken.repeatable:
            raise _refused("repeated", name, "is given more than once; give it once")
        seen.add(name)


def _query_of(route: APIRoute) -> _Query:
    fields = [
        each
        for each in get_flat_params(route.dependant)
        if isinstance(each.field_info, params.Query)
    ]
    return _Query(
        tuple(sorted({each.alias for each in fields})),
        frozenset(each.alias for each in fields if _is_many(each.field_info.annotation)),
    )


def _is_many(annotation: Any) -> bool:
    return get_origin(annotation) in {list, set, frozenset, tuple} or any(
        map(_is_many, get_args(annotation))
    )


def _refused(kind: str, name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("query", name), "msg": message}])


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
