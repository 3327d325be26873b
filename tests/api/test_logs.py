"""The whole conversation, mistakes included, leaves nothing personal in any log or metric."""

import json
import re
from pathlib import Path

import httpx
import psycopg

from domain.store.embedded import SUPERUSER, attach
from migrations.bootstrap import DATABASE, SERVICE
from tests.api.cli.processes import Home, address, known_at, process, stopped
from tests.api.test_batch import NDJSON, PATH, line, note
from tests.api.test_first_answers import PERSON, Twice, change_job, live_through_everything
from tests.databases import wait_until_projected

SAID = ["Speaks Basque", "About that.", "Too far away", "Full time", "Hi", "z@x.org", "111111"]
SECRETS = ["Quintessa", "zoe@example.org", "000000", "München", "Ünïcode", *SAID[:4], *SAID[5:]]
ALLOW = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"


def make_mistakes(http: httpx.Client, candidate: str) -> None:
    """Requests that are refused, each with personal values wherever they fit."""
    email, path = PERSON["email"], f"/v1/candidates/{candidate}/interactions"
    said = json.dumps({"type": "noted", "text": PERSON["name"], email: email})
    for content, media in ((said, "application/json"), (said, email), (said[:-5], "text/json")):
        http.post(path, content=content, headers={"Content-Type": media})
    for body in (
        {"type": "noted", "text": [email]},
        {"type": email},
        {"type": "noted", "text": "\ud800"},
        {"type": "hired", "application_id": email},
        {"type": "clicked", "message_id": "999", "reason": "none"},
        {"type": "noted", "text": PERSON["name"], "occurred_at": email},
        {"type": "profile-updated", **PERSON, "headline": "x" * 30_000},
    ):
        http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    for place in f"/{email}", f"/v1/candidates/{email}", f"/v1/jobs?name={email}", "/v1/jobs":
        http.get(place, params={"cursor": email}, headers={"If-Match": email, "Cookie": email})
        http.request("DELETE", place)
    http.get("/v1/engagement/candidates", params={"pool": f"{email}\0"})
    poisoned = {b"X-Request-Id": PERSON["name"].strip().encode(), b"Idempotency-Key": b"\xff"}
    http.post(path, content=said, headers={b"Content-Type": b"application/json", **poisoned})
    lines = [note(candidate, email), note(email), {"interaction": {"type": email}, email: 1}]
    http.post(PATH, content=b"".join(map(line, lines)) + email.encode(), headers=NDJSON)


def write_while_the_database_is_away(http: httpx.Client, superuser: str, candidate: str) -> None:
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(ALLOW.format(DATABASE, "false").encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (DATABASE,)
        )
        body = {"type": "noted", "text": PERSON["name"]}
        answer = http.post(f"/v1/candidates/{candidate}/interactions", json=body)
        connection.execute(ALLOW.format(DATABASE, "true").encode())
    assert answer.status_code == 503


def test_nothing_personal_is_written_anywhere(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    debug = {"HIRELOG_LOG_LEVEL": "debug"}
    with process("serve", "--port", 0, "--data-dir", data_dir, environ=debug) as serving:
        with httpx.Client(base_url=address(serving), timeout=30) as http, attach(data_dir) as own:
            conninfo = own.conninfo(SERVICE, DATABASE)
            http.headers.update(known_at(Home(data_dir, conninfo)))
            send = Twice(http)
            live_through_everything(send, change_job(send))
            candidate = send.sent[-1][0].split("/")[3]
            make_mistakes(http, candidate)
            wait_until_projected(conninfo)
            for place in "", "/interactions?limit=200":
                assert PERSON["name"].strip() in http.get(f"/v1/candidates/{candidate}{place}").text
            http.get("/v1/jobs", headers={"Authorization": f"Bearer {PERSON['email']}"})
            http.get("/v1/applications", params={"source": PERSON["email"]})
            measured = http.get("/metrics").text
            superuser = own.conninfo(SUPERUSER, "postgres")
            write_while_the_database_is_away(http, superuser, candidate)
        said = stopped(serving)
    written = {file: file.read_text("utf-8") for file in data_dir.glob("*.log")}
    assert [file.name for file in written] == ["postgres.log"]
    entries = [json.loads(each) for each in said.splitlines()]
    for text in said, measured, *written.values():
        assert not [secret for secret in SECRETS if secret in text]
    requests = [each for each in entries if each["event"] == "request"]
    assert len(requests) > 80
    for each in requests:
        assert each.keys() >= {"method", "route", "status", "milliseconds", "request_id", "level"}
        assert not re.search(r"[0-9a-f]{8}-", each["route"]), "templates, no ids"
    assert {each["status"] for each in requests} >= {
        "200",
        "201",
        "404",
        "405",
        "415",
        "422",
        "503",
    }
    assert candidate not in measured
