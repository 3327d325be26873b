"""Our own interchange: newline-delimited JSON, one event or interaction in each line.

Two kinds of line, told apart by their keys (docs/interchange.md describes both):

- `stream`: an event as it is on record somewhere, with its version and all metadata; `hirelog
  export` writes these, and importing them gives the same history.
- `candidate` or `job`: an interaction that happened elsewhere, named with ids of that place.

A file is read twice: first to see that all of it can be read, so that one that was cut off changes
nothing; then to record it. A crew of processes keeps some of what it has read in between.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import IO
from uuid import UUID

import psycopg
from msgspec import structs

from api.interchange.batch import Progress, Report, chunks
from api.interchange.lines import Fact, Line, decoded, read, texts, written
from api.wiring import System
from domain.candidate.events import CandidateEvent
from domain.intake import Intake
from domain.recorded import Metadata, Recorded
from domain.self_identification_events import SelfIdentificationEvent
from domain.upkeep import ImpactReportPublished
from domain.values import named, now

STAYS_HERE = (SelfIdentificationEvent, ImpactReportPublished)
LINES_AT_ONCE = 2_000
PAGE = 2_000

SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 WHERE notification_id > %s
 ORDER BY notification_id
 LIMIT %s
"""


def export(system: System, file: IO[str], progress: Progress) -> int:
    """Writes the whole log in its order, personal values in clear, and returns the number of lines.

    But for self-identifications, which the service cannot open and nobody should hand out, and for
    what is on record of published reports, whose texts lie here.
    `progress` is told the position that was reached.
    Whoever holds the file holds the people's data: write it where only they can read it.
    """
    done = position = 0
    with system.pool.connection() as connection:
        while rows := connection.execute(SELECT_EVENTS, (position, PAGE)).fetchall():
            for recorded in _opened(system, rows):
                file.write(written(recorded))
                done += 1
            position = rows[-1][0]
            progress(position)
    return done


def _opened(system: System, rows: list[psycopg.rows.TupleRow]) -> Iterator[Recorded]:
    system.keyring.load([row[1] for row in rows])
    for row in rows:
        recorded = system.recruiting.read_stored(*row)
        if not isinstance(recorded.event, STAYS_HERE):
            yield recorded


def check(path: Path, source: str = "check") -> Report:
    """Reads the file to its end, recording nothing. Raises CannotImport with the line's number."""
    return checked(path, _all_lines(path, source))


def checked(path: Path, lines: Iterable[Line]) -> Report:
    """What is in these lines of the file."""
    report = Report(file=str(path), format="ndjson")
    candidates: set[UUID] = set()
    for line in lines:
        report.interactions += 1
        if isinstance(line, Recorded):
            report.recorded += 1
            report.by_activity[line.event.wire_name()] += 1
            if isinstance(line.event, CandidateEvent):
                candidates.add(line.originator_id)
        else:
            report.by_activity[line.intent.type] += 1
            if not line.of_job:
                candidates.add(line.stream)
    report.candidates = len(candidates)
    return report


@dataclass(frozen=True)
class Recording:
    """Records lines from one place through one intake.

    `source` names the place. `digest` makes the name of a line's command of what the line says,
    where it has none.
    """

    intake: Intake
    source: str
    digest: Callable[[str], str]

    def take(self, lines: Sequence[Line]) -> None:
        """Takes lines that were checked; what is on record from them already adds nothing."""
        self.intake.expect(set(filter(None, map(_candidate_of, lines))))
        for line in lines:
            if isinstance(line, Fact):
                self._take_fact(line)
            else:
                self.intake.recorded(structs.replace(line, metadata=_portable(line.metadata)))

    def foresee(self, fact: Fact) -> None:
        """Takes a fact about a job as done, which another recording of the same will take."""
        self.intake.foresee(fact.stream, fact.intent, self._metadata(fact))

    def _take_fact(self, fact: Fact) -> None:
        take = self.intake.job_fact if fact.of_job else self.intake.fact
        take(fact.stream, fact.intent, self._metadata(fact))

    def _metadata(self, fact: Fact) -> Metadata:
        command = fact.command or self.digest(_said(fact))
        return Metadata(
            actor=fact.actor,
            on_behalf_of=fact.on_behalf_of,
            reason=fact.intent.reason,
            command_id=named(fact.stream, f"{self.source}/{command}"),
            occurred_at=fact.occurred_at,
            recorded_at=now(),
            provenance=f"import:{self.source}",
        )


def load(path: Path, recording: Recording, report: Report, progress: Progress) -> None:
    """Records a file that was checked, line by line in its order."""
    done = 0
    for lines in chunks(_all_lines(path, recording.source), LINES_AT_ONCE):
        recording.take(lines)
        done += len(lines)
        progress(done)
    recording.intake.flush()
    report.tally = recording.intake.tally


def _all_lines(path: Path, source: str) -> Iterator[Line]:
    return (read(number, decoded(number, text), source) for number, text in texts(path))


def _candidate_of(line: Line) -> UUID | None:
    if isinstance(line, Fact):
        return None if line.of_job else line.stream
    return line.originator_id if isinstance(line.event, CandidateEvent) else None


def _said(fact: Fact) -> str:
    return f"{fact.actor} {fact.occurred_at.isoformat()} {fact.intent.fingerprint()}"


def _portable(metadata: Metadata) -> Metadata:
    # Another installation's master key could not check the digest. What is the default itself, and
    # not only equal to it, is not stored.
    return structs.replace(metadata, command_digest=None, provenance=intern(metadata.provenance))
