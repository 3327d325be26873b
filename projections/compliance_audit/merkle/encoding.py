"""Strict base64 and decimals, as the C2SP formats have them: one way to write each value."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

HASH_BYTES = 32


class NotProven(Exception):  # noqa: N818  # the name of the situation
    """A proof, a checkpoint, a key or a bundle is malformed or does not hold; says why."""


def to_base64(data: bytes) -> str:
    """RFC 4648, section 4, with padding."""
    return b64encode(data).decode()


def from_base64(text: str, what: str) -> bytes:
    """The bytes of `text`. Raises NotProven for every other spelling of them."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        data = b""
    # The decoder lets stray bits at the end pass: two texts would stand for the same bytes.
    if not data or to_base64(data) != text:
        raise NotProven(f"{what} is not base64")
    return data


def hash_from_base64(text: str, what: str) -> bytes:
    """A SHA-256 hash. Raises NotProven."""
    data = from_base64(text, what)
    if len(data) != HASH_BYTES:
        raise NotProven(f"{what} is not a hash of {HASH_BYTES} bytes")
    return data


def from_decimal(text: str, what: str) -> int:
    """A number from 0 to 2^63 - 1 in ASCII digits without leading zeros. Raises NotProven."""
    is_plain = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")
    if not is_plain or len(text) > 19 or int(text) >= 2**63:
        raise NotProven(f"{what} is not a number")
    return int(text)
