"""A problem as RFC 9457 has it, and how the API's document tells of those that a route may have."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.door import request_ids
from api.problems import PUBLISHED
from domain.errors import Refusal

MEDIA_TYPE = "application/problem+json"
EXAMPLE_ID = "0f5b7c0e-6d1c-4a53-9a1e-3c1f0c6f4f7b"

# Any route may answer with these.
ALWAYS = (
    "invalid-request",
    "database-unavailable",
    "issuer-unavailable",
    "overloaded",
    "too-slow",
    "read-model-changing",
)

Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; `code` is stable and meant for programs."""

    type: str = Field(examples=["urn:hirelog:problem:already-rejected"])
    title: str = Field(examples=["Already rejected"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["already-rejected"])
    detail: str = Field(
        examples=["application 5d5057d1-bfc8-5c8f-bbeb-64d3d0ec77f3 was rejected; reinstate it"]
    )
    request_id: str = Field(
        examples=[EXAMPLE_ID],
        description="As `X-Request-Id` of the answer; tell it to whoever looks into the problem.",
    )
    errors: list[dict[str, str]] | None = Field(
        default=None, examples=[[{"field": "body.to_stage", "message": "Field required"}]]
    )


def problems(
    *refusals: type[Refusal],
    takes_body: bool = False,
    paged: bool = False,
    also: Iterable[str] = (),
) -> Responses:
    """The answers that a route documents: its refusals, and what any such route may answer.

    `also` are the codes of its own.
    """
    codes = [*ALWAYS, *(each.code for each in refusals), *also]
    if takes_body:
        codes += ["content-too-large", "unsupported-media-type"]
    if paged:
        codes.append("invalid-cursor")
    return problem_answers(*codes)


def problem_answers(*codes: str) -> Responses:
    """How the document shows these problems: by status, each code with its meaning."""
    kinds = [PUBLISHED[code] for code in codes]
    return {
        status: {
            "model": Problem,
            "description": "  \n".join(f"`{each.code}`: {each.meaning}" for each in shown),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        each.code: {"value": _body(status, each.code, each.meaning, EXAMPLE_ID)}
                        for each in shown
                    },
                }
            },
        }
        for status in sorted({each.status for each in kinds})
        if (shown := [each for each in kinds if each.status == status])
    }


def _body(
    status: int,
    code: str,
    detail: str,
    request_id: str,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    return Problem(
        type=f"urn:hirelog:problem:{code}",
        title=code.replace("-", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        errors=errors,
    ).model_dump(exclude_none=True)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document about the request that is being answered.

    Raises LookupError for a code that is not published with this status.
    """
    if PUBLISHED[code].status != status:
        raise LookupError(f"{code} is published with the status {PUBLISHED[code].status}")
    return JSONResponse(
        _body(status, code, detail, request_ids.current(), errors),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )
