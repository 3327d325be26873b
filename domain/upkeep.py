"""What is done of no candidate and no job, and must stay on record.

Parked events retried or left out of a read model, and its rebuilds: begun, held, given up, switched
away; a report on adverse impact published.
"""

from typing import ClassVar, Literal
from uuid import UUID, uuid5

from domain.recorded import Happened
from domain.values import NAMESPACE, Moment


class UpkeepEvent(Happened):
    """Base of these events; none holds personal data."""

    def kept_on(self) -> UUID:
        """The stream that it belongs to."""
        raise NotImplementedError


class ReadModelEvent(UpkeepEvent):
    """Base of the events on a read model's own stream.

    `model_version` is the version of the read model that the operator dealt with.
    """

    model: str
    model_version: int

    def kept_on(self) -> UUID:
        """The read model's own stream."""
        return stream_of(self.model)


class ParkedRetried(ReadModelEvent):
    """Parked events were given another try, of one stream or (without stream) of all."""

    TOPIC: ClassVar[str] = "read-model.parked-retried"

    stream: UUID | None = None


class ParkedSkipped(ReadModelEvent):
    """An event that this version of the read model cannot fold was left out of it for good."""

    TOPIC: ClassVar[str] = "read-model.parked-skipped"

    stream: UUID
    topic: str
    position: int


class RebuildEvent(ReadModelEvent):
    """Base of what was done to a rebuild; `rebuild` is its number."""

    rebuild: int


class RebuildBegun(RebuildEvent):
    """The read model is to be built anew, or as it stood at a moment."""

    TOPIC: ClassVar[str] = "read-model.rebuild-begun"

    as_of: Moment | None = None
    as_of_by: Literal["recorded", "occurred"] | None = None


class RebuildPaused(RebuildEvent):
    """Whoever made it was to leave off."""

    TOPIC: ClassVar[str] = "read-model.rebuild-paused"


class RebuildResumed(RebuildEvent):
    """It was to go on."""

    TOPIC: ClassVar[str] = "read-model.rebuild-resumed"


class RebuildAbandoned(RebuildEvent):
    """It was given up, and what there was of the read model in it was dropped."""

    TOPIC: ClassVar[str] = "read-model.rebuild-abandoned"


class SwitchedBack(ReadModelEvent):
    """The tables of an earlier build became the live ones again."""

    TOPIC: ClassVar[str] = "read-model.switched-back"

    build: int


class BuildDropped(ReadModelEvent):
    """A retired or kept build was dropped, and its tables with it."""

    TOPIC: ClassVar[str] = "read-model.build-dropped"

    build: int


class ImpactReportPublished(UpkeepEvent):
    """A report on adverse impact was published; who did, and when, says the metadata.

    It counts up to `position`, was computed under a version of a policy, and names the signed
    `checkpoint` of the log before it. The digests are the SHA-256 of its text in each format, in
    UTF-8, in hexadecimal: whoever was handed the text can tell whether it is this one. It shows no
    group of fewer people than `smallest_group`; None says that it shows groups of any size.
    """

    TOPIC: ClassVar[str] = "impact-report.published"

    report_id: UUID
    position: int
    checkpoint: str
    policy: str
    policy_version: str
    json_sha256: str
    csv_sha256: str
    html_sha256: str
    smallest_group: int | None = None

    def kept_on(self) -> UUID:
        """The one stream of all published reports."""
        return IMPACT_REPORTS


IMPACT_REPORTS = uuid5(NAMESPACE, "impact reports")


def stream_of(model: str) -> UUID:
    """The stream of what was done to a read model."""
    return uuid5(NAMESPACE, f"read model {model}")
