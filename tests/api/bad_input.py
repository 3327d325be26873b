"""What every bad input has in common: it is refused by name, not repeated and not recorded."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from api.wiring import System

MARK = "ada.ruiz@example.org"  # stands in the input wherever it can
JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Known:
    """What is on record before the bad input comes."""

    http: httpx.Client
    system: System
    job: str
    candidate: str
    application: str

    @property
    def path(self) -> str:
        """Where interactions with the candidate go."""
        return f"/v1/candidates/{self.candidate}/interactions"

    def events(self) -> int:
        """How many events the log holds."""
        return self.system.recruiting.recorder.max_notification_id() or 0


def complaint(answer: httpx.Response, status: int, code: str) -> str | None:
    """What is wrong with a refusal."""
    text = answer.text
    if answer.status_code != status:
        return f"{answer.status_code} instead of {status}: {text[:200]}"
    if answer.headers["Content-Type"] != PROBLEM:
        return f"is {answer.headers['Content-Type']}"
    problem = answer.json()
    if (problem["status"], problem["code"]) != (status, code):
        return f"{problem['status']} {problem['code']} instead of {code}"
    if problem["type"] != f"urn:hirelog:problem:{code}" or not problem["title"]:
        return f"type {problem['type']}"
    if MARK in text or "Traceback" in text or 'File "' in text or len(text) > 5_000:
        return f"tells too much: {text[:300]}"
    return None


def none_wrong(complaints: dict[str, str | None]) -> None:
    """Every case was refused as it should be."""
    assert complaints
    wrong = {case: what for case, what in complaints.items() if what}
    assert not wrong, wrong


def note(**fields: Any) -> bytes:
    return json.dumps({"type": "noted", "text": MARK, **fields}).encode()
