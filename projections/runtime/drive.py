"""Carries a rebuild through: workers make the rows, indexes follow, and the builds are switched in.

One process at a time drives a rebuild, by an advisory lock; any other one that is asked to watches,
and takes over when the driver dies.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import psycopg

from projections.runtime import builds, outside, rebuild, switch
from projections.runtime.builds import Build, BuildGone
from projections.runtime.contract import ReadModel
from projections.runtime.indexes import index_maker
from projections.runtime.projector import Superseded, follow
from projections.runtime.rebuild import Paused, Rebuild, Stopped
from projections.runtime.selection import seen
from projections.runtime.worker import LOST_DATABASE, STOPPED, Poisoned

LOOK_SECONDS = 0.1
TRIES = 30  # restarts of workers, or of a lost database, a second apart and without any progress
AT_ONCE = 2  # indexes that the database makes at the same time, or as many as there are workers
MOST_AT_ONCE = 8  # each has a connection of its own
TRIED_SECONDS = 60  # what was lost later than this after its restart had made progress

DRIVE = "SELECT pg_try_advisory_lock(hashtextextended('hirelog rebuild ' || %s, 0))"
STOP = """
UPDATE read_models.rebuilds SET state = 'stopped', error = %s
 WHERE rebuild = %s AND state = 'running'
