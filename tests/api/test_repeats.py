"""The same thing said twice, or by several at once, over real HTTP: it is recorded once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import httpx

from tests.api.talk import AsCaller, Json, begin, get, post, say


def test_sent_again_with_its_key(http: httpx.Client) -> None:
    job = {"type": "opened", "title": "Backend Engineer"}
    person = {"type": "sourced", "source": "Fair", "name": "Ada Ruiz"}
    candidate = post(http, "/v1/candidates", person)["id"]
    note = {"type": "noted", "text": "Kind."}
    path = f"/v1/candidates/{candidate}/interactions"
    for where, body, name in (
        ("/v1/jobs", job, "job-1"),
        ("/v1/candidates", person, "candidate-1"),
        (path, note, "note-1"),
    ):
        first = post(http, where, body, **{"Idempotency-Key": name})
        say(http, candidate, "noted", text="Something in between.")
        again = http.post(where, json=body, headers={"Idempotency-Key": name})
        assert again.status_code == 201, again.text
        assert again.json() == first
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Hirelog-Position"] == str(first["position"])
        other = post(http, where, body, **{"Idempotency-Key": f"{name}, another"})
        assert other["position"] > first["position"]
    assert len(get(http, path)["items"]) == 6


def test_key_belongs_to_who_sends_it(http: httpx.Client, as_caller: AsCaller) -> None:
    person = {"type": "sourced", "source": "Fair", "name": "Ada Ruiz"}
    begun = [
        post(http, "/v1/candidates", person, **as_caller(actor), **{"Idempotency-Key": key})
        for actor, key in (
            ("recruiter:ann", "1"),
            ("recruiter:bo", "1"),
            ("recruiter:bo", "a: b"),
            ("recruiter:bo: a", "b"),
        )
    ]
    assert len({recording["id"] for recording in begun}) == 4


def test_same_content_at_the_same_time_adds_nothing(
    http: httpx.Client, as_caller: AsCaller
) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    when = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    note = {"type": "noted", "text": "Kind.", "occurred_at": when.isoformat()}
    first = post(http, path, note)
    elsewhere = (when + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"
    for same in (when.isoformat(), when.isoformat().replace("+00:00", "Z"), elsewhere):
        again = http.post(path, json=note | {"occurred_at": same})
        assert (again.status_code, again.json()) == (201, first), same
        assert again.headers["Idempotent-Replayed"] == "true"
    post(http, path, note | {"text": "Very kind."})
    post(http, path, note, **as_caller("recruiter:bo"))
    say(http, candidate, "noted", text="Kind.")
    say(http, candidate, "noted", text="Kind.")
    assert len(get(http, path)["items"]) == 6


def test_same_key_on_two_servers_at_once(http: httpx.Client, elsewhere: httpx.Client) -> None:
    candidate = begin(http)["id"]
    note = f"/v1/candidates/{candidate}/interactions"
    person: tuple[str, Json] = "/v1/candidates", {"type": "sourced", "source": "Fair", "name": "A"}
    requests: list[tuple[str, Json]] = [
        (note, {"type": "noted", "text": "Kind."}),
        person,
        ("/v1/jobs", {"type": "opened", "title": "Designer"}),
        person,
    ]
    together = Barrier(6)

    def send(server: httpx.Client, path: str, body: Json, key: str) -> httpx.Response:
        together.wait()
        return server.post(path, json=body, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(6) as threads:
        for number in range(40):
            path, body = requests[number % 4]
            sent = [
                threads.submit(send, server, path, body, f"key {number}")
                for server in (http, elsewhere) * 3
            ]
            answers = [each.result() for each in sent]
            assert {each.status_code for each in answers} == {201}, path
            assert len({each.content for each in answers}) == 1, path
            assert sum("Idempotent-Replayed" not in each.headers for each in answers) == 1, path
    assert len(get(http, note)["items"]) == 11


def test_writers_of_one_candidate_at_once(http: httpx.Client) -> None:
    candidate = begin(http)["id"]
    path = f"/v1/candidates/{candidate}/interactions"
    note = {"type": "noted", "text": "Kind."}
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: http.post(path, json=note), range(60)))
    taken = [each.json()["version"] for each in answers if each.status_code == 201]
    refused = {each.json()["code"] for each in answers if each.status_code != 201}
    assert refused <= {"concurrent-change"}
    assert sorted(taken) == [*range(2, len(taken) + 2)]
    assert len(taken) > 12
    assert len(get(http, path, limit=200)["items"]) == len(taken) + 1
