"""Commands on events that a read model could not fold: show them, retry them, leave them out."""

from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from api import upkeep
from api.cli.projections import Name
from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    Reason,
    metadata_of,
    out,
    print_json,
    settings_from,
)
from api.plain import TIME, plain
from api.upkeep import Retried
from api.wiring import open_system
from projections import read_model
from projections.runtime import parking
from projections.runtime.status import status

app = typer.Typer()


@app.command()
def parked(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The name of a read model.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at the most.")] = 100,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the events that a live read model could not fold, and those that wait behind them."""
    if name:
        read_model(name)
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        waiting = parking.parked(connection, name, limit)
        total = sum(each.parked for each in status(connection) if name in {None, each.model})
    if as_json:
        print_json({"parked": total, "items": [vars(each) for each in waiting]})
        return
    if not waiting:
        out.print(f"no event is parked{f' for {name}' if name else ''}")
    for each in waiting:
        head = f"{each.model}  position {each.position}  {plain(each.topic)}  "
        since = f"stream {each.stream}  parked {each.parked_at.strftime(TIME)}"
        out.print(Text(head, style="bold").append(since, style="not bold"))
        out.print(f"    {plain(each.error)}", markup=False)
    if total > len(waiting):
        out.print(f"and {total - len(waiting):,} more; --limit shows them")


@app.command()
def retry(
    name: Name,
    stream: Annotated[UUID | None, typer.Option(help="Only what is parked of this one.")] = None,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give parked events another try, each stream in its order."""
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        retried = upkeep.retry(system, model, stream, metadata)
    _show(name, retried, as_json=as_json)


@app.command()
def skip(
    name: Name,
    position: Annotated[int, typer.Argument(min=1, help="Where the event stands in the log.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Leave an event out of this version of a read model for good, and let in what waits behind.

    It is the first of its stream that is parked, or the one at which a rebuild stopped.
    """
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        retried = upkeep.skip(system, model, position, metadata)
    if not as_json:
        out.print(f"the event at position {position} is left out of {name}")
    if retried:
        _show(name, retried, as_json=as_json)
    elif as_json:
        print_json({"let_in": 0, "left": 0, "first": None})
    else:
        out.print(f"hirelog projections resume {name} goes on with its rebuild")


def _show(name: str, retried: Retried, *, as_json: bool) -> None:
    drained, first = retried.drained, retried.first
    if as_json:
        print_json(vars(drained) | {"first": first and vars(first)})
        return
    out.print(f"{drained.let_in} event(s) of {name} were let in, {drained.left} still wait")
    if first:
        out.print(
            f"the first waits at position {first.position}: {plain(first.error)}", markup=False
        )
