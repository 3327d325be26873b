"""Reads the feed's server-sent events as a client does, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

FEED = "/v1/feed"
STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Message:
    """A block of the stream; a comment has neither id nor data."""

    id: int | None = None
    type: str | None = None
    data: dict[str, Any] | None = None


@contextmanager
def followed(
    http: httpx.Client, last: int | None = None, **params: Any
) -> Iterator[Iterator[Message]]:
    """The messages of a stream, as they come; the first is `retry`."""
    headers = STREAM | ({} if last is None else {"Last-Event-ID": str(last)})
    with http.stream("GET", FEED, params=params, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """The blocks that end with an empty line; half a block is none."""
    block: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            assert name not in block
            block[name] = value.removeprefix(" ")
            continue
        yield Message(
            int(block["id"]) if "id" in block else None,
            block.get("event"),
            json.loads(block["data"]) if "data" in block else None,
        )
        block = {}


def events(stream: Iterator[Message]) -> Iterator[tuple[int, str]]:
    """Position and id of each event; a message is named by its position and type."""
    for message in stream:
        if message.data:
            assert message.id is not None
            assert message.id == message.data["data"]["position"]
            assert message.type == message.data["type"]
            yield message.id, message.data["id"]
