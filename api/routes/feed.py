"""The feed: every change of everything, in order, to be followed from any position."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, Field

from api.access.callers import Principal
from api.access.rights import READS_RELATIONSHIPS, open_to
from api.deps import SystemDep, listed
from api.door.route import Route
from api.errors import RETRY_AFTER_SECONDS
from api.examples.feed import FEED, FEED_STREAM
from api.feed.cloudevents import TOPICS
from api.feed.reading import Feed, FeedPage
from api.feed.streams import EVENTS_AT_ONCE, MEDIA_TYPE, FeedStream, Streams, prefers_stream
from api.openapi import answers
from api.problem_documents import Responses, problem, problems
from api.readings import Reading, Readings, What
from projections.runtime.feed import Choice, PositionAhead

MAX_PAGE = 1_000

router = APIRouter(prefix="/v1", tags=["Feed"], route_class=Route)


def _known(given: list[str]) -> list[str]:
    names = [name for each in given for part in each.split(",") if (name := part.strip())]
    if not set(names) <= TOPICS.keys():
        raise ValueError(f"must be of {', '.join(sorted(TOPICS))}")
    return names


Named = Annotated[str, Field(json_schema_extra={"pattern": listed(*TOPICS)})]
Types = Annotated[list[Named], AfterValidator(_known)]


@dataclass(frozen=True)
class Asked:
    """What is wanted of the feed."""

    after: Annotated[
        int,
        Query(
            ge=0,
            lt=2**63,
            description="Only what lies behind this position: 0 for everything, then the "
            "`position` of the answer before.",
        ),
    ] = 0
    types: Annotated[
        Types | None,
        Query(
            description="Only events of these types, such as `rejected` or `job-closed`; several "
            "with commas between them, or the parameter several times.",
            examples=[["advanced,rejected"]],
        ),
    ] = None
    candidate: Annotated[UUID | None, Query(description="Only of this candidate.")] = None
    job: Annotated[
        UUID | None, Query(description="Only of this job and of applications for it.")
    ] = None
    limit: Annotated[
        int, Query(ge=1, le=MAX_PAGE, description="How many events at the most; of a page only.")
    ] = 100
    last_event_id: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            lt=2**63,
            description="The same as `after`, as clients of server-sent events send it; it counts "
            "where both are given.",
        ),
    ] = None

    @property
    def position(self) -> int:
        """Behind which position to begin."""
        return self.after if self.last_event_id is None else self.last_event_id

    def choice(self) -> Choice:
        """Which events."""
        topics = [TOPICS[name] for name in set(self.types or TOPICS)]
        return Choice(topics, self.candidate, self.job)


def _documented() -> Responses:
    documented = answers(FEED, headers={"Link": "With `rel=next`, where the log goes on."})
    documented[200]["content"][MEDIA_TYPE] = {
        "schema": {"$ref": "#/components/schemas/CloudEvent"},
        "example": json.dumps(FEED_STREAM),
    }
    return documented | problems(also=["position-ahead", "too-many-streams"])


@router.get(
    "/feed",
    dependencies=[open_to(*READS_RELATIONSHIPS)],
    summary="Follow every change",
    response_model=FeedPage,
    responses=_documented(),
)
async def follow_feed(
    request: Request,
    response: Response,
    system: SystemDep,
    asked: Annotated[Asked, Depends()],
) -> Any:
    """Every event of the log as a CloudEvent: what changed from what to what, who did it, why, and
    both times. The order is the order of the log, each event comes once, and `data.position` has
    no gaps where nothing is filtered.

    **Pages.** Begin with `after=0` and go on with the `position` of the answer for as long as you
    like; keep it together with what you made of the events. A page may be empty and have a higher
    position all the same: the log was looked through that far, and nothing fitted.

    **A stream.** With `Accept: text/event-stream` the answer is server-sent events, first what is
    on record, then what is appended. `id` is the position; come back with it as `Last-Event-ID`.
    A message that has an `id` alone says how far the log was looked through.

    A position that the log has not reached is refused (`position-ahead`): the log is not the one
    that it is from, and to wait would mean to miss what it holds. What identifies a person is left
    out for callers who may not see it; what others are given is noted, page by page, as a reading.
    """
    principal: Principal = request.state.principal
    readings: Readings = request.app.state.readings

    def note() -> None:
        role, what = principal.role, What.FEED
        readings.note(Reading(asked.candidate, principal.actor, role, what, "api", None))

    feed = Feed(system, asked.choice(), principal.sees_personal(), note)
    is_stream = prefers_stream(request.headers.get("accept", ""))
    streams: Streams = request.app.state.streams
    if is_stream and streams.is_full(principal.id):
        return _too_many()
    limit = EVENTS_AT_ONCE if is_stream else asked.limit
    try:
        page = await run_in_threadpool(partial(feed.page, asked.position, limit))
    except PositionAhead as ahead:
        return problem(
            409,
            "position-ahead",
            f"the log ends at position {ahead.head}; this is another log than the one that you "
            "followed, or an older copy of it; find the last event that both have",
        )
    if is_stream:
        if streams.is_full(principal.id):  # others may have come meanwhile
            return _too_many()
        return FeedStream(feed, page, request)
    response.headers["Vary"] = "Accept"
    feed.note_given(page)
    if page.has_more:
        following = request.url.include_query_params(after=page.position)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page


def _too_many() -> Response:
    return problem(
        503,
        "too-many-streams",
        "this server has no room for another stream now; try again, or ask for pages",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
