"""The jobs of an intake: as they are on record, or will be."""

from collections.abc import Callable
from uuid import UUID

from domain import job as jobs
from domain.candidate.intents import Intent
from domain.job import Job
from domain.recorded import Metadata, Recorded
from domain.recruiting import Recruiting
from domain.verdict import keep_and_mark


class KnownJobs:
    """What one writer knows of jobs. Not safe for threads."""

    def __init__(self, recruiting: Recruiting, before: Callable[[UUID], None]) -> None:
        """`before` is called before a job is read."""
        self._recruiting = recruiting
        self._before = before
        self._jobs: dict[UUID | None, Job | None] = {None: None}
        self._commands: dict[UUID, set[UUID]] = {}
        self._others: set[UUID] = set()  # ids of streams that are no job's and never will be

    def get(self, job_id: UUID | None) -> Job | None:
        """The job, where there is one."""
        if job_id not in self._jobs:
            assert job_id is not None  # noqa: S101  # the one for None is there
            self._before(job_id)
            history = list(self._recruiting.history(job_id))
            job = self._jobs[job_id] = jobs.fold(None, history)
            if history and job is None:
                self._others.add(job_id)
            self._commands[job_id] = {each.metadata.command_id for each in history}
        return self._jobs[job_id]

    def rests_on(self, job_id: UUID) -> tuple[UUID, int] | None:
        """What a decision on the job rests on: nothing where it can never be a job."""
        if job_id in self._others:
            return None
        job = self._jobs[job_id]
        return job_id, job.version if job else 0

    def foresee(self, job_id: UUID, intent: Intent, metadata: Metadata) -> None:
        """Takes the job for what it will be after this, unless that is on record."""
        job = self.get(job_id)
        if metadata.command_id not in self._commands[job_id]:
            self._commands[job_id].add(metadata.command_id)
            self._jobs[job_id] = jobs.fold(job, decided(job_id, job, intent, metadata))

    def forget(self, job_id: UUID) -> None:
        """Has the job read anew when it is needed."""
        self._jobs.pop(job_id, None)


def decided(job_id: UUID, job: Job | None, intent: Intent, metadata: Metadata) -> list[Recorded]:
    """What follows from a fact about a job: kept also against the rules, and marked with them."""
    consequences = jobs.consequences(job, intent)
    return keep_and_mark(job_id, job.version if job else 0, consequences, metadata)
