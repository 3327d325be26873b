"""The read side: what we can ask. READ_MODELS is its table of contents."""

from projections.ats_pipeline import ATS_PIPELINE
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime.contract import ReadModel
from projections.runtime.outside import NoReadModel

READ_MODELS: tuple[ReadModel, ...] = (ATS_PIPELINE, CRM_ENGAGEMENT, COMPLIANCE_AUDIT)


def read_model(name: str) -> ReadModel:
    """The read model of this name. Raises NoReadModel."""
    for model in READ_MODELS:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in READ_MODELS)
    raise NoReadModel(f"there is no read model {name!r}; there are {names}")
