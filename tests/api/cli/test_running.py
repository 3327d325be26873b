"""Processes that run until they are told to stop: the server and the projectors."""

import json
import signal
import time

import httpx
import psycopg

from projections.runtime.status import status
from tests.api.cli.histories import EMAIL, NAME, TEXT
from tests.api.cli.processes import Home, address, known_at, line, process, stopped
from tests.databases import wait_until_projected


def test_serve_and_its_log(home: Home) -> None:
    secrets = [NAME, EMAIL, TEXT, "+49 30 7654321"]
    with process("serve", "--port", 0, *home.at()) as serving:
        with httpx.Client(base_url=address(serving), headers=known_at(home), timeout=30) as http:
            person = {"type": "sourced", "source": "Fair", "name": NAME, "email": EMAIL}
            begun = http.post("/v1/candidates", json=person)
            assert begun.status_code == 201
            path = f"/v1/candidates/{begun.json()['id']}"
            for body in (
                {"type": "noted", "text": TEXT},
                {"type": "profile-updated", "phone": secrets[3]},
                {"type": "noted", "text": [TEXT], NAME: EMAIL},
                {"type": EMAIL},
            ):
                assert http.post(f"{path}/interactions", json=body).status_code in {201, 422}
            assert http.post(f"{path}/interactions", content=TEXT).status_code == 415
            assert http.get(f"/{EMAIL}?name={NAME}").status_code == 404
            assert http.get(path).json()["details"]["phone"] == secrets[3]
            assert http.get("/readyz").status_code == 200
            wait_until_projected(home.conninfo)
            shown = http.get("/v1/engagement/candidates", params={"status": "prospect"}).json()
            assert NAME in [each["name"] for each in shown["items"]]
        said = stopped(serving)
    for entry in said.splitlines():
        assert json.loads(entry)["event"], entry
    written = (home.data_dir / "postgres.log").read_text()
    for secret in secrets:
        assert secret not in said
        assert secret not in written


def test_projector_that_is_killed_is_replaced(home: Home) -> None:
    def behind() -> int:
        with psycopg.connect(home.conninfo) as connection:
            return max(model.lag_events for model in status(connection))

    arguments = ("project", *home.at())
    with process("serve", "--no-project", "--port", 0, *home.at()) as serving:
        with httpx.Client(base_url=address(serving), headers=known_at(home)) as http:
            note = {"type": "noted", "text": TEXT}
            begun = http.post("/v1/candidates", json={"type": "sourced", "source": "Fair"})
            path = f"/v1/candidates/{begun.json()['id']}/interactions"
            time.sleep(0.5)
            assert behind() == 1
            with process(*arguments) as first:
                assert line(first.stdout).startswith("hirelog projects")
                wait_until_projected(home.conninfo, 10)
                with process(*arguments) as second:
                    assert line(second.stdout).startswith("hirelog projects")
                    assert http.post(path, json=note).status_code == 201
                    wait_until_projected(home.conninfo, 5)
                    first.kill()
                    assert http.post(path, json=note).status_code == 201
                    wait_until_projected(home.conninfo, 5)
                    stopped(second)
            assert http.post(path, json=note).status_code == 201
            assert behind() == 1
        stopped(serving, signal.SIGINT)
