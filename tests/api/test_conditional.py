"""ETag and If-None-Match: what a client has already is not sent again, and nothing else is kept."""

from types import SimpleNamespace
from typing import cast

import httpx

from api.access.callers import Scope
from api.app import build_app
from api.door.conditional import weak_tag
from api.settings import Settings
from api.wiring import System
from tests.api.bad_input import Known, complaint
from tests.api.talk import AsCaller, Ask, Json, apply, get, open_job, post, say

MADE_ANEW = "/v1/candidates/{candidate_id}/access-bundle"  # no two are the same


def known_paths(known: Known) -> list[str]:
    return [
        f"/v1/candidates/{known.candidate}",
        f"/v1/candidates/{known.candidate}?version=1",
        f"/v1/candidates/{known.candidate}?expand=engagement,jobs",
        f"/v1/candidates/{known.candidate}/interactions",
        "/v1/jobs",
        f"/v1/jobs/{known.job}",
        f"/v1/jobs/{known.job}?fields=title",
        f"/v1/jobs/{known.job}/board",
        "/v1/applications?expand=visits",
        f"/v1/applications/{known.application}",
        "/v1/engagement/candidates",
        f"/v1/engagement/candidates/{known.candidate}",
        "/v1/audit/entries",
        "/v1/projections/builds",
        "/v1/projections/parked",
    ]


def test_what_the_client_has_is_not_sent_again(known: Known) -> None:
    for path in known_paths(known):
        whole = known.http.get(path)
        assert whole.status_code == 200, whole.text
        tag = whole.headers["ETag"]
        strong = tag.removeprefix("W/")
        for given in tag, strong, f"W/{strong}", f'"x", {tag}', "*", f'"y",W/{strong} , "z"':
            again = known.http.get(path, headers={"If-None-Match": given})
            assert (again.status_code, again.content) == (304, b""), (path, given)
            assert again.headers["ETag"] == tag
            assert again.headers.get("Hirelog-Position") == whole.headers.get("Hirelog-Position")
            assert again.headers["Vary"] == whole.headers["Vary"] == "Accept-Encoding"
            assert "Content-Type" not in again.headers
        for given in '"x"', 'W/"x"', "", strong.strip('"'), '"*"', f'"{strong}"':
            again = known.http.get(path, headers={"If-None-Match": given})
            assert (again.status_code, again.headers["ETag"]) == (200, tag), (path, given)


def test_what_has_changed_is_sent(applicant: Known, ask: Ask) -> None:
    http, paths = applicant.http, known_paths(applicant)
    paths = [path for path in paths if not path.endswith(("builds", "parked", "version=1"))]
    tags = {path: http.get(path).headers["ETag"] for path in paths}
    of = {"application_id": applicant.application}
    say(http, applicant.candidate, "advanced", **of, to_stage="B")
    http.post(f"/v1/jobs/{applicant.job}/interactions", json={"type": "closed"})
    ask("/v1/jobs")
    for path in paths:
        answer = http.get(path, headers={"If-None-Match": tags[path]})
        assert answer.status_code == 200, path
        assert answer.headers["ETag"] != tags[path]


def test_a_board_s_clock_runs_without_a_change(http: httpx.Client, ask: Ask) -> None:
    job = open_job(http)
    candidate, application = apply(http, job, occurred_at="2026-01-05T09:00:00Z")
    path = f"/v1/jobs/{job}/board"
    ask(path)
    first = http.get(path)

    def seconds(answer: httpx.Response) -> int:
        return int(answer.json()["stages"][0]["applications"][0]["seconds_in_stage"])

    later = first
    while seconds(later) == seconds(first):
        later = http.get(path)
    assert later.headers["ETag"] == first.headers["ETag"]
    say(http, candidate, "advanced", application_id=application, to_stage="Onsite")
    ask(path)
    moved = http.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert moved.status_code == 200
    assert [stage["count"] for stage in moved.json()["stages"]] == [0, 0, 1]


