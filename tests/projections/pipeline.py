"""What the pipeline shows of a history: an application, and its stays in stages."""

from datetime import datetime

from domain.recorded import Happened
from projections.ats_pipeline import ATS_PIPELINE
from projections.ats_pipeline.rows import APPLICATIONS, STAGE_VISITS, Application, StageVisit
from tests.scenario import Told, log, rows

# Stage, entered, exited, where to.
Stay = tuple[str | None, datetime | None, datetime | None, str | None]


def stays(*history: Told) -> list[Stay]:
    visits = rows(ATS_PIPELINE, STAGE_VISITS, log(*history))
    assert [visit[1] for visit in visits] == list(range(1, len(visits) + 1))
    return [
        (visit.stage, visit.entered_at, visit.exited_at, visit.exited_to)
        for visit in visits
        if isinstance(visit, StageVisit)
    ]


def application(*history: Told) -> Application:
    (row,) = rows(ATS_PIPELINE, APPLICATIONS, log(*history))
    assert isinstance(row, Application)
    return row


def by(actor: str, event: Happened) -> Told:
    return event, {"actor": actor}
