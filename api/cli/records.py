"""Commands on what is on record: replay a history, take records in and hand them out."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from api.cli.officers import Officer, Why, holding, new_file, note, point
from api.cli.shared import (
    AsJson,
    DataDir,
    NoProject,
    moment,
    operator,
    out,
    print_json,
    settings_from,
)
from api.database import CannotStart
from api.erasure import disclosures
from api.interchange import ndjson, xes
from api.interchange.batch import readable
from api.interchange.crew import crew
from api.interchange.mapping import Mapping
from api.memory import collect_seldom
from api.progress import bar, catch_up
from api.readings import What
from api.wiring import open_system, opened_vault
from domain.candidate.difference import BEGINNING, Point
from domain.errors import CandidateNotFound
from domain.intake import Intake
from domain.values import now

app = typer.Typer()

PROCESSORS = os.cpu_count() or 1
WORTH_A_CREW = 2_000_000  # bytes; below it processes take longer to start than to save


@app.command(name="replay")
def replay_candidate(
    candidate: UUID,
    why: Why,
    as_of: Annotated[
        str | None, typer.Option(help="Only what had happened by then (RFC 3339, with zone).")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="Only what was on record by then (RFC 3339, with zone).")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many events.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="POINT", help="Only what changed since: 3, MOMENT, …"),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="POINT", help="… and until: known-at:MOMENT, or 3,MOMENT."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page for who has no access.")] = None,
    actor: Officer = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a candidate's history: when, who, what, why, and the state after it.

    With --from or --to, print instead what changed between these points, field by field.
    """
    # Half a second, which other commands do without.
    from api import replay  # noqa: PLC0415  # see above
    from api.compliance import replay_page  # noqa: PLC0415  # see above
    from api.compliance.differences import Difference  # noqa: PLC0415  # see above

    by_points = start is not None or end is not None
    if by_points and (as_of or known_at or version or html):
        raise typer.BadParameter("--from and --to say all; leave the other points and --html out")
    one = BEGINNING if start is None else point("--from", start)
    last = Point(version, moment("--as-of", as_of), moment("--known-at", known_at))
    two = point("--to", end) if by_points else last
    what = What.DIFFERENCE if by_points else What.REPLAY_PAGE if html else What.REPLAY
    with open_system(settings_from(data_dir), create=False) as system, ExitStack() as stack:
        whole = system.recruiting.whole_history(candidate, one.version, two.version)
        history = [recorded for recorded in whole if by_points or two.holds(recorded)]
        if not history:
            raise CandidateNotFound(f"candidate {candidate} was not on record at that time")
        steps = [] if by_points else list(replay.steps(history))
        page = stack.enter_context(new_file(html)) if html else None
        note(system, candidate, what, actor=actor, why=why)
        if page:
            page.write(replay_page.page(candidate, steps, two, now()).encode())
    if by_points:
        told = Difference.of(candidate, history, one, two)
        if as_json:
            print_json(told.model_dump(mode="json"))
        else:
            replay.show_difference(out, one, two, told)
        return
    if html:
        out.print(f"{len(steps)} events written to {html}; {holding(history)}", markup=False)
    elif as_json:
        print_json([replay.as_json(step) for step in steps])
    else:
        replay.show(out, candidate, steps, len(whole))


@app.command(name="import")
def import_file(
    file: Path,
    format: Annotated[  # noqa: A002  # the option's own name
        Literal["xes", "ndjson"], typer.Option("--format", help="What the file holds.")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(help="For xes: a TOML file, or the name of one that comes with hirelog."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="For ndjson from elsewhere: whose ids these are.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes for a large ndjson file of facts.")
    ] = PROCESSORS,
    no_project: NoProject = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Record what happened elsewhere. A second import of the same file adds nothing."""
    settings = settings_from(data_dir)
    collect_seldom()
    with ExitStack() as stack:
        if format == "xes":
            if mapping is None:
                raise typer.BadParameter("--format xes needs --mapping FILE.toml")
            mapped = Mapping.read(_shipped(mapping))
            report = xes.check(file, mapped)
        else:
            small = readable(file).stat().st_size < WORTH_A_CREW
            processes = 0 if small or workers == 1 else workers
            together = stack.enter_context(crew(settings, source or file.name, processes))
            report = together.check(file)
        system = stack.enter_context(open_system(settings, create=True))
        apart = format == "xes" and mapped.self_identification
        vault = stack.enter_context(opened_vault(system)) if apart else None
        with bar("Recording", report.interactions, quiet=as_json) as advance:
            if format == "xes":
                xes.load(file, mapped, Intake(system.recruiting), report, advance)
                if vault:
                    xes.load_self_identifications(file, mapped, vault, report)
            else:
                together.load(file, system, report, advance)
        if not no_project:
            catch_up(system, quiet=as_json)
    print_json(report.as_json()) if as_json else report.show(out)


def _shipped(mapping: Path) -> Path:
    shipped = Path(xes.__file__).with_name(f"{mapping.name}.toml")
    return shipped if not mapping.exists() and shipped.exists() else mapping


@app.command(name="export")
def export_file(
    file: Path,
    why: Why,
    recipient: Annotated[
        str | None,
        typer.Option("--for", help="Who receives it, for the notices owed [default: the file]."),
    ] = None,
    actor: Officer = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log as newline-delimited JSON, personal values in clear.

    Who receives it stands on record: an erasure lists whom to notify.
    """
    with open_system(settings_from(data_dir), create=False) as system:
        total = system.recruiting.recorder.max_notification_id() or 0
        if file.exists():
            raise CannotStart(f"{file} cannot be made: File exists; name another file")
        # Under its name only when it is whole.
        partial = file.with_name(f"{file.name}.part")
        try:
            partial.unlink(missing_ok=True)
            with (
                new_file(partial, "w") as target,
                bar("Writing", total, quiet=as_json) as advance,
                system.pool.connection() as connection,
            ):
                note(system, None, What.EXPORT, actor=actor, why=why)
                disclosures.record(
                    connection,
                    "export",
                    recipient or f"file {file.name}",
                    operator(actor),
                )
                count = ndjson.export(system, target, advance)
            partial.rename(file)
        except OSError as error:
            raise CannotStart(f"{file} cannot be made: {error.strerror}") from error
    if as_json:
        print_json({"file": str(file), "events": count})
    else:
        out.print(f"{count:,} events written to {file}; it holds personal data in clear")
