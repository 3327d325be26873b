"""Reads event logs in XES (IEEE 1849-2016) as facts about candidates.

A log is read twice: first to see that all of it can be read and is mapped, so that a truncated file
or a missing activity changes nothing; then to record it, case by case, each in the file's order.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID, uuid4

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from api.interchange.batch import CannotImport, Progress, Report, chunks, readable
from api.interchange.mapping import Mapping
from domain.candidate.intents import Intent
from domain.errors import CandidateErased
from domain.given import GivenMoment
from domain.intake import Intake
from domain.job import OpenJob
from domain.recorded import Metadata
from domain.values import now
from domain.vault import SelfIdentifications

CASES_AT_ONCE = 500
GZIP_MAGIC = b"\x1f\x8b"

MOMENT: TypeAdapter[GivenMoment] = TypeAdapter(GivenMoment)


@dataclass(frozen=True)
class Case:
    """One trace: the attributes of the case and those of its events, in the file's order.

    `unread` counts what has no place in these: attributes of the log and nested ones.
    """

    attributes: dict[str, str]
    events: list[dict[str, str]]
    unread: Counter[str]


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a log, plain or gzipped, without holding more than one. Raises CannotImport."""
    checked = False
    unread: Counter[str] = Counter()
    try:
        with _opened(readable(path)) as file:
            for event, element in etree.iterparse(
                file, events=("start", "end"), resolve_entities=False, no_network=True
            ):
                if not checked:
                    _check_root(path, element)
                    checked = True
                if event == "start":
                    continue
                parent = element.getparent()
                if parent is not None and parent.getparent() is None and element.get("key"):
                    unread[f"{element.get('key')} (of the log)"] += 1
                if _name(element) == "trace":
                    yield _case(element, unread)
                    unread = Counter()
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise CannotImport(f"{path} is not a whole XML document: {error.msg}") from error
    except (EOFError, zlib.error, OSError) as error:
        raise CannotImport(f"{path} cannot be read to its end: {error}; copy it again") from error


def _check_root(path: Path, root: etree._Element) -> None:
    if _name(root) != "log":
        raise CannotImport(
            f"{path} is not an XES log: its first element is <{_name(root)}>, not <log>"
        )
    if root.getroottree().docinfo.internalDTD is not None:
        raise CannotImport(f"{path} declares a DTD, which XES has not")


def check(path: Path, mapping: Mapping) -> Report:
    """Reads the log to its end and maps all of it, recording nothing. Raises CannotImport."""
    report = Report(file=str(path), format="xes")
    unused: Counter[str] = Counter()
    for case in read_cases(path):
        report.candidates += 1
        _opening(case, mapping)
        unused.update(case.attributes.keys())
        unused.update(case.unread)
        mapping.self_identified(case.attributes)
        for event, _, _ in _facts(case, mapping, 0):
            report.interactions += 1
            report.by_activity[event[mapping.activity]] += 1
            unused.update(event.keys())
    for name in mapping.used_attributes:
        unused.pop(name, None)
    report.unused_attributes = unused
    return report


def load(path: Path, mapping: Mapping, intake: Intake, report: Report, progress: Progress) -> None:
    """Records a log that was checked; what is on record from it already adds nothing."""
    done = 0
    jobs: set[UUID] = set()
    events_of_case: Counter[str] = Counter()
    for cases in chunks(read_cases(path), CASES_AT_ONCE):
        intake.expect({_candidate(case, mapping) for case in cases})
        for case in cases:
            name = case.attributes[mapping.case]
            _open_job(case, mapping, intake, jobs)
            candidate_id = _candidate(case, mapping)
            # A case that is spread over several traces goes on counting where it stopped.
            for _, intent, metadata in _facts(case, mapping, events_of_case[name]):
                intake.fact(candidate_id, intent, metadata)
                done += 1
            events_of_case[name] += len(case.events)
            progress(done)
    intake.flush()
    report.tally = intake.tally


