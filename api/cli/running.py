"""Commands that run: the API, the projectors, the demonstration company."""

import shlex
from datetime import timedelta
from typing import Annotated

import typer

from api import projecting
from api.access import keys
from api.access.callers import Role
from api.cli.shared import AsJson, DataDir, NoProject, out, print_json, settings_from
from api.demonstration.departments import DEPARTMENTS
from api.demonstration.once import EVENTS_A_CANDIDATE, load_once
from api.progress import bar, catch_up
from api.wiring import System, assembled, open_system
from domain.values import now
from projections.ats_pipeline.queries import busiest_job
from projections.crm_engagement.queries import most_touched_candidate

app = typer.Typer()

MANAGER = DEPARTMENTS[0].manager.partition(":")[2]  # sees the jobs of that department

Host = Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port to listen on [default: 8000; 0 for any].")]


@app.command()
def serve(
    data_dir: DataDir = None, host: Host = None, port: Port = None, no_project: NoProject = False
) -> None:
    """Serve the API, and project the read models in the same process."""
    from api import serving  # noqa: PLC0415  # a second, which other commands do without

    settings = settings_from(data_dir, host=host, port=port)
    with open_system(settings, create=True, serving=True) as system:
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
    from api import serving  # noqa: PLC0415  # a second, which other commands do without

    with open_system(settings_from(data_dir, host=host, port=port), create=True) as system:
        if not no_serve:
            serving.check_address(system)  # before the work, not after it
        about = candidates * EVENTS_A_CANDIDATE
        with bar("Recording", about, quiet=as_json) as advance:
            load_once(system, candidates, seed, advance)
            head = system.recruiting.recorder.max_notification_id() or 0
            advance(head, total=head)
        catch_up(system, quiet=as_json)
        if as_json:
            print_json({"candidates": candidates, "seed": seed, "events": head})
        else:
            out.print(f"{head:,} events of {candidates:,} candidates are on record")
        if not no_serve:
            with assembled(system.settings, system.conninfo, serving=True) as served:
                serving.serve(served, project=True, ready=lambda at: _say_where_first(served, at))


def _say_where_first(system: System, address: str) -> None:
    with system.pool.connection() as connection:
        job = busiest_job(connection)
        candidate = most_touched_candidate(connection)
    _say_where(address)
    where = f" --data-dir {shlex.quote(str(system.settings.data_dir))}"
    out.print("Keys for a week, one for each role (send Authorization: Bearer KEY, or -u KEY:):")
    with system.pool.connection() as connection:
        for role in Role:
            name = MANAGER if role is Role.HIRING_MANAGER else "demo"
            until = now() + timedelta(days=7)
            key = keys.create(connection, role, name, by="hirelog demo", expires_at=until)
            out.print(f"  {role:<15}{key}")
    out.print("Where to look first:")
    if job:
        out.print(f"  a pipeline   {address}/v1/jobs/{job}/board")
    out.print(f"  who is warm  {address}/v1/engagement/candidates?status=prospect")
    out.print(f"  the audit    {address}/v1/audit/entries?type=rejected")
    if candidate:
        out.print(f"  one person   {address}/v1/candidates/{candidate}")
        out.print(f"  a history    .venv/bin/hirelog replay {candidate}{where} --why 'To try it'")


@app.command()
def project(data_dir: DataDir = None) -> None:
    """Project the read models, beside any number of other processes."""
    with open_system(settings_from(data_dir), create=False) as system:
        out.print("hirelog projects; stop with Ctrl-C")
        projecting.project(system)
