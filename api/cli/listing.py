"""Commands that look over the read models: which tables there are, and where each stands."""

from collections.abc import Sequence

import typer
from rich.filesize import decimal
from rich.table import Table

from api.cli.shared import AsJson, DataDir, out, print_json, settings_from, show
from api.plain import TIME
from api.wiring import open_system
from projections import READ_MODELS
from projections.runtime import builds, control
from projections.runtime.control import Going, Listed
from projections.runtime.status import ModelStatus
from projections.runtime.status import status as read_status

app = typer.Typer()


@app.command("list")
def list_builds(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every set of tables of the read models: live, building, retired, kept."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        listed = control.inventory(connection)
    if as_json:
        print_json([vars(each) for each in listed])
        return
    table = Table("read model", "version", "state", "schema", "position", "made at", box=None)
    table.add_column("size", justify="right")
    for each in listed:
        table.add_row(
            each.model,
            str(each.version),
            _state(each),
            each.schema_name,
            f"{each.position:,}",
            each.made_at.strftime(TIME),
            decimal(each.bytes),
        )
    show(table)


def _state(listed: Listed | Going) -> str:
    if listed.as_of is None:
        return listed.state
    return f"{listed.state}, as {listed.as_of_by} by {listed.as_of.strftime(TIME)}"


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show how far the live read models are behind the log, what is parked, and what is rebuilt."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        models, going = read_status(connection), control.going(connection)
        changed = builds.changed_without_version(connection, READ_MODELS)
    if as_json:
        print_json(
            {
                "models": [vars(e) | {"is_changed": e.model in changed} for e in models],
                "rebuilds": [vars(each) for each in going],
            }
        )
        return
    show(_live_table(models))
    if going:
        show(_going_table(going))
    for said in (
        *(each.error for each in going if each.error),
        *map(builds.say_changed, changed),
    ):
        out.print(f"\n{said}", markup=False)


def _live_table(models: Sequence[ModelStatus]) -> Table:
    table = Table("read model", "version", "position", "behind", "for", "parked", box=None)
    table.add_column("oldest parked")
    table.add_column()
    for each in models:
        table.add_row(
            each.model,
            str(each.version),
            f"{each.position:,}",
            f"{each.lag_events:,} events",
            f"{each.lag_seconds:.0f} s",
            str(each.parked),
            f"{each.oldest_parked_seconds:.0f} s" if each.parked else "",
            "stalled: does hirelog project run?" if each.is_stalled else "",
        )
    return table


def _going_table(going: Sequence[Going]) -> Table:
    table = Table("\nrebuild of", "\nfor", "\nstate", "\ndone", "\nbegun at", box=None)
    for each in going:
        table.add_row(
            ", ".join(each.models),
            each.purpose,
            _state(each),
            f"{each.percent:.0f}%",
            each.started_at.strftime(TIME),
        )
    return table
