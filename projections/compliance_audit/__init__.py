"""The audit trail: one row for each event, readable without a join and without personal data."""

from domain.recorded import Happened
from projections.compliance_audit import fold
from projections.runtime.contract import ReadModel

COMPLIANCE_AUDIT = ReadModel(
    name="compliance_audit",
    version=5,
    package=__name__,
    tables=(fold.ENTRIES,),
    events=(Happened,),
    touches=fold.touches,
    fold=fold.fold,
    by_stream=True,
)
