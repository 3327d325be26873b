"""Metrics for Prometheus: how far the read models are, and what is parked."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.deps import SystemDep
from projections.runtime.status import ModelStatus, status

router = APIRouter(tags=["Health"])

GAUGES = {
    "version": "Version of the live tables.",
    "position": "The last event of the log that the read model reflects.",
    "lag_events": "How many events the read model is behind.",
    "lag_seconds": "Age of the oldest event that the read model does not reflect.",
    "parked": "Events that could not be folded, or wait behind such a one.",
    "oldest_parked_seconds": "For how long the longest-waiting event has been parked.",
    "is_stalled": "1 while the read model is behind and does not move.",
}


class _ReadModels(Collector):
    def __init__(self, models: list[ModelStatus]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        for name, help_text in GAUGES.items():
            gauge = GaugeMetricFamily(f"hirelog_projection_{name}", help_text, labels=["model"])
            for model in self._models:
                gauge.add_metric([model.model], float(getattr(model, name)))
            yield gauge


@router.get("/metrics", include_in_schema=False)
def metrics(system: SystemDep) -> Response:
    """In the text format of Prometheus; the same for every process of one database."""
    with system.pool.connection() as connection:
        models = status(connection)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ReadModels(models))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
