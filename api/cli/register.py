"""The command that prints the record of processing."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.shared import AsJson, out, print_json, show
from domain.values import now

if TYPE_CHECKING:
    from api.compliance.register import Register

app = typer.Typer()


@app.command("register")
def print_register(
    as_json: AsJson = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print a page for a browser.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line for each field.")] = False,
) -> None:
    """Print which event holds what of a person, why, under which key, for whom, how long."""
    if as_json + as_html + as_csv > 1:
        raise typer.BadParameter("--json, --html and --csv are three ways; give one")
    from api.app import ROUTES  # noqa: PLC0415  # a second, which other commands do without
    from api.compliance import register  # noqa: PLC0415  # likewise

    made = register.register([each.router for each in ROUTES], now().date())
    if as_json:
        print_json(register.as_json(made))
    elif as_html:
        sys.stdout.write(register.as_html(made))
    elif as_csv:
        register.write_csv(made, sys.stdout)
    else:
        _show(made, register.IS_AND_IS_NOT)


def _show(made: "Register", is_and_is_not: str) -> None:
    version, since = made.processing.version, made.processing.valid_from
    out.print(f"Record of processing, policy version {version}, from {since} on")
    out.print(is_and_is_not, "\n", markup=False, soft_wrap=False)
    _show_table(
        ("event", "field", "purpose", "key"),
        [(each.event, each.field, each.purpose, each.key) for each in made.fields],
    )
    for each in made.processing.purpose:
        out.print(f"\n{each.purpose}: {each.title}\n  {each.legal_reference}\n", markup=False)
        receiving = made.receiving(each.purpose)
        _show_table(("given through", "to whom"), [(r.way, r.who) for r in receiving])
        out.print()
        _show_table(
            ("records", "where", "kept", "from", "policy"),
            [
                (k.record_class, k.jurisdiction, k.length, k.since, k.policy)
                for k in made.keeping(each.purpose)
            ],
        )


def _show_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*row)
    show(table)
