"""What a monitoring system sees of the read models: metrics, and a check that notices a halt."""

import time

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from projections import READ_MODELS
from projections.runtime import status
from tests.databases import Database, wait_until_projected

SOURCED = {"type": "sourced", "source": "Fair"}


def samples(http: httpx.Client) -> dict[tuple[str, str], float]:
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name.removeprefix("hirelog_projection_"), sample.labels["model"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if "model" in sample.labels
    }


def test_the_metrics_tell_where_each_read_model_stands(
    http: httpx.Client, database: Database
) -> None:
    position = http.post("/v1/candidates", json=SOURCED).json()["position"]
    wait_until_projected(database.service)
    seen = samples(http)
    for model in READ_MODELS:
        assert seen["version", model.name] == model.version
        assert seen["position", model.name] == position
        for name in ("lag_events", "lag_seconds", "parked", "oldest_parked_seconds", "is_stalled"):
            assert seen[name, model.name] == 0


def test_the_metrics_tell_how_far_behind_and_what_is_parked(
    http: httpx.Client, database: Database, held: psycopg.Connection
) -> None:
    http.post("/v1/candidates", json=SOURCED)
    time.sleep(0.3)
    seen = samples(http)
    assert seen["lag_events", "crm_engagement"] == 1
    assert 0.2 < seen["lag_seconds", "crm_engagement"] < 20
    held.execute(
        "INSERT INTO read_models.parked (build, position, stream, topic, error, parked_at)"
        " SELECT build, 1, gen_random_uuid(), 'candidate.noted', 'poison', now() - interval '1 h'"
        "   FROM read_models.builds WHERE model = 'crm_engagement'"
    )
    held.commit()
    seen = samples(http)
    assert (seen["parked", "crm_engagement"], seen["parked", "ats_pipeline"]) == (1, 0)
    assert 3_600 <= seen["oldest_parked_seconds", "crm_engagement"] < 3_700


def told(http: httpx.Client) -> dict[tuple[str, ...], float]:
    """The samples by their names and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
    }


def test_the_metrics_count_answers_by_the_template_of_the_route(http: httpx.Client) -> None:
    candidate = http.post("/v1/candidates", json=SOURCED).json()["id"]
    for path in f"/v1/candidates/{candidate}", "/v1/candidates/Ada", "/nothing/Ada":
        http.get(path)
    http.head(f"/v1/candidates/{candidate}")
    http.request("ADA", "/v1/candidates")
    seen = told(http)
    route = "/v1/candidates/{candidate_id}"
    answers = {
        labels[1:]: value for labels, value in seen.items() if labels[0].endswith("rs_total")
    }
    assert answers == {
        ("POST", "/v1/candidates", "201"): 1,
        ("GET", route, "200"): 1,
        ("GET", route, "422"): 1,
        ("HEAD", route, "200"): 1,
        ("GET", "none", "404"): 1,
        ("other", "/v1/candidates", "405"): 1,
    }
    assert seen["hirelog_answer_seconds_count", "GET", route] == 2
    text = http.get("/metrics").text
    assert candidate not in text
    assert "ada" not in text.lower()


def test_the_metrics_tell_of_appends_and_connections(http: httpx.Client) -> None:
    before = told(http)
    for _ in range(3):
        http.post("/v1/candidates", json=SOURCED)
    http.post("/v1/jobs", json={"type": "opened", "title": "Designer"})
    seen = told(http)

    def more(*name: str) -> float:
        return seen[name] - before[name]

    assert more("hirelog_appended_commands_total") == 4
    assert more("hirelog_appended_events_total") == 5
    assert more("hirelog_append_group_count") == more("hirelog_append_group_bucket", "1") == 4
    assert seen["hirelog_append_queue",] == 0
    for pool in "read", "write":
        assert seen["hirelog_pool_connections", pool] >= 1
        assert seen["hirelog_pool_waiting", pool] == 0
        assert seen["hirelog_pool_used", pool] <= seen["hirelog_pool_connections", pool]


def test_the_check_notices_a_checkpoint_that_does_not_move(
    http: httpx.Client, held: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http.get("/healthz/projections").json() == {"status": "ok"}
    position = http.post("/v1/candidates", json=SOURCED).json()["position"]
    assert http.get("/healthz/projections").status_code == 200, "behind for a moment only"
    monkeypatch.setattr(status, "STALLED_SECONDS", 0.2)
    time.sleep(0.3)
    answer = http.get("/healthz/projections")
    assert (answer.status_code, answer.json()["code"]) == (503, "projection-stalled")
    assert f"ats_pipeline stands at position {position - 1}, 1 events behind" in answer.text
    held.rollback()
    answer = http.get("/v1/audit/entries", params={"position": position})
    assert "Hirelog-Stale" not in answer.headers
    assert http.get("/healthz/projections").status_code == 200
