"""Rebuilds that are interrupted, paused and given up, and what is left of them."""

from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from api.wiring import System
from domain.candidate.events import Noted, Sourced
from domain.candidate.intents import Source
from domain.job_events import JobOpened
from domain.upkeep import ParkedSkipped
from domain.values import Origin
from domain.verdict import number
from projections import READ_MODELS, read_model
from projections.runtime import rebuild
from projections.runtime.drive import Driver, Progress
from projections.runtime.rebuild import NotPossible, Stopped
from tests.databases import Database, all_rows
from tests.projections.test_projector import forget_read_models, project_to_the_end
from tests.scenario import by

FIRST, SECOND, THIRD = (model.name for model in READ_MODELS)


def people(system: System, count: int = 3) -> None:
    for _ in range(count):
        system.recruiting.record(uuid4(), Source(source="Fair", name="Ada"), by())


def begun(system: System) -> int:
    with psycopg.connect(system.conninfo, autocommit=True) as connection:
        return rebuild.begin(connection, READ_MODELS).rebuild


def interrupted(system: System, phase: str) -> None:
    """A rebuild of all models that ends like a killed process when it comes to this phase."""

    def end(progress: Progress) -> None:
        if progress.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Driver(system.conninfo, READ_MODELS, tell=end).run(begun(system))


def test_a_rebuild_of_all_goes_on_when_some_models_are_switched_in(system: System) -> None:
    people(system)
    interrupted(system, f"following {SECOND}")
    with psycopg.connect(system.conninfo, autocommit=True) as connection:
        (going,) = rebuild.going(connection)
        assert going.models == [SECOND, THIRD]
        with pytest.raises(NotPossible, match=f"resume {THIRD}"):
            rebuild.begin(connection, READ_MODELS[1:])
    assert begun(system) == going.rebuild
    made = Driver(system.conninfo, READ_MODELS).run(going.rebuild)
    assert [(build.model, build.state, build.position) for build in made] == [
        (SECOND, "live", 3),
        (THIRD, "live", 3),
    ]


def test_what_is_done_cannot_be_paused(system: System) -> None:
    with psycopg.connect(system.conninfo, autocommit=True) as connection:
        done = begun(system)
        Driver(system.conninfo, READ_MODELS).run(done)
        rebuild.set_state(connection, done, "paused")
        assert rebuild.one(connection, done).state == "done"
        assert not rebuild.going(connection)


def test_an_event_that_was_left_out_stays_out_of_tables_that_are_made_anew(
    system: System, database: Database
) -> None:
    """Also live: after an import, or when hirelog lays out its tables anew."""
    person = uuid4()
    sourced = Sourced(origin=Origin.SOURCED, source="Fair")
    system.recruiting.append(number(person, 0, [sourced, Noted(text=None)], by()))
    model = read_model("compliance_audit")
    skipped = ParkedSkipped(
        model=model.name,
        model_version=model.version,
        stream=person,
        topic=Noted.TOPIC,
        position=2,
    )
    project_to_the_end(database.service)
    assert positions(database) == {1, 2}
    system.recruiting.record_upkeep(skipped, by())
    forget_read_models(database)
    project_to_the_end(database.service)
    assert positions(database) == {1, 3}


@pytest.mark.parametrize("by_stream", [True, False])
def test_a_row_that_the_database_refuses_stops_a_rebuild_with_a_sentence(
    system: System, *, by_stream: bool
) -> None:
    sourced = Sourced(origin=Origin.SOURCED, source="Fair")
    actor = "".join(uuid4().hex for _ in range(300))  # longer than an index takes
    system.recruiting.append(number(uuid4(), 0, [sourced], by(actor)))
    opened = JobOpened(title="Designer", openings=10**12)
    system.recruiting.append(number(uuid4(), 0, [opened], by()))
    # An index refuses what the tables have taken already.
    of_index = "refuses a row of" if by_stream else "cannot fold the event at position"
    known_of = {"compliance_audit": of_index, "ats_pipeline": "cannot fold the event at position"}
    for name, known in known_of.items():
        models = [replace(read_model(name), by_stream=by_stream)]
        with psycopg.connect(system.conninfo, autocommit=True) as connection:
            this = rebuild.begin(connection, models)
            with pytest.raises(Stopped, match=known):
                Driver(system.conninfo, models).run(this.rebuild)
            assert rebuild.one(connection, this.rebuild).state == "stopped"


def positions(database: Database) -> set[int]:
    return {entry[0] for entry in all_rows(database.service)["compliance_audit.entries"]}
