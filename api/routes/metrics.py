"""Metrics for Prometheus: requests, appends, connections, and where the read models stand."""

import asyncio
from collections.abc import Iterator
from itertools import accumulate

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from api.access.rights import MEASURES, open_to
from api.deps import SystemDep
from api.door.admission import Load
from api.door.route import LenientRoute
from api.readings import Readings
from api.routes.health import models_of
from api.wiring import System
from domain.log import GROUP_SIZES, EventLog
from projections.compliance_audit.merkle import stored
from projections.runtime.status import ModelStatus

router = APIRouter(tags=["Health"], dependencies=[open_to(*MEASURES)], route_class=LenientRoute)

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
    def __init__(self, load: Load, readings: Readings) -> None:
        self._load = load
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hirelog_requests", "Requests under way in this process.", value=self._load.requests
        )
        yield GaugeMetricFamily(
            "hirelog_streams", "Streams of the feed in this process.", value=self._load.streams
        )
        yield GaugeMetricFamily(
            "hirelog_readings_waiting",
            "Readings of this process that are not on record yet.",
            value=self._readings.waiting,
        )
        refused = CounterMetricFamily(
            "hirelog_requests_refused", "Requests answered with 503 by code.", labels=["code"]
        )
        refused.add_metric(["overloaded"], self._load.overloaded)
        refused.add_metric(["too-slow"], self._load.too_slow)
        yield refused


class _Appends(Collector):
    def __init__(self, log: EventLog) -> None:
        self._log = log

    def collect(self) -> Iterator[Metric]:
        appended = self._log.appended
        for name, help_text, value in (
            ("events", "Events appended by this process.", appended.events),
            ("commands", "Commands whose events were appended.", appended.commands),
            (
                "conflicts",
                "Commands that had to decide anew; others were faster.",
                appended.refused,
            ),
        ):
            yield CounterMetricFamily(f"hirelog_appended_{name}", help_text, value=value)
        bounds = [*map(str, GROUP_SIZES), "+Inf"]
        yield HistogramMetricFamily(
            "hirelog_append_group",
            "Commands in each group that was committed as one.",
            buckets=list(zip(bounds, accumulate(appended.of_size), strict=True)),
            sum_value=appended.commands + appended.refused,
        )
        yield GaugeMetricFamily(
            "hirelog_append_queue",
            "Callers who wait for the commit that is under way.",
            value=self._log.waiting,
        )


class _Pools(Collector):
    def __init__(self, system: System) -> None:
        self._pools = {"read": system.pool, "write": system.writing}

    def collect(self) -> Iterator[Metric]:
        size = GaugeMetricFamily(
            "hirelog_pool_connections", "Connections to the database.", labels=["pool"]
        )
        used = GaugeMetricFamily("hirelog_pool_used", "Those at work.", labels=["pool"])
        waiting = GaugeMetricFamily("hirelog_pool_waiting", "Who waits for one.", labels=["pool"])
        for name, pool in self._pools.items():
            stats = pool.get_stats()
            size.add_metric([name], stats["pool_size"])
            used.add_metric([name], stats["pool_size"] - stats["pool_available"])
            waiting.add_metric([name], stats.get("requests_waiting", 0))
        yield from (size, used, waiting)


class _Seal(Collector):
    def __init__(self, unsealed: int) -> None:
        self._unsealed = unsealed

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hirelog_log_unsealed_events",
            "Events that no signed checkpoint covers yet; it grows when the log is not sealed.",
            value=self._unsealed,
        )


def _unsealed(system: System) -> int:
    with system.pool.connection() as connection:
        return stored.unsealed(connection)


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, system: SystemDep) -> Response:
    """In the text format of Prometheus; of the read models the same for every process."""
    models = await asyncio.to_thread(models_of, system)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ReadModels(models))
    registry.register(_Seal(await asyncio.to_thread(_unsealed, system)))
    registry.register(_Requests(request.app.state.load, request.app.state.readings))
    registry.register(_Appends(system.recruiting.recorder))
    registry.register(_Pools(system))
    said = generate_latest(registry) + generate_latest(request.app.state.traffic.registry)
    return Response(said, media_type=CONTENT_TYPE_LATEST)
