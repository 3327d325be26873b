"""Our routes: who may not use one or asks wrongly is refused before the body is understood."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Request, Response, params
from fastapi.routing import APIRoute

from api import strict_json
from api.access.rights import OpenTo, authorise
from api.door.declared import Declared


class Unmarked(Exception):  # noqa: N818  # the name of the situation
    """A route does not say for whom it is open."""


class _Request(Request):
    """One whose JSON says nothing twice."""

    async def json(self) -> Any:
        return strict_json.loads(await self.body())


class Route(APIRoute):
    """One that says for which roles it is open, and takes what it declares alone."""

    is_strict = True

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        dependencies: Sequence[params.Depends] | None = None,
        **options: Any,
    ) -> None:
        """As FastAPI's, with a mark among its dependencies. Raises Unmarked without one."""
        marks = [each for each in dependencies or () if isinstance(each, OpenTo)]
        if not marks:
            raise Unmarked(f"{path} does not say for whom it is open; mark it with open_to")
        self.mark = marks[-1]  # its own, after its router's
        others = [each for each in dependencies or () if not isinstance(each, OpenTo)]
        options["operation_id"] = endpoint.__name__  # a client's method is named after it
        super().__init__(path, endpoint, dependencies=others, **options)
        self._declared = Declared(self)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # a coroutine is awaitable
        """What answers a request to this route; it raises what refuses one."""
        answer = super().get_route_handler()

        # Not dependencies: FastAPI parses the body first, and takes longer for each than it does.
        async def permitted(request: Request) -> Response:
            authorise(request, self.mark)
            if self.body_field:
                request = _Request(request.scope, request.receive)
            if self.is_strict:
                await self._declared.check(request)
            return await answer(request)

        return permitted


class LenientRoute(Route):
    """Asked by machines, which may add something of their own."""

    is_strict = False
