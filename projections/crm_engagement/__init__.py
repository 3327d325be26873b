"""The relationship: one row for each candidate and one for each touchpoint."""

from domain.candidate.events import CandidateEvent
from projections.crm_engagement import fold, rows
from projections.runtime.contract import ReadModel

CRM_ENGAGEMENT = ReadModel(
    name="crm_engagement",
    version=8,
    package=__name__,
    tables=(rows.CANDIDATES, rows.POOL_MEMBERS, rows.TOUCHPOINTS),
    events=(CandidateEvent,),
    touches=fold.touches,
    fold=fold.fold,
    by_stream=True,
    holds_personal=True,
)