"""
KEEP = """
UPDATE read_models.builds SET state = 'kept', position = %s, updated_at = now() WHERE build = %s
"""


# The database is away, or one of several builds was abandoned: what is left goes on.
GO_ON = (
    BuildGone,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
    Superseded,
)


@dataclass(frozen=True)
class Progress:
    """How far a rebuild is: events of `total` that are done in the present phase."""

    phase: str
    done: int
    total: int


Tell = Callable[[Progress], None]


@dataclass
class Driver:
    """Drives rebuilds with so many workers, telling how far they are, until `stop` is set."""

    conninfo: str
    models: Sequence[ReadModel]
    workers: int = 1
    tell: Tell = lambda _: None
    stop: Event = field(default_factory=Event)
    rebuild_id: int = 0
    drives: bool = False  # not only watches

    def run(self, rebuild_id: int, *, watch: bool = True) -> list[Build]:
        """Drives the rebuild to its end, or watches who does; returns its builds.

        Without `watch`, returns at once when another process drives it.

        Survives the loss of the database. Raises Stopped, Paused (also when `stop` is set),
        NotPossible when it was abandoned, and psycopg.Error when the database stays away.
        """
        self.rebuild_id = rebuild_id
        made, tries = set[int](), 0
        while True:
            began = time.monotonic()
            try:
                with psycopg.connect(self.conninfo, autocommit=True) as connection:
                    made |= {each.build for each in builds.of_rebuild(connection, rebuild_id)}
                    self._drive_or_watch(connection, watch=watch)
                    found = [each for each in builds.all_builds(connection) if each.build in made]
                    return sorted(found, key=lambda each: each.build)
            except GO_ON:
                tries = 1 if time.monotonic() - began > TRIED_SECONDS else tries + 1
                if tries == TRIES:
                    raise
            if self.stop.wait(1):
                raise self._paused()

    def _drive_or_watch(self, connection: psycopg.Connection[Any], *, watch: bool) -> None:
        while not self._is_ours(connection):
            if not watch or self._check(connection).state == "done":
                return
            self._tell_units(connection)
            time.sleep(LOOK_SECONDS)
        self.drives = True
        try:
            self._drive(connection)
        except (Poisoned, Stopped) as error:
            connection.execute(STOP, (str(error), self.rebuild_id))
            raise Stopped(str(error)) from error
        except GO_ON:
            raise
        except psycopg.Error as error:
            said = f"the database does not do what the rebuild asks: {type(error).__name__}"
            connection.execute(STOP, (said, self.rebuild_id))
            raise Stopped(said) from error

    def _is_ours(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(DRIVE, (str(self.rebuild_id),)).fetchone()
        return bool(row and row[0])

    def _drive(self, connection: psycopg.Connection[Any]) -> None:
        by_name = {model.name: model for model in self.models}
        self._make_units(connection)
        self._make_indexes(connection)
        for build in builds.of_rebuild(connection, self.rebuild_id):
            self._follow_to_head(connection, by_name[build.model], build)
            this = self._check(connection)
            if this.purpose == "live":
                switch.switch_in(
                    connection, by_name[build.model], builds.one(connection, build.build)
                )
            else:
                connection.execute(KEEP, (this.head, build.build))
        rebuild.set_state(connection, self.rebuild_id, "done")

    def _check(self, connection: psycopg.Connection[Any]) -> Rebuild:
        """The rebuild as it stands; raises Paused, Stopped or NotPossible where it must not go on.

        NotPossible when it was abandoned.
        """
        this = rebuild.one(connection, self.rebuild_id)
        if this.state == "stopped":
            raise Stopped(this.error or "the rebuild was stopped")
        if this.state == "paused" or self.stop.is_set():
            raise self._paused()
        return this

    def _paused(self) -> Paused:
        return Paused(f"rebuild {self.rebuild_id} is paused; the same command goes on with it")

    def _tell_units(self, connection: psycopg.Connection[Any]) -> Rebuild:
        this = rebuild.one(connection, self.rebuild_id)
        self.tell(Progress("folding", int(this.head * this.share), this.head))
        return this

    def _make_units(self, connection: psycopg.Connection[Any]) -> None:
        tries, before = 0, -1
        while (this := self._tell_units(connection)).units_done < this.units:
            self._check(connection)
            tries = tries + 1 if this.units_done == before else 0
            before = this.units_done
            if tries == TRIES:
                raise Stopped(f"the workers of rebuild {self.rebuild_id} end without a result")
            if tries:
                time.sleep(1)
            with self._working(this.units - this.units_done) as processes:
                while working := [each for each in processes if each.poll() is None]:
                    with suppress(subprocess.TimeoutExpired):
                        working[0].wait(LOOK_SECONDS)
                    self._tell_units(connection)
                    self._check(connection)
            codes = {process.returncode for process in processes}
            self._check(connection)
            for code in codes - {0, LOST_DATABASE, STOPPED}:
                if code > 0:
                    raise Stopped(f"a worker of rebuild {self.rebuild_id} failed; see its output")

    @contextmanager
    def _working(self, left: int) -> Iterator[list[subprocess.Popen[str]]]:
        order = {
            "conninfo": self.conninfo,
            "rebuild": self.rebuild_id,
            "models": [outside.folder_of(model) for model in self.models],
        }
        processes = []
        try:
            for _ in range(min(self.workers, left)):
                process = subprocess.Popen(
                    [sys.executable, "-m", "projections.runtime.worker"],
                    stdin=subprocess.PIPE,
                    text=True,
                    process_group=0,  # Ctrl-C is for this process, which ends them
                )
                processes.append(process)
                assert process.stdin is not None  # noqa: S101  # a pipe
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            yield processes
        finally:
            for process in processes:
                if process.stdin:
                    process.stdin.close()
                process.wait()

    def _make_indexes(self, connection: psycopg.Connection[Any]) -> None:
        by_stream = {model.name: model.tables for model in self.models if model.by_stream}
        building = [
            (build, by_stream[build.model])
            for build in builds.of_rebuild(connection, self.rebuild_id)
            if build.model in by_stream
        ]
        at_once = min(max(self.workers, AT_ONCE), MOST_AT_ONCE)
        with index_maker(self.conninfo, at_once, self._check) as maker:
            for done, total in maker.make(building):
                self.tell(Progress("indexing", done, total))

    def _follow_to_head(
        self, connection: psycopg.Connection[Any], model: ReadModel, build: Build
    ) -> None:
        """Folds what the workers have not, in the log's order: all of it where not by stream."""
        this = self._check(connection)
        self.tell(Progress(f"following {model.name}", build.position, this.head))

        def moved(position: int) -> None:
            self.tell(Progress(f"following {model.name}", position, this.head))
            self._check(connection)

        followed = follow(connection, model, builds.one(connection, build.build))
        followed.park = switch.stop_at_poison
        followed.seen = seen(connection, model, this.as_of_filter())
        switch.catch_up(connection, followed, this.head, moved)
