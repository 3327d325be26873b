"""Lets a query name the position of the log that it must reflect, and wait for it."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response

from projections.runtime.watch import Watch

POSITION_HEADER = "Hirelog-Position"
STALE_HEADER = "Hirelog-Stale"

Given = Annotated[
    int,
    Query(
        ge=0,
        lt=2**63,
        description=(
            "Answer from no earlier than this position of the log, as a command's answer gave it. "
            "The query waits for it, for a few seconds; an answer that does not reflect it all the "
            "same has the header `Hirelog-Stale: true`. The header `Hirelog-Position` does the "
            "same, and in the answer tells what it reflects at least."
        ),
    ),
]
GivenInHeader = Annotated[int, Header(ge=0, lt=2**63, include_in_schema=False)]


def reflects(*models: str) -> Any:
    """The dependency of a route that queries these read models."""

    async def wait(
        request: Request,
        response: Response,
        position: Given = 0,
        hirelog_position: GivenInHeader = 0,
    ) -> None:
        watch: Watch = request.app.state.watch
        wanted = max(position, hirelog_position)
        limit = request.app.state.system.settings.wait_seconds
        is_stale = wanted and not await watch.reached(models, wanted, limit)
        headers = {POSITION_HEADER: str(watch.position(models))}
        if is_stale:
            headers[STALE_HEADER] = "true"
        response.headers.update(headers)
        # For a refusal, which is an answer of its own: what is not there may be there soon.
        request.state.freshness = headers

    return Depends(wait)
