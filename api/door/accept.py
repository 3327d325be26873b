"""Which of several media types or codings a client would rather have (RFC 9110, section 12.5)."""

from collections.abc import Mapping, Sequence


def weights(accept: str) -> Mapping[str, float]:
    """What an Accept header names, in lower case and in its order, with how much it is wanted.

    That is 0 where it is refused, or where the weight is no number.
    """
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            found[name] = float(weight)
        except ValueError:
            found[name] = 0.0
    return found


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The one of `offered` that an Accept header asks for; the first where it asks for none."""
    best, wanted = 0.0, offered[0]
    for name, quality in weights(accept).items():
        fitting = [each for each in offered if name in {each, f"{each.partition('/')[0]}/*", "*/*"}]
        if fitting and quality > best:
            best, wanted = quality, fitting[0]
    return wanted


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header wants gzip, and no less than an answer as it is."""
    given = weights(accept_encoding)
    wanted = given.get("gzip", given.get("*", 0.0))
    return wanted > 0 and wanted >= given.get("identity", 0.0)
