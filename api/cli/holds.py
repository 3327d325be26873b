"""Commands on legal holds: place one, release it, list them."""

from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.table import Table

from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    label,
    metadata_of,
    moment,
    out,
    print_json,
    settings_from,
    show,
)
from api.erasure import holds
from api.plain import TIME, plain
from api.progress import catch_up
from api.wiring import open_system
from domain.erasure import PlaceHold, ReleaseHold

app = typer.Typer(help="Legal holds: nothing of the person may be destroyed while one stands.")


@app.command()
def place(
    candidate: UUID,
    reference: Annotated[str, typer.Option(help="The case or the law.")],
    until: Annotated[
        str | None, typer.Option(help="When it ends by itself (RFC 3339, with zone).")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="In words that name nobody.")] = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Place a hold on a candidate."""
    metadata = metadata_of(actor, reason)
    hold = PlaceHold(
        hold_id=uuid4(),
        legal_reference=label("--reference", reference),
        expires_at=moment("--until", until),
    )
    with open_system(settings_from(data_dir), create=False) as system:
        system.recruiting.record(candidate, hold, metadata)
    if as_json:
        print_json({"hold": hold.hold_id})
    else:
        out.print(f"hold {hold.hold_id} stands on candidate {candidate}")


@app.command()
def release(
    candidate: UUID,
    hold: UUID,
    reason: Annotated[str | None, typer.Option(help="In words that name nobody.")] = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Release a hold. hirelog erasures run carries out what waited for it."""
    metadata = metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        system.recruiting.record(candidate, ReleaseHold(hold_id=hold), metadata)
    if as_json:
        print_json({"hold": hold})
    else:
        out.print(f"hold {hold} is released")


@app.command("list")
def list_holds(
    candidate: Annotated[UUID | None, typer.Option(help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at the most.")] = 100,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the holds that were ever placed, the latest first."""
    with open_system(settings_from(data_dir), create=False) as system:
        catch_up(system, quiet=as_json)
        with system.pool.connection() as connection:
            rows = holds.placed(connection, limit, candidate)
        found = holds.states(system.recruiting, rows)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    table = Table(box=None)
    for column in "hold", "candidate", "reference", "placed", "until", "stands":
        table.add_column(column)
    for each in found:
        until = each.expires_at.strftime(TIME) if each.expires_at else "its release"
        table.add_row(
            str(each.id),
            str(each.candidate_id),
            plain(each.legal_reference),
            each.placed_at.strftime(TIME),
            until,
            "yes" if each.stands else "no",
        )
    show(table)
