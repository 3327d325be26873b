"""A stream's version on the wire: ETag in answers, and If-Match of those who insist on it."""

import re
from typing import Annotated

from fastapi import Header
from pydantic import StringConstraints, WithJsonSchema

from domain.verdict import Expected

TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
TAGS = rf"^[ \t]*(\*|[ \t,]*{TAG}([ \t]*,[ \t,]*{TAG})*[ \t,]*)[ \t]*$"
TOLD = r'^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$'  # as clients should send it
VERSION = re.compile(r"[1-9][0-9]{0,18}")
ANY = range(1, 2**63)


def tag_of(version: int) -> str:
    """The entity tag of a stream at this version."""
    return f'"{version}"'


IfMatch = Annotated[
    list[Annotated[str, StringConstraints(max_length=1_000, pattern=TAGS)]] | None,
    # Several lines are the same as one with commas, which is how clients send them.
    WithJsonSchema({"type": "string", "pattern": TOLD, "examples": ['"7"']}),
    Header(
        alias="If-Match",
        description=(
            'The version on which you decided, as `ETag` gave it, such as `"7"`: at any other '
            "one nothing is recorded and the answer is 412, `version-mismatch`. Of several, "
            "separated by commas, one must be it; `*` is every version; one that begins with "
            "`W/` is none. What is on record already under its `Idempotency-Key` gets its "
            "first answer all the same."
        ),
    ),
]


def expected(if_match: list[str] | None) -> Expected:
    """The version, or one of those, that a command insists on; None where it does not."""
    if if_match is None:
        return None
    if any(line.strip() == "*" for line in if_match):
        return ANY
    tags = re.findall(TAG, ", ".join(if_match))
    versions = {int(opaque) for weak, opaque in tags if not weak and VERSION.fullmatch(opaque)}
    return versions.pop() if len(versions) == 1 else versions
