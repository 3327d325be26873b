"""Reads JSON of which no object has a field twice: of two values, the other may have been meant."""

import json
from typing import Any


def loads(text: bytes) -> Any:
    """As json.loads. Raises JSONDecodeError also where a field is given twice."""
    return _DECODER.decode(text.decode(json.detect_encoding(text), "surrogatepass"))


def _object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(fields)
    if len(made) != len(fields):
        raise json.JSONDecodeError("a field is given twice", "", 0)
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
