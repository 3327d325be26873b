"""What operators do to read models is on record, in order, and comes through export and import."""

from pathlib import Path
from uuid import uuid4

import psycopg

from api.interchange import ndjson
from api.wiring import System, assembled
from domain.candidate.intents import Source
from domain.intake import Intake
from domain.recorded import Recorded
from domain.upkeep import ParkedRetried, ParkedSkipped, stream_of
from tests.databases import Database
from tests.scenario import by

MODEL = "crm_engagement"
RETRIED = ParkedRetried(model=MODEL, model_version=1)


def history(system: System) -> list[Recorded]:
    return list(system.recruiting.history(stream_of(MODEL)))


def test_upkeep_is_on_the_stream_of_its_read_model(system: System) -> None:
    skipped = ParkedSkipped(
        model=MODEL, model_version=1, stream=uuid4(), topic="candidate.noted", position=7
    )
    record, metadata = system.recruiting.record_upkeep, by("operator:ana")
    outcomes = [record(RETRIED, metadata), record(skipped, by()), record(RETRIED, metadata)]
    assert [(each.version, each.repeated) for each in outcomes] == [
        (1, False),
        (2, False),
        (1, True),
    ]
    assert [each.event for each in history(system)] == [RETRIED, skipped]
    assert history(system)[0].metadata.actor == "operator:ana"


def test_upkeep_is_imported_as_it_was_exported(
    system: System, database: Database, tmp_path: Path
) -> None:
    system.recruiting.record(uuid4(), Source(source="Fair"), by())
    system.recruiting.record_upkeep(RETRIED, by())
    system.recruiting.record(uuid4(), Source(source="Fair"), by())
    system.recruiting.record_upkeep(RETRIED, by())
    file = tmp_path / "export.ndjson"
    with file.open("w") as lines:
        ndjson.export(system, lines, lambda _: None)
    assert ndjson.check(file).candidates == 2

    def load(into: System) -> tuple[int, int]:
        report = ndjson.check(file)
        recording = ndjson.Recording(Intake(into.recruiting), "export", into.keyring.digest)
        ndjson.load(file, recording, report, lambda _: None)
        return report.tally.added, report.tally.repeated

    assert load(system) == (0, 4)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("TRUNCATE hirelog.events")
    with assembled(system.settings, database.service) as empty:
        assert load(empty) == (4, 0)
        assert [each.event for each in history(empty)] == [RETRIED, RETRIED]
