"""Commands that look after a database: bring it up to date, and show where it stands."""

from pathlib import Path

import typer
from rich.table import Table

from api.cli.shared import AsJson, DataDir, out, print_json, settings_from
from api.database import migrate_database
from api.wiring import System, open_system
from projections.runtime.status import status as read_status

app = typer.Typer()


@app.command()
def migrate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the database up to date."""
    names = migrate_database(settings_from(data_dir))
    if as_json:
        print_json({"applied": names})
    else:
        out.print(f"applied {', '.join(names)}" if names else "the database is up to date")


@app.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the log and where each read model stands against it."""
    with open_system(settings_from(data_dir), create=False) as system:
        with system.pool.connection() as connection:
            models = read_status(connection)
        head = system.recruiting.recorder.max_notification_id() or 0
        where = "server" if system.settings.database_url else str(data_dir_of(system))
    if as_json:
        print_json(
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
