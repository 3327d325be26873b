"""A step of the company's history, and the hours at which its people work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain.candidate.intents import Intent
from domain.job import ChangeStages, CloseJob, OpenJob, ReopenJob
from domain.recorded import Metadata

PROVENANCE = "demo"

DAY = 86_400  # seconds
WORK_BEGINS, WORK_ENDS = 8, 18  # UTC; the company's towns are at most two hours off
FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One interaction with a candidate, or one thing that happens to a job."""

    stream: UUID
    intent: Intent
    metadata: Metadata

    @property
    def of_job(self) -> bool:
        """Whether the stream is a job's; otherwise it is a candidate's."""
        return isinstance(self.intent, OpenJob | ChangeStages | CloseJob | ReopenJob)


def in_working_hours(moment: datetime, rng: Random) -> datetime:
    """The moment itself, or one on the next working day where nobody is at work then."""
    weekday, hour = moment.weekday(), moment.hour
    if weekday <= FRIDAY and WORK_BEGINS <= hour < WORK_ENDS:
        return moment
    days = 1 if weekday < FRIDAY else 7 - weekday
    if weekday <= FRIDAY and hour < WORK_BEGINS:
        days = 0
    seconds = days * DAY + int(rng.random() * (WORK_ENDS - WORK_BEGINS) * 3_600)
    return moment.replace(hour=WORK_BEGINS, minute=0, second=0) + timedelta(seconds=seconds)
