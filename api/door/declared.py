"""Holds a request to what its route declares: a misspelt filter must not find everything."""

from typing import Any, get_args, get_origin

from fastapi import HTTPException, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

# One value each: of two, somebody would have meant the other.
ONCE = ("Authorization", "On-Behalf-Of", "Idempotency-Key")
KEY = "Idempotency-Key"
REPEATED = "is given more than once; give it once"


class Declared:
    """What a route declares of its requests."""

    def __init__(self, route: APIRoute) -> None:
        self._takes_body = route.body_field is not None
        given = get_flat_params(route.dependant)
        fields = [each for each in given if isinstance(each.field_info, params.Query)]
        headers = {
            each.alias.lower() for each in given if isinstance(each.field_info, params.Header)
        }
        self._takes_key = KEY.lower() in headers
        self._names = sorted({each.alias for each in fields})
        self._repeatable = {each.alias for each in fields if _is_many(each.field_info.annotation)}

    async def check(self, request: Request) -> None:
        """Looks at a request.

        Raises RequestValidationError for a query parameter that the route does not take, or takes
        once only, for a header that can have one value and has two, for an Idempotency-Key under
        which nothing would be kept, and HTTPException 415 for a body that is not JSON where JSON is
        expected.
        """
        self._check_headers(request)
        if request.scope["query_string"]:
            self._check_query(request)
        if self._takes_body and await request.body() and not _is_json(request):
            raise HTTPException(415, "the body must be JSON; send Content-Type: application/json")

    def _check_headers(self, request: Request) -> None:
        names = [name for name, _ in request.scope["headers"]]
        for name in ONCE:
            if names.count(name.lower().encode()) > 1:
                raise _refused("repeated", ("header", name), REPEATED)
        if not self._takes_key and request.method != "GET" and KEY in request.headers:
            message = "is not taken here: what is asked for is not kept under it; leave it out"
            raise _refused("unexpected", ("header", KEY), message)

    def _check_query(self, request: Request) -> None:
        seen: set[str] = set()
        for name, _ in request.query_params.multi_items():
            if name not in self._names:
                takes = f"takes {', '.join(self._names)}" if self._names else "takes none"
                message = f"is no parameter of this query, which {takes}"
                raise _refused("unexpected", ("query", name), message)
            if name in seen and name not in self._repeatable:
                raise _refused("repeated", ("query", name), REPEATED)
            seen.add(name)


def _is_many(annotation: Any) -> bool:
    return get_origin(annotation) in {list, set, frozenset, tuple} or any(
        map(_is_many, get_args(annotation))
    )


def _refused(kind: str, place: tuple[str, str], message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": place, "msg": message}])


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
