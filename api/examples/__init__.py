"""Examples for the OpenAPI page: one story, as it is asked for and as it is answered."""

from api.examples.requests import (
    APPLICATION,
    BEGINNINGS,
    INTERACTIONS,
    JOB,
    JOB_CHANGES,
    JOBS,
)

__all__ = ["APPLICATION", "BEGINNINGS", "INTERACTIONS", "JOB", "JOBS", "JOB_CHANGES"]