def test_only_clocks_are_left_out_of_a_tag() -> None:
    body = b'{"seconds_in_stage":7,"note":"\\"seconds\\":7","visits":[{"visit":1,"seconds":null}]}'
    assert weak_tag(body) == weak_tag(body.replace(b'_stage":7', b'_stage":86400'))
    assert weak_tag(body) != weak_tag(body.replace(b'\\":7', b'\\":8'))
    assert weak_tag(body) != weak_tag(body.replace(b'"visit":1', b'"visit":2'))


def test_reads_reflect_the_last_write_of_any_server(
    http: httpx.Client, elsewhere: httpx.Client
) -> None:
    job = open_job(http)
    candidate, _ = apply(http, job)
    path = f"/v1/candidates/{candidate}"
    for number in range(6):
        mine, others = (http, elsewhere) if number % 2 else (elsewhere, http)
        before = mine.get(path)
        assert others.get(path).content == before.content
        say(others, candidate, "returned-to-pool", pool=f"pool {number}")
        after = mine.get(path, headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200
        assert f"pool {number}" in after.json()["pools"]
        assert others.get(path).content == after.content
    for close in "closed", "reopened":
        elsewhere.post(f"/v1/jobs/{job}/interactions", json={"type": close})
        status = "closed" if close == "closed" else "open"
        assert http.get(f"/v1/jobs/{job}").json()["status"] == status


def test_a_board_reflects_the_position_that_one_names(http: httpx.Client) -> None:
    job = open_job(http)
    for number in range(1, 8):
        begun = http.post(
            "/v1/candidates", json={"type": "applied", "job_id": job, "source": "Fair"}
        ).json()
        board = http.get(f"/v1/jobs/{job}/board", params={"position": begun["position"]}).json()
        assert board["active"] == number


def test_every_read_says_that_it_has_a_tag(promised: Json) -> None:
    for path, methods in promised["paths"].items():
        if not path.startswith("/v1/") or "get" not in methods or path == MADE_ANEW:
            continue
        operation = methods["get"]
        if "application/json" in operation["responses"]["200"]["content"]:
            assert "ETag" in operation["responses"]["200"]["headers"], path
            assert "304" in operation["responses"], path
            names = [each["name"] for each in operation["parameters"]]
            assert "If-None-Match" in names, path
            paged = {"cursor", "after"} & {*names}
            assert bool(paged) == ("Link" in operation["responses"]["200"]["headers"]), path


def test_names_are_for_those_who_may_see_them(known: Known, as_caller: AsCaller) -> None:
    blind = as_caller("recruiter:bo", scopes=[Scope.READ])
    paths = [path for path in known_paths(known) if "projections" not in path]
    paths = [
        *paths,
        "/v1/applications?expand=candidate",
        "/v1/engagement/candidates?expand=candidacies",
    ]
    for path in paths:
        seen, answer = known.http.get(path), known.http.get(path, headers=blind)
        if "audit" in path:
            continue
        assert answer.status_code == 200, answer.text
        assert "Ada" not in answer.text, path
        if "/jobs" not in path or "board" in path:
            assert "Ada" in seen.text, path
            own = {"If-None-Match": seen.headers["ETag"]}
            if seen.headers["ETag"].startswith("W/"):
                assert known.http.get(path, headers=blind | own).status_code == 200, path
    assert known.http.get(paths[0], headers=blind).json()["details"] is None


def test_an_expansion_is_for_those_who_may_read_it(applicant: Known, as_caller: AsCaller) -> None:
    known = applicant
    manager = as_caller("hiring-manager:kim")
    change = {"type": "hiring-managers-changed", "hiring_managers": ["hiring-manager:kim"]}
    at = post(known.http, f"/v1/jobs/{known.job}/interactions", change)["position"]
    get(known.http, "/v1/jobs", position=at)
    for path in (
        f"/v1/candidates/{known.candidate}?expand=engagement",
        "/v1/applications?expand=candidate",
    ):
        answer = known.http.get(path, headers=manager)
        assert not complaint(answer, 403, "not-permitted")


def test_a_document_needs_no_database() -> None:
    assert build_app(cast("System", SimpleNamespace(settings=Settings()))).openapi()
