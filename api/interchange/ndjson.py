"""Our own interchange: newline-delimited JSON, one event or interaction in each line.

Two kinds of line, told apart by their keys (docs/interchange.md describes both):

- `stream`: an event as it is on record somewhere, with its version and all metadata; `hirelog
  export` writes these, and importing them gives the same history.
- `candidate` or `job`: an interaction that happened elsewhere, named with ids of that place.

A file is read twice: first to see that all of it can be read, so that one that was cut off changes
nothing; then to record it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from sys import intern
from typing import IO
from uuid import UUID, uuid5

import psycopg
from msgspec import structs

from api.interchange.batch import Progress, Report, chunks
from api.interchange.lines import (
    FactLine,
    RecordedLine,
    Text,
    event_of,
    intent_of,
    of_candidate,
    parsed,
    stream_of,
    texts,
    written,
)
from api.wiring import System
from domain.candidate.intents import Intent
from domain.intake import Intake
from domain.recorded import Metadata, Recorded
from domain.self_identification_events import SelfIdentificationEvent
from domain.upkeep import ImpactReportPublished
from domain.values import now

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


def check(path: Path, concerns: Callable[[bytes], bool] = lambda _: True) -> Report:
    """Reads the lines that it concerns, recording nothing. Raises CannotImport with its line."""
    report = Report(file=str(path), format="ndjson")
    candidates: set[UUID | str] = set()
    for number, text in texts(path):
        if not concerns(text):
            continue
        line = parsed(number, text)
        if isinstance(line, RecordedLine):
            report.recorded += 1
            report.by_activity[event_of(number, line).wire_name()] += 1
            if of_candidate(line):
                candidates.add(line.stream)
        else:
            report.by_activity[intent_of(number, line, "check").type] += 1
            if line.candidate is not None:
                candidates.add(line.candidate)
        report.interactions += 1
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

    def take(self, lines: Sequence[Text]) -> None:
        """Takes lines that were checked; what is on record from them already adds nothing."""
        read = [(number, parsed(number, text)) for number, text in lines]
        streams = [stream_of(line, self.source) for _, line in read]
        of_candidates = [of_candidate(line) for _, line in read]
        self.intake.expect(set(compress(streams, of_candidates)))
        for stream, (number, line) in zip(streams, read, strict=True):
            if isinstance(line, RecordedLine):
                metadata = _portable(line.metadata)
                event = event_of(number, line)
                self.intake.recorded(Recorded(stream, line.version, event, metadata))
            else:
                self._take_fact(stream, number, line)

    def _take_fact(self, stream: UUID, number: int, line: FactLine) -> None:
        intent = intent_of(number, line, self.source)
        command = line.command or self.digest(_said(line, intent))
        metadata = Metadata(
            actor=line.actor,
            on_behalf_of=line.on_behalf_of,
            reason=intent.reason,
            command_id=uuid5(stream, f"{self.source}/{command}"),
            occurred_at=line.occurred_at,
            recorded_at=now(),
            provenance=f"import:{self.source}",
        )
        take = self.intake.fact if line.job is None else self.intake.job_fact
        take(stream, intent, metadata)


def load(path: Path, recording: Recording, report: Report, progress: Progress) -> None:
    """Records a file that was checked, line by line in its order."""
    done = 0
    for lines in chunks(texts(path), LINES_AT_ONCE):
        recording.take(lines)
        done += len(lines)
        progress(done)
    recording.intake.flush()
    report.tally = recording.intake.tally


def _said(line: FactLine, intent: Intent) -> str:
    return f"{line.actor} {line.occurred_at.isoformat()} {intent.fingerprint()}"


def _portable(metadata: Metadata) -> Metadata:
    # Another installation's master key could not check the digest. What is the default itself, and
    # not only equal to it, is not stored.
    return structs.replace(metadata, command_digest=None, provenance=intern(metadata.provenance))
