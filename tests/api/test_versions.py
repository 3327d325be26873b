"""ETag and If-Match: what insists on a version is recorded at that version or not at all."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from tests.api.bad_input import Known, complaint, none_wrong
from tests.api.talk import begin, open_job, say

NOTE = {"type": "noted", "text": "hm"}
SOURCED = {"type": "sourced", "source": "Fair"}

# What If-Match says of a stream at version 2, and what becomes of it.
MATCHES = ('"2"', "*", '"9", "2"', ',"x",\t,"2",')
DIFFERS = (
    *('"1"', '"3"', 'W/"2"', '"9", W/"2"', '"02"', '"+2"', '"x"', '""', '"1,2"', '"\u00e9"'),
    f'"{"2" * 99}"',
)
MALFORMED = ("2", "", '"2', '"1" "2"', '*, "2"', 'w/"2"', "'2'", '"2";', "," * 1_001)


def change(http: httpx.Client, path: str, if_match: str, **headers: str) -> httpx.Response:
    """Changes a job or a candidate that is at the version."""
    body = {"type": "closed"} if path.startswith("/v1/jobs") else NOTE
    given = httpx.Headers({"If-Match": if_match} | headers, encoding="latin-1")
    return http.post(f"{path}/interactions", json=body, headers=given)


def test_an_answer_tells_the_version(http: httpx.Client) -> None:
    opened = http.post("/v1/jobs", json={"type": "opened", "title": "Cook", "stages": ["A"]})
    sourced = http.post("/v1/candidates", json=SOURCED)
    for begun, version in (opened, 2), (sourced, 1):
        path = begun.headers["Location"]
        assert begun.headers["ETag"] == http.get(path).headers["ETag"] == f'"{version}"'
        changed = change(http, path, f'"{version}"')
        assert changed.status_code == 201, changed.text
        assert changed.json()["version"] == version + 1
        assert changed.headers["ETag"] == http.get(path).headers["ETag"] == f'"{version + 1}"'
    # What it was at another time is nothing to decide on.
    for query in "version=1", "as_of=2999-01-01T00:00:00Z", "known_at=2999-01-01T00:00:00Z":
        assert http.get(f"{path}?{query}").headers["ETag"].startswith("W/")


def test_what_does_not_match_is_not_recorded(applicant: Known) -> None:
    known = applicant
    say(known.http, known.candidate, "noted", text="The second event.")
    before = known.events()
    paths = f"/v1/candidates/{known.candidate}", f"/v1/jobs/{known.job}"
    none_wrong(
        {
            f"{path[:12]} {tags[:20]}": complaint(change(known.http, path, tags), status, code)
            for path in paths
            for refused, status, code in (
                (DIFFERS, 412, "version-mismatch"),
                (MALFORMED, 422, "invalid-request"),
            )
            for tags in refused
        }
    )
    for each in paths:  # for what is not there there is no version
        path = each.replace(known.candidate, str(uuid4())).replace(known.job, str(uuid4()))
        assert change(known.http, path, '"1"').status_code == 404
    unknown = f"/v1/candidates/{uuid4()}/interactions"  # but there it could begin
    answer = known.http.post(unknown, json=SOURCED, headers={"If-Match": "*"})
    assert not complaint(answer, 412, "version-mismatch")
    assert known.events() == before


def test_what_matches_is_recorded(http: httpx.Client) -> None:
    for tags in MATCHES:
        candidate = begin(http)["id"]
        say(http, candidate, "noted", text="The second event.")
        for path in f"/v1/candidates/{candidate}", f"/v1/jobs/{open_job(http)}":
            assert change(http, path, tags).status_code == 201, (path, tags)
    lines = [("If-Match", '"9"'), ("If-Match", '"3"')]
    answer = http.post(f"/v1/candidates/{candidate}/interactions", json=NOTE, headers=lines)
    assert answer.status_code == 201, "the lines of a header are one list"


def test_a_repeat_gets_its_first_answer_whatever_it_expects(
    http: httpx.Client, elsewhere: httpx.Client
) -> None:
    for path in f"/v1/candidates/{begin(http)['id']}", f"/v1/jobs/{open_job(http)}":
        now = http.get(path).headers["ETag"]
        first = change(http, path, now, **{"Idempotency-Key": "once"})
        assert first.status_code == 201
        for server in http, elsewhere:
            for tags in now, '"77"', "*":
                again = change(server, path, tags, **{"Idempotency-Key": "once"})
                assert (again.status_code, again.content) == (201, first.content)
                assert again.headers["ETag"] == first.headers["ETag"]
                assert again.headers["Idempotent-Replayed"] == "true"


def test_of_two_who_decided_on_one_version_one_is_refused(
    http: httpx.Client, elsewhere: httpx.Client
) -> None:
    """Also at servers that know nothing of each other, and one that remembers an older state."""
    path = f"/v1/candidates/{begin(http)['id']}"
    servers = [http, elsewhere] * 2
    for _ in range(5):
        now = http.get(path).headers["ETag"]
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(change, servers, [path] * 4, [now] * 4))
        assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]
    for mine, others in (http, elsewhere), (elsewhere, http):
        before = mine.get(path).headers["ETag"]
        after = change(others, path, before).headers["ETag"]
        assert not complaint(change(mine, path, before), 412, "version-mismatch")
        assert change(mine, path, after).status_code == 201
