"""Which of several media types a client would rather have (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The one of `offered` that an Accept header asks for; the first where it asks for none."""
    best, wanted = 0.0, offered[0]
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        fitting = [each for each in offered if name in {each, f"{each.partition('/')[0]}/*", "*/*"}]
        if fitting and quality > best:
            best, wanted = quality, fitting[0]
    return wanted
