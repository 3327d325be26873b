"""What operators do to read models that must stay on record: parked events retried or left out."""

from typing import ClassVar
from uuid import UUID, uuid5

from domain.recorded import Happened
from domain.values import NAMESPACE


class UpkeepEvent(Happened):
    """Base of the events on a read model's own stream; none holds personal data.

    `model_version` is the version of the read model that the operator dealt with.
    """

    model: str
    model_version: int


class ParkedRetried(UpkeepEvent):
    """Parked events were given another try, of one stream or (without stream) of all."""

    TOPIC: ClassVar[str] = "read-model.parked-retried"

    stream: UUID | None = None


class ParkedSkipped(UpkeepEvent):
    """An event that this version of the read model cannot fold was left out of it for good."""

    TOPIC: ClassVar[str] = "read-model.parked-skipped"

    stream: UUID
    topic: str
    position: int


def stream_of(model: str) -> UUID:
    """The stream of what was done to a read model."""
    return uuid5(NAMESPACE, f"read model {model}")
