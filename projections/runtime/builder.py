"""Builds in the background of a service: new versions of read models, and rebuilds begun elsewhere.

Whoever begins a rebuild and does not drive it, as a request over HTTP does, or who was killed while
driving it, leaves it to the builder of any process that projects.
"""

from collections.abc import Sequence
from threading import Event
from typing import Any

import psycopg
import structlog

from projections.runtime import builds, rebuild
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver
from projections.runtime.rebuild import NotPossible, Paused, Rebuild, Stopped

LOOK_SECONDS = 1.0

logger = structlog.get_logger()


class Builder:
    """Carries the rebuilds of these read models through until told to stop."""

    def __init__(self, conninfo: str, models: Sequence[ReadModel], unit_events: int) -> None:
        """`conninfo` must log in as the service; about `unit_events` are held in memory."""
        self._conninfo = conninfo
        self._models = models
        self._unit_events = unit_events
        self._to_begin: list[ReadModel] | None = None
        self._said: set[str] = set()

    def run(self, stop: Event) -> None:
        """Begins what new versions need, then drives what is to be driven, until `stop` is set."""
        while not stop.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as connection:
                    builds.install(connection, self._models)
                    while not stop.is_set():
                        self._begin_new_versions(connection)
                        for each in rebuild.going(connection):
                            if each.state == "running" and each.purpose != "scratch":
                                self._drive(connection, each, stop)
                        stop.wait(LOOK_SECONDS)
            except psycopg.OperationalError as error:
                logger.warning("builder lost the database", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # nobody would start the thread again
                logger.error("builder failed", error=type(error).__name__)
            stop.wait(LOOK_SECONDS)

    def _begin_new_versions(self, connection: psycopg.Connection[Any]) -> None:
        """Of what was outdated when this process started; what is switched back later stays."""
        if self._to_begin is None:
            outdated = builds.outdated(connection, self._models)
            self._to_begin = [model for model in self._models if model.name in outdated]
        for model in list(self._to_begin):
            try:
                begun = rebuild.begin(connection, [model], unit_events=self._unit_events)
            except NotPossible as reason:
                if str(reason) not in self._said:
                    self._said.add(str(reason))
                    logger.warning("new version waits", model=model.name, reason=str(reason))
            else:
                self._to_begin.remove(model)
                logger.info("new version begun", model=model.name, rebuild=begun.rebuild)

    def _drive(self, connection: psycopg.Connection[Any], each: Rebuild, stop: Event) -> None:
        known = {model.name: model for model in self._models}
        making = builds.of_rebuild(connection, each.rebuild)
        if any(
            build.model not in known or build.digest != known[build.model].digest()
            for build in making
        ):
            return  # made by another version of hirelog
        models = [known[build.model] for build in making]
        try:
            Driver(self._conninfo, models, stop=stop).run(each.rebuild, watch=False)
        except Stopped as reason:
            logger.error("rebuild stopped", rebuild=each.rebuild, reason=str(reason))
        except (Paused, NotPossible) as reason:
            logger.info("rebuild left", rebuild=each.rebuild, reason=str(reason))
