"""The pipeline: one row for each application and one for each of its visits to a stage."""

from domain.candidate.events import (
    ApplicationEvent,
    Erased,
    ProfileUpdated,
    ReturnedToPool,
    Sourced,
)
from domain.job import JobEvent
from projections.ats_pipeline import fold
from projections.runtime.contract import ReadModel

ATS_PIPELINE = ReadModel(
    name="ats_pipeline",
    version=5,
    package=__name__,
    tables=(fold.JOBS, fold.APPLICATIONS, fold.STAGE_VISITS, fold.PEOPLE),
    events=(JobEvent, ApplicationEvent, ReturnedToPool, Sourced, ProfileUpdated, Erased),
    touches=fold.touches,
    fold=fold.fold,
    by_stream=True,
    holds_personal=True,
)
