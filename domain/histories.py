"""Reads what is on record of candidates and jobs: now, as of a moment, or event by event."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import Notification

from domain import errors
from domain import job as jobs
from domain.candidate import state
from domain.candidate.events import CandidateEvent
from domain.candidate.state import Candidate
from domain.job import Job
from domain.log import EventLog, Head
from domain.recorded import Recorded


class Histories(Application[UUID]):
    """The streams of candidates and jobs."""

    recorder: EventLog

    def candidate(self, candidate_id: UUID, version: int | None = None) -> Candidate:
        """The candidate now or after event `version`; raises CandidateNotFound, VersionNotFound."""
        try:
            candidate = self.repository.get(
                candidate_id, version=version, projector_func=state.fold
            )
        except AggregateNotFoundError:
            raise not_found(candidate_id) from None
        if version is not None and candidate.version != version:
            raise _no_version(candidate_id, candidate.version, version)
        return candidate

    def heads(self, streams: Sequence[UUID]) -> Mapping[UUID, Head]:
        """The last event of each of these streams that there are."""
        return self.recorder.select_heads(streams)

    def candidate_as_of(
        self,
        candidate_id: UUID,
        *,
        version: int | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Candidate:
        """The candidate from what had happened by `as_of` and was on record by `known_at`.

        With `version`, from no later event than that one.

        Raises CandidateNotFound, also when nothing had happened by then.
        """
        whole = list(self.history(candidate_id, until=version))
        if version is not None and whole and whole[-1].originator_version != version:
            raise _no_version(candidate_id, whole[-1].originator_version, version)
        history = (
            recorded
            for recorded in whole
            if (as_of is None or recorded.metadata.occurred_at <= as_of)
            and (known_at is None or recorded.metadata.recorded_at <= known_at)
        )
        candidate = state.fold(None, history)
        if candidate is None:
            raise errors.CandidateNotFound(
                f"nothing was on record for candidate {candidate_id} at that time"
            )
        return candidate

    def history(
        self, stream: UUID, *, after: int = 0, until: int | None = None, limit: int | None = None
    ) -> Iterator[Recorded]:
        """The stream's events after version `after` up to `until`; personal fields in clear."""
        stored = self.recorder.select_history(stream, gt=after, lte=until, limit=limit)
        return (cast("Recorded", self.mapper.to_domain_event(event)) for event in stored)

    def whole_history(self, candidate_id: UUID, *versions: int | None) -> list[Recorded]:
        """All events of a candidate; raises CandidateNotFound, VersionNotFound for `versions`."""
        history = list(self.history(candidate_id))
        if not history or not isinstance(history[0].event, CandidateEvent):
            raise not_found(candidate_id)
        last = history[-1].originator_version
        for version in versions:
            if version is not None and version > last:
                raise _no_version(candidate_id, last, version)
        return history

    def histories(self, streams: Sequence[UUID]) -> Iterator[Recorded]:
        """All events of these streams, stream by stream, each in its order."""
        stored = self.recorder.select_histories(streams)
        return (cast("Recorded", self.mapper.to_domain_event(event)) for event in stored)

    def read_stored(
        self, position: int, stream: UUID, version: int, topic: str, state: bytes
    ) -> Recorded:
        """One event from its row in the log; personal fields in clear.

        Raises the library's MapperDeserialisationError for bytes that are no event of ours.
        """
        stored = Notification(
            id=position,
            originator_id=stream,
            originator_version=version,
            topic=topic,
            state=state,
        )
        return cast("Recorded", self.mapper.to_domain_event(stored))

    def job(self, job_id: UUID) -> Job:
        """The job now; raises JobNotFound."""
        job = self.find_job(job_id)
        if job is None:
            raise errors.JobNotFound(f"job {job_id} was never opened")
        return job

    def find_job(self, job_id: UUID | None) -> Job | None:
        """The job now, None where it was never opened."""
        if job_id is None:
            return None
        try:
            return self.repository.get(job_id, projector_func=jobs.fold)
        except AggregateNotFoundError:
            return None


def not_found(candidate_id: UUID) -> errors.CandidateNotFound:
    """The refusal of what nothing is on record of."""
    return errors.CandidateNotFound(
        f"candidate {candidate_id} is not on record; begin with sourced or applied"
    )


def _no_version(candidate_id: UUID, last: int, version: int) -> errors.VersionNotFound:
    return errors.VersionNotFound(
        f"candidate {candidate_id} is at version {last}, there is no version {version} yet"
    )
