"""Puts a query together from constant fragments: the conditions whose parameters were given."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, LiteralString


def select(
    text: LiteralString,
    conditions: Mapping[str, LiteralString],
    given: Mapping[str, Any],
    order: LiteralString = "",
) -> LiteralString:
    """`text` with `{where}` replaced by the conditions of those parameters that are not None.

    `{order}` in it is replaced by `order`.
    """
    chosen = tuple(conditions[name] for name in conditions if given.get(name) is not None)
    return _put_together(text, chosen, order)


# Made once for each set of conditions: a query is asked far more often than it is new.
@lru_cache(maxsize=1_000)
def _put_together(
    text: LiteralString, chosen: tuple[LiteralString, ...], order: LiteralString
) -> LiteralString:
    where = "WHERE " + " AND ".join(chosen) if chosen else ""
    return text.replace("{where}", where).replace("{order}", order)
