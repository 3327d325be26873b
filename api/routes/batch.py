"""Many interactions in one request, as a stream of lines that is answered line by line."""

from typing import Annotated, Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, Header, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api.access.key_sets import IssuerUnavailable
from api.access.rights import MEETS_PEOPLE, open_to
from api.batch import Batch, BatchAnswer, BatchLine, TooLong
from api.deps import SenderDep, SystemDep
from api.door.route import Route
from api.errors import UNAVAILABLE, answer_to
from api.examples.batch import BATCH, BATCH_ANSWERED
from api.lines import Line, Lines
from api.openapi import answers
from api.problem_documents import Problem, Responses, problem, problems
from api.spool import Spool

PATH = "/v1/interactions:batch"
MEDIA_TYPE = "application/x-ndjson"

LINES_AT_ONCE = 500
BYTES_AT_ONCE = 1_000_000
PIECES_AHEAD = 16  # of the request, each of some 64 KiB

UNKNOWN = (
    "the database cannot be reached; whether this line was recorded is not known; send it again, "
    "with the same idempotency_key"
)

SILENCE_SECONDS = 60.0  # between two pieces of a batch, before it is given up

router = APIRouter(prefix="/v1", tags=["Candidates"], route_class=Route)


class BatchResponse(StreamingResponse):
    """Reads the request, applies its lines and sends the answers, all at the same time."""

    media_type = MEDIA_TYPE

    def __init__(self, request: Request, batch: Batch, longest_line: int) -> None:
        self._answers = Spool()
        super().__init__(self._answers)
        self._request = request
        self._batch = batch
        self._lines = Lines(longest_line)
        self._group: list[Line] = []
        self._group_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Carries the conversation through, or stops where the caller leaves.

        Not as the class above does: it listens for the caller's leaving, and what it hears first
        would be the request's next piece.
        """
        pieces, arriving = anyio.create_memory_object_stream[bytes](PIECES_AHEAD)
        try:
            async with anyio.create_task_group() as tasks:
                # Reading comes first, for it says "100 Continue" to a caller who waits for that.
                tasks.start_soon(self._receive, pieces)
                tasks.start_soon(self._apply, arriving)
                tasks.start_soon(self.stream_response, send)
        except* (ClientDisconnect, TimeoutError):
            pass  # the caller has left, or says nothing any more; what is appended stays
        finally:
            pieces.close()
            self._answers.close()

    async def _receive(self, pieces: MemoryObjectSendStream[bytes]) -> None:
        coming = aiter(self._request.stream())
        while True:
            with anyio.fail_after(SILENCE_SECONDS):
                piece = await anext(coming, None)
            if piece is None:
                pieces.close()
                return
            await pieces.send(piece)

    async def _apply(self, arriving: MemoryObjectReceiveStream[bytes]) -> None:
        async with arriving:
            async for piece in arriving:
                for line in self._lines.feed(piece):
                    await self._take(line)
                # Whoever sends slowly is answered at once; whoever sends fast gets large groups.
                if not arriving.statistics().current_buffer_used:
                    await self._apply_group()
        for line in self._lines.end():
            await self._take(line)
        await self._apply_group()
        self._answers.put(self._batch.end())
        self._answers.complete()

    async def _take(self, line: Line) -> None:
        self._group.append(line)
        self._group_bytes += len(line.text or b"")
        if len(self._group) >= LINES_AT_ONCE or self._group_bytes >= BYTES_AT_ONCE:
            await self._apply_group()

    async def _apply_group(self) -> None:
        if not self._group:
            return
        group, self._group, self._group_bytes = self._group, [], 0
        # A batch may take hours, and its caller's key be revoked meanwhile.
        apply = self._batch.apply if await self._may_go_on() else self._batch.refuse
        self._answers.put(await run_in_threadpool(apply, group))

    async def _may_go_on(self) -> bool:
        try:
            return bool(await self._request.state.is_still_known())
        except (*UNAVAILABLE, IssuerUnavailable):
            return True  # what cannot be asked cannot be recorded either, or not for long


def _documented() -> dict[str, Any]:
    line = BatchLine.model_json_schema(ref_template="#/components/schemas/{model}")
    del line["$defs"]  # they are the document's already, for the interactions of one candidate
    content = {MEDIA_TYPE: {"schema": line, "example": BATCH}}
    return {"requestBody": {"required": True, "content": content}}


def _answered() -> Responses:
    answered = answers(BATCH_ANSWERED, media_type=MEDIA_TYPE)
    answered[200]["model"] = BatchAnswer
    return answered


@router.post(
    "/interactions:batch",
    dependencies=[open_to(*MEETS_PEOPLE)],
    status_code=200,
    response_class=BatchResponse,
    response_description="The answers, a line for each line, then the summary.",
    summary="Record many interactions",
    responses=_answered() | problems(takes_body=True),
    openapi_extra=_documented(),
)
async def record_batch(
    request: Request,
    system: SystemDep,
    sender: SenderDep,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> BatchResponse:
    """Newline-delimited JSON, as many lines as you like, each of them a command of its own that is
    recorded or refused for itself, in the order of the lines.

    Each line is answered with a line: where it stands on record, or the problem that the same
    command alone would have been answered with. The last line sums up; without it the answer is not
    complete. The status is 200 as soon as the answer begins, whatever becomes of the lines.

    A line is safe to send again with its `idempotency_key`, and so is the whole batch, also after
    it was cut off: what is on record is answered with `"replayed": true` and adds nothing. The key
    is the same as the header `Idempotency-Key` of a single command; the header is not taken here.
    A line that is larger than a request may be is refused with 413 and the next one is read. Of the
    caller's rate the whole batch is one request.
    """
    if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise HTTPException(415, f"send {MEDIA_TYPE}")
    if idempotency_key is not None:
        message = "has no meaning here; give each line an idempotency_key"
        raise RequestValidationError(
            [{"type": "unexpected", "loc": ("header", "Idempotency-Key"), "msg": message}]
        )
    longest = system.settings.max_body_bytes

    def problem_of(error: Exception) -> Problem:
        detail = f"the line is longer than {longest} bytes"
        answer = (
            problem(413, "content-too-large", detail)
            if isinstance(error, TooLong)
            else answer_to(request, error)
        )
        told = Problem.model_validate_json(bytes(answer.body))
        if told.code == "database-unavailable":
            return told.model_copy(update={"detail": UNKNOWN})
        return told

    return BatchResponse(request, Batch(system.recruiting, sender, problem_of), longest)
