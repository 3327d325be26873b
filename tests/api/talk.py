"""The words of a conversation over HTTP: ask, record, and who does what."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from api.paging import query_of

Json = dict[str, Any]
Ask = Callable[..., Any]
AsCaller = Callable[..., dict[str, str]]

STAGES = ["Application review", "Phone screen", "Onsite"]


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(http: httpx.Client, path: str, body: Json, **headers: str) -> Json:
    answer = http.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    recording: Json = answer.json()
    assert "Idempotent-Replayed" not in answer.headers
    assert recording["position"] == recording["events"][-1]["position"]
    assert answer.headers["Hirelog-Position"] == str(recording["position"])
    return recording


def open_job(http: httpx.Client, **fields: Any) -> str:
    body = {"type": "opened", "title": "Backend Engineer", "stages": STAGES} | fields
    return str(post(http, "/v1/jobs", body)["id"])


def begin(http: httpx.Client, name: str = "Ada Ruiz", **fields: Any) -> Json:
    """Puts a person on record: who applied when a job is named, else who was sourced."""
    kind = "applied" if "job_id" in fields else "sourced"
    return post(http, "/v1/candidates", {"type": kind, "source": "Referral", "name": name} | fields)


def apply(http: httpx.Client, job: str, name: str = "Ada Ruiz", **fields: Any) -> tuple[str, str]:
    recording = begin(http, name, job_id=job, **fields)
    return recording["id"], recording["events"][0]["data"]["application_id"]


def say(http: httpx.Client, candidate: str, kind: str, /, **fields: Any) -> Json:
    return post(http, f"/v1/candidates/{candidate}/interactions", {"type": kind} | fields)


def ago(**period: float) -> str:
    return (datetime.now(UTC) - timedelta(**period)).isoformat()


def cursor_of(path: str, *values: Any, **filters: str) -> str:
    """A cursor of this list with these filters, as if it had been given out."""
    text = json.dumps([query_of(path, filters.items()), *values])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def pages(http: httpx.Client, path: str, **params: Any) -> Iterator[list[Json]]:
    """The pages of a list, one by one, each asked for when it is wanted."""
    cursor: str | None = None
    while True:
        page = get(http, path, **params, **({"cursor": cursor} if cursor else {}))
        yield page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def names(answer: Json, field: str = "candidate_name") -> list[str]:
    return [item[field] for item in answer["items"]]
