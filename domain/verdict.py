"""The two ways to take a decision: a command is refused, a fact is kept and marked."""

from collections.abc import Container, Iterable
from datetime import timedelta
from uuid import UUID

from msgspec import structs

from domain.errors import OccurredInFuture, Refusal, VersionMismatch
from domain.recorded import Happened, Metadata, Recorded

CLOCK_SKEW = timedelta(minutes=5)

Expected = int | Container[int] | None
"""The version at which a stream must be, or those of which it must be at one."""


def refuse_or_record(
    stream: UUID, version: int, consequences: Iterable[Refusal | Happened], metadata: Metadata
) -> list[Recorded]:
    """The events to append after `version` for a command; raises the first broken rule."""
    if _is_in_future(metadata):
        raise _in_future(metadata)
    events: list[Happened] = []
    for consequence in consequences:
        if isinstance(consequence, Refusal):
            raise consequence
        events.append(consequence)
    return number(stream, version, events, metadata)


def keep_and_mark(
    stream: UUID, version: int, consequences: Iterable[Refusal | Happened], metadata: Metadata
) -> list[Recorded]:
    """The events to append after `version` for a fact, marked with every rule that it breaks."""
    events: list[Happened] = []
    broken = [_in_future(metadata).code] if _is_in_future(metadata) else []
    for consequence in consequences:
        if isinstance(consequence, Refusal):
            broken.append(consequence.code)
        else:
            events.append(consequence)
    if broken:
        metadata = structs.replace(metadata, broken_rules=tuple(broken))
    return number(stream, version, events, metadata)


def number(
    stream: UUID, version: int, events: Iterable[Happened], metadata: Metadata
) -> list[Recorded]:
    """The events as they follow `version` on the stream."""
    return [Recorded(stream, version + n, event, metadata) for n, event in enumerate(events, 1)]


def _is_in_future(metadata: Metadata) -> bool:
    return metadata.occurred_at > metadata.recorded_at + CLOCK_SKEW


def _in_future(metadata: Metadata) -> OccurredInFuture:
    return OccurredInFuture(
        f"occurred_at {metadata.occurred_at.isoformat()} lies in the future; "
        "record an interaction when it has happened"
    )


def refuse_unless_expected(kind: str, version: int, expected: Expected) -> None:
    """Raises VersionMismatch where the stream is at a version that its caller did not expect."""
    if expected is None or version == expected:
        return
    if isinstance(expected, int):
        wanted = f"not at {expected}"
    elif version in expected:
        return
    else:
        wanted = "at none of those expected"
    raise VersionMismatch(
        f"the {kind} is at version {version}, {wanted}; read it again and decide anew"
    )
