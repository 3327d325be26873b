"""The read side: what we can ask. READ_MODELS is its table of contents."""

from projections.ats_pipeline import ATS_PIPELINE
from projections.compliance_audit import COMPLIANCE_AUDIT
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.runtime.contract import ReadModel

READ_MODELS: tuple[ReadModel, ...] = (ATS_PIPELINE, CRM_ENGAGEMENT, COMPLIANCE_AUDIT)
