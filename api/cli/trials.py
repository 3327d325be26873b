"""Commands that build a read model for trial: one that is being written, or to check the live."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.projections import Name, Workers
from api.cli.shared import AsJson, DataDir, out, print_json, settings_from, show
from api.plain import plain
from api.progress import phases
from api.wiring import open_system
from projections import read_model
from projections.runtime import outside, trial
from projections.runtime.compare import Compared, Difference
from projections.runtime.drive import Driver
from projections.runtime.trial import Verified

app = typer.Typer()


@app.command("try")
def try_out(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of a read model.")],
    keep: Annotated[bool, typer.Option("--keep", help="Leave its tables for a look.")] = False,
    workers: Workers = 1,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Build the read model in a folder, of the whole log, and count its rows.

    Its code runs; nothing that is live is touched.
    """
    model = outside.find(str(path))
    with open_system(settings_from(data_dir), create=False) as system:
        driver = Driver(system.conninfo, [model], workers)
        with phases(quiet=as_json) as driver.tell:
            tried = trial.try_out(
                driver, keep=keep, unit_events=system.settings.rebuild_unit_events
            )
    if as_json:
        print_json(vars(tried))
        return
    out.print(f"{tried.model}, with the events up to position {tried.position:,}")
    _show_rows(tried.rows)
    if tried.schema_name:
        out.print(
            f"its tables are in schema {tried.schema_name}; "
            f"hirelog projections drop {tried.schema_name} drops them"
        )


@app.command()
def verify(
    name: Name, workers: Workers = 1, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Build a read model anew and compare its rows with the live ones; exit 1 if any differ."""
    model = read_model(name)
    with open_system(settings_from(data_dir), create=False) as system:
        driver = Driver(system.conninfo, [model], workers)
        with phases(quiet=as_json) as driver.tell:
            verified = trial.verify(driver, unit_events=system.settings.rebuild_unit_events)
    if as_json:
        print_json(asdict(verified) | {"is_same": verified.is_same})
    else:
        _show(verified)
    if not verified.is_same:
        raise typer.Exit(1)


def _show_rows(rows: Mapping[str, int]) -> None:
    table = Table("table", box=None)
    table.add_column("rows", justify="right")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    show(table)


def _show(verified: Verified) -> None:
    until = f"{verified.model}, version {verified.version}, at position {verified.position:,}"
    if verified.is_same:
        rows = sum(verified.rows.values())
        out.print(f"{until}: all {rows:,} live rows are those of a rebuild")
    else:
        out.print(f"{until}: live rows differ from those of a rebuild")
        for table in verified.tables:
            _show_differences(table)
    if verified.parked:
        out.print(
            f"{verified.parked} event(s) are parked and not in the live rows, which explains "
            f"differences; see hirelog projections parked {verified.model}"
        )


def _show_differences(compared: Compared) -> None:
    if not compared.differing:
        return
    out.print(f"{compared.table}: {compared.differing:,} rows")
    for difference in compared.first:
        for line in _lines(difference):
            out.print(f"  {plain(line)}", markup=False)
    if (more := compared.differing - len(compared.first)) > 0:
        out.print(f"  and {more:,} more")


def _lines(difference: Difference) -> list[str]:
    key = ", ".join(f"{name} {value}" for name, value in difference.key.items())
    if difference.only:
        return [f"{key}: only in the {difference.only} rows"]
    return [
        f"{key}, {column}: {_value(live)} live / {_value(rebuilt)} rebuilt"
        for column, (live, rebuilt) in difference.columns.items()
    ]


def _value(value: str | None) -> str:
    return "NULL" if value is None else value
