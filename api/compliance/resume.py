"""A candidate's details as a profile in JSON Resume's schema, version 1.0.0."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

SCHEMA = "https://raw.githubusercontent.com/jsonresume/resume-schema/v1.0.0/schema.json"

# Narrower than the schema's formats email and uri (RFC 5321, 3986): what does not fit is left out,
# as the redacted does, and stands in the bundle beside the profile anyway.
_LABEL = r"(?=[^.]{1,63}(?:\.|$))[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
EMAIL = re.compile(
    r"(?=.{3,254}$)[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@" + rf"{_LABEL}(?:\.{_LABEL})+"
)
LONGEST_LOCAL_PART = 64
URI = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")


def profile(details: Mapping[str, str], last_modified: datetime | None) -> dict[str, Any]:
    """The profile; `last_modified` is in UTC."""
    basics: dict[str, Any] = {}
    for name, value in details.items():
        match name:
            case "headline":
                basics["label"] = value
            case "location":
                basics["location"] = {"address": value}
            case "email" if not _is_email(value):
                continue
            case "url" if not URI.fullmatch(value):
                continue
            case _:
                basics[name] = value
    meta = {"version": "v1.0.0"}
    if last_modified is not None:
        meta["lastModified"] = last_modified.strftime("%Y-%m-%dT%H:%M:%S")
    return {"$schema": SCHEMA, "basics": basics, "meta": meta}


def _is_email(value: str) -> bool:
    return bool(EMAIL.fullmatch(value)) and value.index("@") <= LONGEST_LOCAL_PART
