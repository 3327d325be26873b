"""What routes that list ask for: a page of results, and the cursor of the next one."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from api.errors import InvalidCursor

T = TypeVar("T")

MAX_PAGE = 200
SHOWS = {
    "cursor",
    "limit",
    "fields",
    "expand",
    "position",
}  # all else says which rows, in which order


class Page(BaseModel, Generic[T]):
    """Some of the results; ask again with `next_cursor` for those that follow."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class PageRequest:
    """How many results of a query, and after which."""

    limit: int
    query: str  # which query, as its cursors say it
    after: Sequence[Any] | None
    link: Callable[[str], None] = lambda _: None  # tells where the page after this one is

    def places(self, **types: Callable[[Any], Any]) -> dict[str, Any]:
        """The cursor's values by name, None for each without a cursor. Raises InvalidCursor."""
        return dict(zip(types, self.key(*types.values()), strict=True))

    def key(self, *types: Callable[[Any], Any]) -> Sequence[Any]:
        """The cursor's values, or None for each without a cursor. Raises InvalidCursor."""
        if self.after is None:
            return [None] * len(types)
        if len(self.after) != len(types):
            raise InvalidCursor
        try:
            return [make(value) for make, value in zip(types, self.after, strict=True)]
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidCursor from error

    def page(self, rows: Sequence[Mapping[str, Any]], items: Sequence[T], *key: str) -> Page[T]:
        """The first `limit` items; `rows` has one more where more follow."""
        more = len(rows) > self.limit
        last = [rows[self.limit - 1][name] for name in key] if more else None
        cursor = _encode([self.query, *last]) if last else None
        if cursor:
            self.link(cursor)
        return Page(items=list(items[: self.limit]), next_cursor=cursor)


def _encode(values: Sequence[Any]) -> str:
    return urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def query_of(path: str, parameters: Iterable[tuple[str, str]]) -> str:
    """A few letters that tell a list with its filters from others."""
    chosen = sorted(each for each in parameters if each[0] not in SHOWS)
    digest = blake2b(json.dumps([path, chosen]).encode(), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode()


async def _page_request(
    request: Request,
    response: Response,
    limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE, description="How many results at the most.")
    ] = 50,
    cursor: Annotated[
        str | None,
        Query(
            max_length=500, description="`next_cursor` of the page before, under the same filters."
        ),
    ] = None,
) -> PageRequest:
    def link(following: str) -> None:
        kept = [each for each in request.query_params.multi_items() if each[0] != "cursor"]
        query = urlencode([*kept, ("cursor", following)])
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'

    query = query_of(request.url.path, request.query_params.multi_items())
    if cursor is None:
        return PageRequest(limit, query, None, link)
    try:
        values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, Base64Error, RecursionError) as error:
        raise InvalidCursor from error
    if not isinstance(values, list) or values[:1] != [query]:
        raise InvalidCursor
    return PageRequest(limit, query, values[1:], link)


PageDep = Annotated[PageRequest, Depends(_page_request)]


def number(value: Any) -> float:
    """A cursor's finite number. Raises ValueError."""
    if type(value) not in {int, float} or not abs(value) < 1e300:
        raise ValueError("not a number")
    return float(value)


def bigint(value: Any) -> int:
    """A cursor's integer within PostgreSQL's bigint. Raises ValueError."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("not a position")
    return value


def moment(value: Any) -> datetime:
    """A cursor's moment with a zone. Raises ValueError."""
    made = datetime.fromisoformat(value)
    if made.tzinfo is None:
        raise ValueError("has no zone")
    return made
