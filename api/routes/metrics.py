"""Metrics for Prometheus: how far the read models are, what is parked, and what is refused."""

import asyncio
from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.access.rights import MEASURES, open_to
from api.admission import Load
from api.deps import SystemDep
from api.routes.health import models_of
from projections.runtime.status import ModelStatus

router = APIRouter(tags=["Health"], dependencies=[open_to(*MEASURES)])

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


class _Requests(Collector):
    def __init__(self, load: Load) -> None:
        self._load = load

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hirelog_requests", "Requests under way in this process.", value=self._load.requests
        )
        yield GaugeMetricFamily(
            "hirelog_streams", "Streams of the feed in this process.", value=self._load.streams
        )
        refused = CounterMetricFamily(
            "hirelog_requests_refused", "Requests answered with 503 by code.", labels=["code"]
        )
        refused.add_metric(["overloaded"], self._load.overloaded)
        refused.add_metric(["too-slow"], self._load.too_slow)
        yield refused


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, system: SystemDep) -> Response:
    """In the text format of Prometheus; of the read models the same for every process."""
    models = await asyncio.to_thread(models_of, system)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ReadModels(models))
    registry.register(_Requests(request.app.state.load))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
