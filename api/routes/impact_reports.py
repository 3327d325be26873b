"""Published reports on adverse impact: which there are, and their texts word for word.

They are published on the command line alone: only that opens the vault, no route does.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.access.rights import OVERSEES, open_to
from api.deps import SystemDep
from api.door.accept import preferred
from api.door.route import Route
from api.examples.impact_reports import IMPACT_REPORT, IMPACT_REPORT_CSV, IMPACT_REPORTS
from api.openapi import answers
from api.paging import Page, PageDep, moment
from api.problem_documents import Responses, problems
from api.reading import SAYS_WHY, ReaderDep
from api.readings import What
from domain import errors
from domain.values import Moment
from projections.adverse_impact.published import ReportAltered, kept, published

router = APIRouter(
    prefix="/v1/impact-reports",
    tags=["Audit"],
    route_class=Route,
    dependencies=[open_to(*OVERSEES)],
)


class Format(StrEnum):
    """In what a report is written."""

    JSON = "json"
    CSV = "csv"
    HTML = "html"


MEDIA_TYPES: Mapping[str, Format] = {
    "application/json": Format.JSON,
    "text/csv": Format.CSV,
    "text/html": Format.HTML,
}
# The page brings its own style, which the policy of all other answers does not let in.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class ImpactReport(BaseModel):
    """A report that was published, and whether it still is what was published."""

    report_id: UUID
    published_at: Moment
    published_by: str = Field(examples=["officer:kim"])
    position: int = Field(description="Up to which position of the log it counts.")
    checkpoint: str | None = Field(description="The log's signed checkpoint, C2SP signed note.")
    policy: str = Field(examples=["us-ugesp"])
    policy_version: str
    json_sha256: str = Field(description="Of its text as JSON, in hexadecimal.")
    csv_sha256: str
    html_sha256: str
    smallest_group: int | None = Field(
        description="No group of fewer people is shown; null where groups of any size are."
    )
    wrong: str | None = Field(
        description="How it differs from what the log says was published; null where it does not."
    )


class ImpactReportText(BaseModel):
    """The text of a report as JSON; each number stands exactly (`exact`) and as a float."""

    about: dict[str, str] = Field(description="Where it comes from, and whom it may be handed to.")
    policy: dict[str, Any]
    wording: dict[str, str] = Field(description="By which version answers were read.")
    smallest_cell: dict[str, Any] | None = Field(
        default=None, description="By which rule small groups are not shown; null where all are."
    )
    what_this_is: str
    attributes: list[str]
    sections: list[dict[str, Any]]


@router.get(
    "",
    summary="List published reports on adverse impact",
    responses=answers(IMPACT_REPORTS) | problems(paged=True),
)
def list_impact_reports(system: SystemDep, page: PageDep) -> Page[ImpactReport]:
    """The last published first, each held against what the log says of it."""
    before, before_id = page.key(moment, UUID)
    with system.pool.connection() as connection:
        found = [
            each.plain()
            for each in published(connection)
            if before is None
            or (each.report.published_at, each.report.report_id) < (before, before_id)
        ]
    items = [ImpactReport.model_validate(each) for each in found]
    return page.page(found[: page.limit + 1], items, "published_at", "report_id")


def _documented() -> Responses:
    documented = answers(IMPACT_REPORT)
    documented[200]["content"]["text/csv"] = _text(IMPACT_REPORT_CSV)
    documented[200]["content"]["text/html"] = _text("<!doctype html>…")
    return documented | problems(errors.ImpactReportNotFound, also=["report-altered"])


def _text(example: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "example": json.dumps(example)}


@router.get(
    "/{report_id}",
    response_model=ImpactReportText,
    summary="Read a published report on adverse impact",
    responses=_documented(),
    openapi_extra=SAYS_WHY,
)
def read_impact_report(
    report_id: UUID,
    reader: ReaderDep,
    format: Annotated[  # noqa: A002  # the parameter's own name
        Format | None, Query(description="In what; without it `Accept` says it, else JSON.")
    ] = None,
) -> Response:
    """Word for word as it was published: as JSON, CSV, or a page of HTML with a chart. One that is
    not what the log says was published is not given out (`report-altered`). That it was read is
    noted. Publishing is for `hirelog impact report`, which alone opens people's answers.
    """
    accept = reader.request.headers.get("accept", "")
    wanted = format or MEDIA_TYPES[preferred(accept, tuple(MEDIA_TYPES))]
    with reader.system.pool.connection() as connection:
        found = kept(connection, report_id)
    if found is None:
        raise errors.ImpactReportNotFound(f"no report was published as {report_id}")
    checked, texts = found
    if texts is None or checked.wrong:
        raise ReportAltered(f"report {report_id}: {checked.wrong}")
    reader.note_on_thread(None, What.IMPACT_REPORT)
    media_type = next(name for name, each in MEDIA_TYPES.items() if each is wanted)
    headers = {**reader.response.headers, "Vary": "Accept"}
    if wanted is Format.HTML:
        headers["Content-Security-Policy"] = PAGE_POLICY
    return Response(getattr(texts, wanted), media_type=media_type, headers=headers)
