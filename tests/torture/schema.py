"""Sends what schemathesis makes of the OpenAPI document; every answer must be as documented.

Half of what it sends follows the document and half does not. It goes in rounds, each by another
caller: an admin first, then every other role, and somebody who is not known.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from threading import Event, Thread
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, Config, HookContext, Response, SerializationContext
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.openapi.checks import RejectedPositiveData

from api.access.callers import Role
from api.reading import PURPOSE_HEADER
from api.routes.batch import MEDIA_TYPE as LINES
from projections import READ_MODELS
from projections.runtime.projector import Projector
from tests.api.talk import Json, apply, begin, open_job
from tests.bench.bench import bench
from tests.conftest import join_listener, known_as, served
from tests.databases import wait_until_projected
from tests.torture.report import report, say

RATE = "1000000/second"
PEOPLE = 3
EXAMPLES = 40  # of an operation in a round
SHOWN = 600
UNSPEAKABLE = {
    # `by` has no meaning without `as_of`, which the document can only say in words.
    ("POST /v1/projections/rebuilds", "body"),
    # Tags are made by rules of schemathesis' own, which take 0 for one, whatever the pattern says.
    ("POST /v1/candidates/{candidate_id}/interactions", "header.If-Match.0"),
    ("POST /v1/jobs/{job_id}/interactions", "header.If-Match.0"),
}
UNKNOWN_HEADER = "Invalid component: in header - object with unexpected properties"

# Where an id that is on record is sent instead of an invented one, and how often.
KNOWN_IDS = {
    "path.candidate_id": ("candidates", 0.7),
    "path.job_id": ("jobs", 0.7),
    "path.application_id": ("applications", 0.7),
    "path.model": ("models", 0.7),
    "query.candidate": ("candidates", 0.5),
    "query.job": ("jobs", 0.5),
    "body.job_id": ("jobs", 0.7),
    "body.application_id": ("applications", 0.7),
    "body.to_stage": ("stages", 0.5),
}


@dataclass
class Proof:
    """What was sent and answered, and what was not as documented."""

    happened: Counter[str] = field(default_factory=Counter)
    wrong: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many requests were answered."""
        return self.happened["cases"]

    def take(self, recorder: ScenarioRecorder) -> None:
        """Counts what one scenario has sent and found."""
        for interaction in recorder.interactions.values():
            answer = interaction.response
            self.happened["cases"] += 1
            self.happened[str(answer.status_code) if answer else "no answer"] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info:
                    answer = recorder.interactions[case_id].response
                    failure = check.failure_info.failure
                    self.fault(failure, check.failure_info.code_sample, answer)

    def fault(self, failure: Failure, sent: str, answer: Response | None) -> None:
        """Remembers the first fault of its kind."""
        self.happened["faults"] += 1
        status = str(answer.status_code) if answer else "no answer"
        body = answer.content[:SHOWN].decode(errors="replace") if answer else ""
        kind = (failure.title, failure.operation or "", status, _field_of(answer))
        said = " ".join(failure.message.split())[:SHOWN]
        self.wrong.setdefault(kind, f"{kind}: {said} | {sent[:SHOWN]} | {body}")


def run(cases: int, seconds: float, seed: int) -> bool:
    """Whether all went well; prints what happened."""
    with bench(0, 0, quiet=True) as shared:
        say(f"{cases} cases are made of the OpenAPI document, from seed {seed}")
        system = shared.system
        # Most positions that are invented lie in the future; nothing is learned from waiting.
        system.settings.wait_seconds = 0.0
        stop = Event()
        projector = Thread(target=Projector(system.conninfo, READ_MODELS).run, args=(stop,))
        projector.start()
        try:
            with served(system) as http:
                callers = callers_of(lambda name: known_as(system, name, rate_limit=RATE))
                known = put_on_record(http, lambda: wait_until_projected(system.conninfo))
                began = time.monotonic()
                proof = prove(http, callers, known, seed=seed, cases=cases, seconds=seconds)
                proof.happened["seconds"] = round(time.monotonic() - began)
        finally:
            stop.set()
            join_listener(projector, system.conninfo)
    statuses = sorted(name for name in proof.happened if name.isdigit())
    counts = ("cases", *statuses, "no answer", "errors", "faults", "rounds", "seconds")
    return report(proof.happened, counts, list(proof.wrong.values())) and proof.cases >= cases


