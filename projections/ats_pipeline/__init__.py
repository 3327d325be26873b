"""The pipeline: one row for each application and one for each of its visits to a stage."""

from domain.candidate.events import (
    ApplicationEvent,
    Erased,
    ProfileUpdated,
    ReturnedToPool,
    Sourced,
)
from domain.job_events import JobEvent
from projections.ats_pipeline import fold, rows
from projections.runtime.contract import ReadModel

ATS_PIPELINE = ReadModel(
    name="ats_pipeline",
    version=8,
    package=__name__,
    tables=(rows.JOBS, rows.APPLICATIONS, rows.STAGE_VISITS, rows.PEOPLE),
    events=(JobEvent, ApplicationEvent, ReturnedToPool, Sourced, ProfileUpdated, Erased),
    touches=fold.touches,
    fold=fold.fold,
    by_stream=True,
    holds_personal=True,
)
