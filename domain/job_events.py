"""What happens to a job, as events of its stream."""

from typing import ClassVar

from domain.recorded import Happened


class JobEvent(Happened):
    """Base of the events of a job's stream; none holds personal data."""


class JobOpened(JobEvent):
    """A job was opened."""

    TOPIC: ClassVar[str] = "job.opened"

    title: str
    department: str | None = None
    location: str | None = None
    openings: int = 1
    hiring_managers: tuple[str, ...] | None = None  # as they stand as actors in events


class StagesDefined(JobEvent):
    """The job got its stages, in the order in which an application passes them."""

    TOPIC: ClassVar[str] = "job.stages-defined"

    stages: tuple[str, ...]


class StagesChanged(JobEvent):
    """The job's stages were changed; applications in a removed stage stay where they are."""

    TOPIC: ClassVar[str] = "job.stages-changed"

    from_stages: tuple[str, ...]
    to_stages: tuple[str, ...]


class HiringManagersChanged(JobEvent):
    """Others became responsible for whom the job is given to."""

    TOPIC: ClassVar[str] = "job.hiring-managers-changed"

    from_hiring_managers: tuple[str, ...]
    to_hiring_managers: tuple[str, ...]


class JobClosed(JobEvent):
    """The job was closed: no applications, offers or hires from here on."""

    TOPIC: ClassVar[str] = "job.closed"


class JobReopened(JobEvent):
    """The closed job was opened again."""

    TOPIC: ClassVar[str] = "job.reopened"
