"""What the pipeline shows of a history: an application, and its stays in stages."""

from datetime import datetime

from domain.recorded import Happened
from projections.ats_pipeline import ATS_PIPELINE
from projections.ats_pipeline.rows import APPLICATIONS, STAGE_VISITS, Application, StageVisit
from tests.scenario import Told, log, rows

# Stage, entered, exited, where to.
Stay = tuple[str | None, datetime | None, datetime | None, str | None]


def stays(*history: Told) -> list[Stay]:
    found = rows(ATS_PIPELINE, STAGE_VISITS, log(*history))
    visits = [row for row in found if isinstance(row, StageVisit)]
    assert [each.visit for each in visits] == list(range(1, len(found) + 1))
    return [(each.stage, each.entered_at, each.exited_at, each.exited_to) for each in visits]


def application(*history: Told) -> Application:
    (row,) = rows(ATS_PIPELINE, APPLICATIONS, log(*history))
    assert isinstance(row, Application)
    return row


def by(actor: str, event: Happened) -> Told:
    return event, {"actor": actor}
