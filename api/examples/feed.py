"""A whole page of the feed, and the same as a stream, for the OpenAPI page."""

import json
from typing import Any

from api.examples.answers import HAPPENED
from api.feed.cloudevents import cloud_event

_LAST = [cloud_event(recorded, personal=True) for recorded in HAPPENED[-2:]]

FEED: dict[str, Any] = {  # as with after=7
    "items": [event.model_dump(mode="json") for event in _LAST],
    "position": HAPPENED[-1].position,
    "has_more": False,
}
FEED_STREAM = "".join(
    f"id: {event.data.position}\nevent: {event.type}\ndata: {json.dumps(shown)}\n\n"
    for event, shown in zip(_LAST, FEED["items"], strict=True)
)
