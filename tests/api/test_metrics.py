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
