"""The README's conversation, with a client that a generator made from the OpenAPI document."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.wiring import System
from tests.api.talk import STAGES, AsCaller, Json
from tests.databases import wait_until_projected

# The generator knows no streams of lines, and says so.
UNABLE = "Unsupported content type application/x-ndjson"


@pytest.fixture
def generated(
    http: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """The client's modules, by the names that the document gives to operations and schemas."""
    document, config = tmp_path / "openapi.json", tmp_path / "config.json"
    document.write_text(http.get("/openapi.json").text, "utf-8")
    config.write_text(json.dumps({"post_hooks": []}), "utf-8")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--path", document),
            *("--config", config, "--meta", "none", "--output-path", tmp_path / "hirelog_client"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert re.findall(r"^WARNING (.*)", made.stdout, re.MULTILINE) == [
        "parsing POST /v1/interactions:batch within candidates. Endpoint will not be generated."
    ]
    assert made.stdout.count(UNABLE) == 1
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("hirelog_client")
    models = importlib.import_module("hirelog_client.models")
    with ExitStack() as stack:

        def client(token: str) -> Any:
            made = package.AuthenticatedClient(base_url=str(http.base_url), token=token)
            return stack.enter_context(made)

        yield SimpleNamespace(client=client, models=models)
    for name in [each for each in sys.modules if each.partition(".")[0] == "hirelog_client"]:
        del sys.modules[name]


def operation(client: Any, tag: str, name: str) -> Any:
    """Calls an operation by its id; gives the answer whole."""
    module = importlib.import_module(f"hirelog_client.api.{tag}.{name}")

    def call(*path: Any, **given: Any) -> Any:
        return module.sync_detailed(*path, client=client, **given)

    return call


def test_the_readme_s_conversation(  # noqa: PLR0915  # it is one conversation
    http: httpx.Client, projected: System, generated: SimpleNamespace, as_caller: AsCaller
) -> None:
    models = generated.models

    def as_whom(name: str) -> Any:
        return generated.client(as_caller(name)["Authorization"].removeprefix("Bearer "))

    ana = as_whom("recruiter:ana")
    opened = operation(ana, "jobs", "open_job")(
        body=models.OpenJob(title="Backend Engineer", stages=STAGES)
    )
    assert (opened.status_code, opened.parsed.version, opened.parsed.position) == (201, 2, 2)
    assert opened.parsed.events[0].type_ == "job-opened"
    job = opened.parsed.id

    form = models.Apply(job_id=job, source="Careers page", name="Ada Ruiz", email="ada@example.org")
    send = operation(as_whom("integration:form"), "candidates", "begin_candidate")
    applied = send(body=form, idempotency_key="form-4711", on_behalf_of="candidate:self")
    again = send(body=form, idempotency_key="form-4711", on_behalf_of="candidate:self")
    assert (applied.status_code, again.status_code) == (201, 201)
    assert again.content == applied.content
    assert again.headers["Idempotent-Replayed"] == "true"
    candidate = applied.parsed.id
    (event,) = applied.parsed.events
    assert (event.type_, event.on_behalf_of) == ("applied", "candidate:self")
    assert isinstance(event.occurred_at, datetime)
    application = event.data["application_id"]

    other = models.Apply(job_id=job, source="Careers page", name="Bob")
    used = send(body=other, idempotency_key="form-4711", on_behalf_of="candidate:self")
    assert (used.status_code, used.parsed.code) == (422, "key-used-before")

    record = operation(ana, "candidates", "record_interaction")
    move = models.Advance(
        application_id=application, to_stage="Phone screen", reason="Strong portfolio"
    )
    moved = record(candidate, body=move)
    assert (moved.status_code, moved.parsed.version) == (201, 2)
    assert moved.parsed.events[0].reason == "Strong portfolio"
    assert moved.parsed.events[0].data["direction"] == "forward"

    unknown = models.Advance(application_id=application, to_stage="Final round")
    refused = record(candidate, body=unknown)
    assert isinstance(refused.parsed, models.Problem)
    assert (refused.parsed.status, refused.parsed.code) == (422, "unknown-stage")
    assert "its stages are Application review" in refused.parsed.detail

    note = models.Note(text="Kind.")
    assert record(candidate, body=note, if_match=moved.headers["ETag"]).status_code == 201
    late = record(candidate, body=note, if_match=moved.headers["ETag"])
    assert (late.status_code, late.parsed.code) == (412, "version-mismatch")

    # By hand: the generator leaves this operation out.
    said = {"type": "noted", "text": "Speaks Basque."}
    line = {"candidate_id": str(candidate), "idempotency_key": "n-1", "interaction": said}
    batch = ana.get_httpx_client().post(
        "/v1/interactions:batch",
        content=json.dumps(line) + "\n",
        headers={"Content-Type": "application/x-ndjson"},
    )
    first, last = (json.loads(each) for each in batch.text.splitlines())
    assert (first["status"], last["summary"]["recorded"]) == (201, 1)

    wait_until_projected(projected.conninfo)
    board = operation(ana, "jobs", "read_board")(job).parsed
    assert [(stage.stage, stage.count) for stage in board.stages][1] == ("Phone screen", 1)
    assert board.stages[1].applications[0].candidate_name == "Ada Ruiz"
    read = operation(ana, "candidates", "read_candidate")
    now, then = read(candidate).parsed, read(candidate, version=1).parsed
    assert (now.version, now.applications[0].stage) == (4, "Phone screen")
    assert (then.version, then.applications[0].stage) == (1, "Application review")
    assert now.details.additional_properties["name"] == "Ada Ruiz"
    as_of = read(candidate, as_of=event.occurred_at).parsed
    assert as_of.applications[0].stage == "Application review"
    history = operation(ana, "candidates", "replay_candidate")(candidate).parsed
    assert [each.type_ for each in history.items] == ["applied", "advanced", "noted", "noted"]
    search = operation(ana, "applications", "list_applications")
    active = models.ApplicationStatus.ACTIVE
    (found,) = search(status=active, min_days_in_stage=0).parsed.items
    assert str(found.application_id) == application
    assert search(status=active, min_days_in_stage=7).parsed.items == []
    warm = operation(ana, "engagement", "list_engagement")
    assert [each.candidate_id for each in warm(min_warmth=5).parsed.items] == [candidate]
    officer = as_whom("compliance:cleo")
    entries = operation(officer, "audit", "list_audit_entries")
    audit = entries(candidate=candidate, hirelog_purpose="Inspection 7").parsed
    assert [each.type_ for each in audit.items] == ["noted", "noted", "advanced", "applied"]
    assert audit.items[2].actor == "recruiter:ana"

    closed = operation(ana, "audit", "list_audit_entries")(candidate=candidate)
    assert (closed.status_code, closed.parsed.code) == (403, "not-permitted")
    nobody = operation(generated.client("wrong"), "jobs", "list_jobs")()
    assert (nobody.status_code, nobody.parsed.code) == (401, "invalid-token")


def test_names_of_the_client(promised: Json) -> None:
    """Operations and schemas have names that can be read."""
    for path, methods in promised["paths"].items():
        for operation in methods.values():
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), path
    for name in promised["components"]["schemas"]:
        assert re.fullmatch(r"([A-Z][a-z]+)+", name)