def callers_of(known_as: Callable[[str], Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The headers of a caller of each role, an admin first, and at last of nobody.

    The role compliance has to say why it reads, which the document can only say in words.
    """
    roles = sorted(Role, key=lambda role: role is not Role.ADMIN)
    why = {Role.COMPLIANCE: {PURPOSE_HEADER: "Torture"}}
    return [*({**known_as(f"{role}:torture"), **why.get(role, {})} for role in roles), {}]


def put_on_record(http: httpx.Client, wait: Callable[[], None]) -> dict[str, list[str]]:
    """Some jobs and people, so that ids can be sent that are known; by the kind of thing."""
    kim = {"hiring_managers": ["hiring-manager:torture"]}
    jobs = [open_job(http, **kim), open_job(http, title="Designer")]
    people = [apply(http, job, f"Ada {n}") for n in range(PEOPLE) for job in jobs]
    sourced = [begin(http, f"Bob {n}")["id"] for n in range(PEOPLE)]
    wait()
    return {
        "jobs": jobs,
        "candidates": [*(candidate for candidate, _ in people), *sourced],
        "applications": [application for _, application in people],
        "models": [model.name for model in READ_MODELS],
        "stages": ["Phone screen", "Onsite"],
    }


def prove(
    http: httpx.Client,
    callers: Sequence[Mapping[str, str]],
    known: Mapping[str, Sequence[str]],
    *,
    seed: int,
    cases: int,
    seconds: float,
    examples: int = EXAMPLES,
    phases: Sequence[str] = ("examples", "coverage", "fuzzing", "stateful"),
) -> Proof:
    """Rounds until so many cases were sent, or so much time has passed.

    The first round has all of these phases, the others fuzz alone.
    """
    document = http.get("/openapi.json").json()
    cursors = _cursors(http, document, known)
    proof, until = Proof(), time.monotonic() + seconds
    for number in count():
        if proof.cases >= cases or time.monotonic() > until:
            return proof
        # Every other round is the admin's, who gets furthest.
        who = callers[0] if number % 2 == 0 else callers[1:][number // 2 % (len(callers) - 1)]
        config = _config(http, who, known, seed + number, examples)
        config["phases"] = {
            name: {"enabled": name in (phases if number == 0 else ("fuzzing",))}
            for name in ("examples", "coverage", "fuzzing", "stateful")
        }
        schema = schemathesis.openapi.from_dict(document, config=Config.from_dict(config))
        schema.hook("map_case")(lambda _, case: _with_cursor(case, cursors))
        schema.hook("filter_failure")(_is_fault)
        stream = from_schema(schema).execute()
        for event in stream:
            if isinstance(event, events.ScenarioFinished):
                proof.take(event.recorder)
                if proof.cases >= cases or time.monotonic() > until:
                    stream.stop()
            elif isinstance(event, events.NonFatalError):
                proof.happened["errors"] += 1
                proof.wrong.setdefault(
                    (event.label, str(event.value)), f"{event.label}: {event.value}"
                )
            elif isinstance(event, events.FatalError):
                raise event.exception
        proof.happened["rounds"] += 1
    raise AssertionError  # never: the rounds have no end of their own


def _config(
    http: httpx.Client,
    who: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    seed: int,
    examples: int,
) -> Json:
    return {
        "seed": seed,
        "base-url": str(http.base_url),
        "headers": dict(who),
        "dictionaries": {name: {"values": list(values)} for name, values in known.items()},
        "parameters": {
            place: {"dictionary": name, "probability": share}
            for place, (name, share) in KNOWN_IDS.items()
        },
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "continue-on-failure": True,
        "request-timeout": 40,
        "warnings": False,
        "cache": {"enabled": False},
    }


def _cursors(
    http: httpx.Client, document: Json, known: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """A cursor of each list that has a second page, by the path in the document."""
    found = {}
    for path, methods in document["paths"].items():
        parameters = methods.get("get", {}).get("parameters", ())
        if any(each["name"] == "cursor" for each in parameters):
            here = path.replace("{candidate_id}", known["candidates"][0])
            page = http.get(here, params={"limit": 1}).json()
            if cursor := page.get("touchpoints", page).get("next_cursor"):
                found[path] = cursor
    return found


def _with_cursor(case: Case[Any], cursors: Mapping[str, str]) -> Case[Any]:
    """No cursor that is invented is ever one, and none of the list's own rules would be tried."""
    positive = case.meta is None or case.meta.generation.mode.is_positive
    if positive and case.query and "cursor" in case.query:
        cursor = cursors.get(case.operation.path)
        rest = {name: value for name, value in case.query.items() if name != "cursor"}
        case.query = rest | {"cursor": cursor} if cursor else rest
    return case


def _is_fault(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether it is the API's fault.

    What fits the schema may still break a rule of recruiting, which is refused by its name. Lines
    of a batch are refused one by one, and none may be recorded that does not fit. Headers that
    nobody knows are no matter, as always in HTTP, and 412 is a refusal as well.
    """
    if isinstance(failure, RejectedPositiveData):
        of_fields = _code_of(response) in {None, "invalid-request"}
        return of_fields and (case.operation.label, _field_of(response)) not in UNSPEAKABLE
    if isinstance(failure, AcceptedNegativeData):
        if failure.message.endswith(UNKNOWN_HEADER):
            return False
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            return False
        if case.media_type == LINES:
            lines = response.content.splitlines()
            return any(json.loads(line).get("status") == HTTPStatus.CREATED for line in lines)
    return True


def _code_of(response: Response) -> str | None:
    try:
        problem = json.loads(response.content)
    except ValueError:
        return None
    return problem.get("code") if isinstance(problem, dict) else None


def _field_of(answer: Response | None) -> str:
    """Which field a problem complains of, so that each counts as a fault of its own."""
    try:
        errors = json.loads(answer.content)["errors"] if answer else []
    except (ValueError, KeyError, TypeError):
        return ""
    return str(errors[0]["field"]) if errors else ""


@schemathesis.serializer(LINES)
def _as_line(_: SerializationContext, value: Any) -> bytes:
    """One line; what is no line is sent as it is."""
    return json.dumps(value).encode() + b"\n"
