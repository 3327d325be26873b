"""The feed as server-sent events (WHATWG HTML, 9.2), for as long as the caller stays and may."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from anyio import CancelScope, CapacityLimiter, fail_after, move_on_after, to_thread
from eventsourcing.persistence import MapperDeserialisationError
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.access.key_sets import IssuerUnavailable
from api.door.accept import preferred
from api.door.admission import Load
from api.errors import UNAVAILABLE
from api.feed.cloudevents import CloudEvent
from api.feed.reading import Feed, FeedPage
from projections.runtime.feed import PositionAhead
from projections.runtime.watch import LOG, Watch

MEDIA_TYPE = "text/event-stream"

EVENTS_AT_ONCE = 100  # are held for each stream
THREADS = 4  # of a process read the log for all streams; each takes a connection meanwhile
HEARTBEAT_SECONDS = 15.0
REST_SECONDS = 0.02  # between two reads at the head, so that a busy log is read in larger pieces
AGAIN_SECONDS = 1.0  # between two tries to reach the database
STUCK_SECONDS = 60.0  # without the reader taking anything, before it is given up
GOODBYE_SECONDS = 1.0

START = "retry: 2000\n\n"
STILL_HERE = ":\n\n"

log = structlog.get_logger()

T = TypeVar("T")


class Streams:
    """The streams of a process: how many there are, and their end when the server stops."""

    def __init__(self, load: Load, most: int) -> None:
        self._load = load
        self._most = most
        self._scopes: dict[CancelScope, str] = {}  # whose each is
        self._threads = CapacityLimiter(THREADS)
        self._is_closed = False

    def is_full(self, caller: str) -> bool:
        """Whether one more of this caller would be too many, or none is taken any more.

        Nobody may have more than half of them.
        """
        of_caller = sum(each == caller for each in self._scopes.values())
        return (
            self._is_closed
            or len(self._scopes) >= self._most
            or of_caller >= max(1, self._most // 2)
        )

    def close(self) -> None:
        """Ends all of them, and takes no others; to be called where they run."""
        self._is_closed = True
        for scope in self._scopes:
            scope.cancel()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What the work comes to, done in a thread of the streams' own."""
        return await to_thread.run_sync(work, limiter=self._threads)

    @contextmanager
    def counted(self, caller: str) -> Iterator[CancelScope]:
        """Counts the request as a stream of this caller meanwhile, and ends early on close()."""
        with CancelScope() as scope:
            self._scopes[scope] = caller
            self._load.requests -= 1  # those have a bound of their own
            self._load.streams += 1
            try:
                yield scope
            finally:
                self._load.streams -= 1
                self._load.requests += 1
                del self._scopes[scope]


class FeedStream(StreamingResponse):
    """Sends `first`, what follows it, then whatever is appended, for as long as the caller may."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        feed: Feed,
        first: FeedPage,
        request: Request,
    ) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept"}
        super().__init__(self._messages(first), headers=headers)
        self._feed = feed
        self._streams: Streams = request.app.state.streams
        self._watch: Watch = request.app.state.watch
        self._caller: str = request.state.principal.id
        self._may_go_on: Callable[[], Awaitable[bool]] = request.state.is_still_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the caller leaves or must leave, takes nothing more, or the server stops.

        Whoever is asked to leave gets a whole answer, and comes back.
        """
        sent: list[Message] = []

        async def send_in_time(message: Message) -> None:
            with fail_after(STUCK_SECONDS):
                sent[:] = [message]
                await send(message)

        try:
            with self._streams.counted(self._caller):
                await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            log.info("reader of the feed takes nothing more")
        if sent and sent[0].get("more_body", True):
            with move_on_after(GOODBYE_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _messages(self, page: FeedPage) -> AsyncIterator[str]:
        clock = asyncio.get_running_loop().time
        beat, told = clock() + HEARTBEAT_SECONDS, -1
        yield START
        while True:
            if page.items and not await self._is_allowed():
                return
            if page.items:
                await self._note_given(page)
                told = page.items[-1].data.position
                # At once: whether the reader has gone is seen between two pieces alone.
                yield "".join(map(_message, page.items))
            if clock() >= beat:
                if not await self._is_allowed():
                    return
                beat = clock() + HEARTBEAT_SECONDS
                yield _looked_through(page.position) if page.position != told else STILL_HERE
                told = page.position
            elif page.has_more and page.position != told:
                told = page.position
                yield _looked_through(told)
            if not page.has_more:
                await asyncio.sleep(REST_SECONDS)
                waiting = max(beat - clock(), 0)
                await self._watch.reached([LOG], page.position + 1, waiting)
            try:
                page = await self._next(page.position)
            except (MapperDeserialisationError, PositionAhead) as error:
                # The answer to who comes back says more.
                log.error("feed cannot go on", error=type(error).__name__, after=page.position)
                return

    async def _next(self, after: int) -> FeedPage:
        try:
            return await self._streams.in_thread(lambda: self._feed.page(after, EVENTS_AT_ONCE))
        except UNAVAILABLE as error:
            log.warning("feed waits for the database", error=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            return FeedPage(items=[], position=after, has_more=True)

    async def _note_given(self, page: FeedPage) -> None:
        while True:
            try:
                self._feed.note_given(page)
            except UNAVAILABLE as error:
                log.warning("feed waits for the database", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _is_allowed(self) -> bool:
        try:
            return await self._may_go_on()
        except (*UNAVAILABLE, IssuerUnavailable):
            return True  # until it can be asked again


def _message(item: CloudEvent) -> str:
    return f"id: {item.data.position}\nevent: {item.type}\ndata: {item.model_dump_json()}\n\n"


def _looked_through(position: int) -> str:
    # A message without data tells the client where to resume, and is shown to nobody.
    return f"id: {position}\n\n"


def prefers_stream(accept: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) would rather have server-sent events."""
    return preferred(accept, ("application/json", MEDIA_TYPE)) == MEDIA_TYPE
