"""The command line: the same door for people."""

import json
import os
import shlex
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from uuid import UUID

import psycopg
import typer
from eventsourcing.persistence import MapperDeserialisationError, PersistenceError
from psycopg_pool import PoolTimeout
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from api import logs, replay, serving
from api.demonstration.once import EVENTS_A_CANDIDATE, load_once
from api.interchange import ndjson, xes
from api.interchange.batch import CannotImport
from api.interchange.mapping import Mapping
from api.progress import bar, catch_up
from api.settings import Settings
from api.wiring import CannotStart, System, migrate_database, open_system
from domain.errors import CandidateNotFound, Refusal
from domain.intake import Intake, VersionTaken
from domain.values import GivenMoment
from projections.ats_pipeline.queries import busiest_job
from projections.crm_engagement.queries import most_touched_candidate
from projections.runtime.status import status as read_status

app = typer.Typer(
    name="hirelog",
    help="The event-sourced system of record for recruiting.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the data lives [default: .hirelog, or HIRELOG_DATA_DIR]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port to listen on [default: 8000; 0 for any].")]
NoProject = Annotated[
    bool, typer.Option("--no-project", help="Leave the read models to other processes.")
]


def main() -> NoReturn:
    """Runs the command line; every expected trouble is one line and exit code 2."""
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except typer.TyperException as error:
        _fail(error.format_message() if isinstance(error, typer.BadParameter) else str(error))
    except (CannotStart, CannotImport, VersionTaken, Refusal) as error:
        _fail(str(error))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = "HIRELOG_" + ".".join(str(part) for part in first["loc"]).upper()
        _fail(f"{where}: {first['msg']}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _fail(f"{error.filename or 'the output'} cannot be used: {error.strerror or error}")
    except MapperDeserialisationError as error:
        _fail(f"{error}; it was altered or written by a newer hirelog")
    except (psycopg.Error, PoolTimeout, PersistenceError) as error:
        _fail(f"the database was lost ({type(error).__name__}); nothing acknowledged is; try again")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> NoReturn:
    print(f"hirelog: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  # one plain line
    sys.exit(2)


def _settings(data_dir: Path | None, **options: Any) -> Settings:
    given = {"data_dir": data_dir, **options}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    logs.configure(settings.log_level)
    return settings


@app.command()
def serve(
    data_dir: DataDir = None, host: Host = None, port: Port = None, no_project: NoProject = False
) -> None:
    """Serve the API, and project the read models in the same process."""
    with open_system(_settings(data_dir, host=host, port=port), create=True) as system:
        serving.serve(system, project=not no_project, ready=_say_where)


def _say_where(address: str) -> None:
    out.print(f"hirelog serves on {address}  (documentation: {address}/docs; stop with Ctrl-C)")


@app.command()
def demo(
    candidates: Annotated[
        int, typer.Option(min=1, help="How many people the company has dealt with.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(help="Another number gives another company.")] = 1,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Load, project and stop.")] = False,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Load a demonstration company that hirelog makes up itself, and serve it."""
    with open_system(_settings(data_dir, host=host, port=port), create=True) as system:
        if not no_serve:
            serving.check_address(system)  # before the work, not after it
        about = candidates * EVENTS_A_CANDIDATE
        with bar("Recording", about, quiet=as_json) as advance:
            load_once(system, candidates, seed, advance)
            head = system.recruiting.recorder.max_notification_id() or 0
            advance(head, total=head)
        catch_up(system, quiet=as_json)
        if as_json:
            _print_json({"candidates": candidates, "seed": seed, "events": head})
        else:
            out.print(f"{head:,} events of {candidates:,} candidates are on record")
        if not no_serve:
            serving.serve(system, project=True, ready=lambda at: _say_where_first(system, at))


def _say_where_first(system: System, address: str) -> None:
    with system.pool.connection() as connection:
        job = busiest_job(connection)
        candidate = most_touched_candidate(connection)
    _say_where(address)
    where = f" --data-dir {shlex.quote(str(system.settings.data_dir))}"
    out.print("Where to look first:")
    if job:
        out.print(f"  a pipeline   {address}/v1/jobs/{job}/board")
    out.print(f"  who is warm  {address}/v1/engagement/candidates?status=prospect")
    out.print(f"  the audit    {address}/v1/audit/entries?type=rejected")
    if candidate:
        out.print(f"  one person   {address}/v1/candidates/{candidate}")
        out.print(f"  a history    .venv/bin/hirelog replay {candidate}{where}")


@app.command()
def project(data_dir: DataDir = None) -> None:
    """Project the read models, beside any number of other processes."""
    with open_system(_settings(data_dir), create=False) as system:
        out.print("hirelog projects; stop with Ctrl-C")
        serving.project(system)


@app.command()
def migrate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the database up to date."""
    names = migrate_database(_settings(data_dir))
    if as_json:
        _print_json({"applied": names})
    else:
        out.print(f"applied {', '.join(names)}" if names else "the database is up to date")


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the log and where each read model stands against it."""
    with open_system(_settings(data_dir), create=False) as system:
        with system.pool.connection() as connection:
            models = read_status(connection)
        head = system.recruiting.recorder.max_notification_id() or 0
        where = "server" if system.settings.database_url else str(data_dir_of(system))
    if as_json:
        _print_json(
            {
                "database": where,
                "events": head,
                "models": [vars(model) for model in models],
            }
        )
        return
    out.print(f"{head:,} events in {where}")
    table = Table("read model", "version", "position", "behind", "for", "parked", box=None)
    for model in models:
        table.add_row(
            model.model,
            str(model.version),
            f"{model.position:,}",
            f"{model.lag_events:,} events",
            f"{model.lag_seconds:.0f} s",
            str(model.parked),
        )
    out.print(table)


def data_dir_of(system: System) -> Path:
    """The absolute data directory."""
    return system.settings.data_dir.absolute()


@app.command(name="replay")
def replay_candidate(
    candidate: UUID,
    as_of: Annotated[
        str | None, typer.Option(help="Only what had happened by then (RFC 3339, with zone).")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="Only what was on record by then (RFC 3339, with zone).")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many events.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a candidate's history: when, who, what, why, and the state after it."""
    happened, known = _moment("--as-of", as_of), _moment("--known-at", known_at)
    with open_system(_settings(data_dir), create=False) as system:
        if version is not None:
            system.recruiting.candidate(candidate, version)
        history = [
            recorded
            for recorded in system.recruiting.history(candidate, until=version)
            if (happened is None or recorded.metadata.occurred_at <= happened)
            and (known is None or recorded.metadata.recorded_at <= known)
        ]
    if not history:
        then = " at that time" if happened or known else ""
        raise CandidateNotFound(
            f"candidate {candidate} is not on record{then}; check the id with GET /v1/applications"
        )
    if as_json:
        _print_json([replay.as_json(step) for step in replay.steps(history)])
    else:
        replay.show(out, candidate, list(replay.steps(history)))


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return TypeAdapter(GivenMoment).validate_python(text)
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise typer.BadParameter(
            f"{option} must be a moment such as 2026-05-04T09:00:00Z ({reason})"
        ) from error


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
    no_project: NoProject = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Record what happened elsewhere. A second import of the same file adds nothing."""
    if format == "xes":
        if mapping is None:
            raise typer.BadParameter("--format xes needs --mapping FILE.toml")
        mapped = Mapping.read(_shipped(mapping))
        report = xes.check(file, mapped)
    else:
        report = ndjson.check(file)
    with open_system(_settings(data_dir), create=True) as system:
        intake = Intake(system.recruiting)
        with bar("Recording", report.interactions, quiet=as_json) as advance:
            if format == "xes":
                xes.load(file, mapped, intake, report, advance)
            else:
                ndjson.load(file, source or file.name, intake, report, advance)
        if not no_project:
            catch_up(system, quiet=as_json)
    _print_json(report.as_json()) if as_json else report.show(out)


def _shipped(mapping: Path) -> Path:
    shipped = Path(xes.__file__).with_name(f"{mapping.name}.toml")
    return shipped if not mapping.exists() and shipped.exists() else mapping


@app.command(name="export")
def export_file(file: Path, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Write the whole log as newline-delimited JSON, personal values in clear."""
    with open_system(_settings(data_dir), create=False) as system:
        total = system.recruiting.recorder.max_notification_id() or 0
        if file.exists():
            raise CannotStart(f"{file} cannot be made: File exists; name another file")
        # Under its name only when it is whole.
        partial = file.with_name(f"{file.name}.part")
        try:
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with (
                os.fdopen(descriptor, "w", encoding="utf-8") as target,
                bar("Writing", total, quiet=as_json) as advance,
            ):
                count = ndjson.export(system, target, advance)
            partial.rename(file)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise CannotStart(f"{file} cannot be made: {error.strerror}") from error
    if as_json:
        _print_json({"file": str(file), "events": count})
    else:
        out.print(f"{count:,} events written to {file}; it holds personal data in clear")


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str, ensure_ascii=False))  # noqa: T201  # for programs


if __name__ == "__main__":
    main()