def load_self_identifications(
    path: Path, mapping: Mapping, vault: SelfIdentifications, report: Report
) -> None:
    """Records what the persons of a log that was checked said of themselves.

    The report counts who said something new, and as refused who was erased since. They are recorded
    as of now, for a time would tell whose they are.
    """
    said = {
        _candidate(case, mapping): intent
        for case in read_cases(path)
        if (intent := mapping.self_identified(case.attributes))
    }
    moment = now()
    source = f"import:{mapping.source}"
    metadata = Metadata(
        actor=source,
        command_id=uuid4(),
        occurred_at=moment,
        recorded_at=moment,
        provenance=source,
    )
    erased = vault.erased(said)
    kept = {candidate: intent for candidate, intent in said.items() if candidate not in erased}
    report.self_identifications = vault.record(kept, metadata)
    if erased:
        report.tally.refused[CandidateErased.code] += len(erased)


def _facts(
    case: Case, mapping: Mapping, first: int
) -> Iterator[tuple[dict[str, str], Intent, Metadata]]:
    name = case.attributes.get(mapping.case)
    if name is None:
        raise CannotImport(f"a case lacks the attribute {mapping.case!r} of the mapping")
    application_id = mapping.id_for("application", name)
    job_id = _job(case, mapping)
    for number, event in enumerate(case.events, first):
        try:
            activity, when = event[mapping.activity], MOMENT.validate_python(event[mapping.time])
        except KeyError as error:
            raise CannotImport(f"event {number} of case {name!r} lacks {error}") from error
        except ValidationError as error:
            raise CannotImport(
                f"event {number} of case {name!r} has the time {event[mapping.time]!r}; "
                "it must be a date and time with a zone"
            ) from error
        attributes = case.attributes | event
        intent = mapping.intent(activity, attributes, application_id=application_id, job_id=job_id)
        metadata = Metadata(
            actor=mapping.text(mapping.actor, attributes),
            reason=intent.reason,
            command_id=mapping.id_for("event", f"{name}/{number}/{activity}/{event[mapping.time]}"),
            occurred_at=when,
            recorded_at=now(),
            provenance=f"import:{mapping.source}",
        )
        yield event, intent, metadata


def _open_job(case: Case, mapping: Mapping, intake: Intake, known: set[UUID]) -> None:
    job_id = _job(case, mapping)
    if job_id in known:
        return
    known.add(job_id)
    intent = _opening(case, mapping)
    title = mapping.text(mapping.job.title, case.attributes)
    intake.job_fact(
        job_id,
        intent,
        Metadata(
            actor=f"import:{mapping.source}",
            command_id=mapping.id_for("job opened", title),
            occurred_at=mapping.job.opened_at,
            recorded_at=now(),
            provenance=f"import:{mapping.source}",
        ),
    )


def _opening(case: Case, mapping: Mapping) -> OpenJob:
    title = mapping.text(mapping.job.title, case.attributes)
    try:
        return OpenJob(title=title, stages=mapping.job.stages)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CannotImport(f"the job of a case has a {where} that is no use: {first['msg']}") from (
            error
        )


def _job(case: Case, mapping: Mapping) -> UUID:
    return mapping.id_for("job", mapping.text(mapping.job.title, case.attributes))


def _candidate(case: Case, mapping: Mapping) -> UUID:
    attribute = mapping.candidate or mapping.case
    if attribute not in case.attributes:
        raise CannotImport(f"a case lacks the attribute {attribute!r} of the mapping")
    return mapping.id_for("candidate", case.attributes[attribute])


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP_MAGIC
    return cast("BinaryIO", gzip.open(path)) if zipped else path.open("rb")


def _case(trace: etree._Element, unread: Counter[str]) -> Case:
    events = list(trace.iterchildren("{*}event"))
    for owner in (trace, *events):
        for attribute in owner:
            if attribute.get("key"):
                unread.update(
                    f"{attribute.get('key')} / {nested.get('key')}"
                    for nested in attribute.iterdescendants()
                    if nested.get("key")
                )
    return Case(_attributes(trace), [_attributes(each) for each in events], unread)


def _attributes(element: etree._Element) -> dict[str, str]:
    return {
        key: value
        for each in element
        if (key := each.get("key")) is not None and (value := each.get("value")) is not None
    }


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2]
