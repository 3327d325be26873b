"""Commands on the tables of the read models: rebuild them, switch back, and put them away."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import typer

from api import upkeep
from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    Reason,
    metadata_of,
    moment,
    out,
    print_json,
    settings_from,
)
from api.plain import TIME
from api.progress import Lines, phases
from api.wiring import System, open_system
from projections import READ_MODELS, read_model
from projections.runtime.builds import Build
from projections.runtime.contract import ReadModel
from projections.runtime.drive import Driver, Tell
from projections.runtime.rebuild import Paused, Rebuild
from projections.runtime.selection import AsOf

app = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a read model.")]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="How many processes make rows at the same time.")
]


@app.command("rebuild")
def rebuild_models(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The name of a read model.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All read models, in one pass.")
    ] = False,
    workers: Workers = 1,
    as_of: Annotated[
        str | None,
        typer.Option(help="As the model stood then, beside the live one (RFC 3339, with zone)."),
    ] = None,
    by: Annotated[
        Literal["recorded", "occurred"] | None,
        typer.Option(help="Which time --as-of means [default: recorded]."),
    ] = None,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Build a read model anew beside the live one, and switch it in.

    Ctrl-C pauses it; the same command goes on with it.
    """
    if (name is None) != everything:
        raise typer.BadParameter("give either the NAME of a read model, or --all")
    models = [read_model(name)] if name else READ_MODELS
    then, metadata = moment("--as-of", as_of), metadata_of(actor, reason)
    if by and not then:
        raise typer.BadParameter("--by says which time --as-of means; give that one too")
    with open_system(settings_from(data_dir), create=False) as system:
        at = AsOf(then, by or "recorded") if then else None
        begun = upkeep.begin(system, models, at, metadata)
        _drive(system, models, begun, workers, metadata.actor, as_json=as_json)


@app.command()
def resume(
    name: Name,
    workers: Workers = 1,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a rebuild that was paused, that stopped, or whose process was killed."""
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        begun, models = upkeep.resume(system, model, metadata)
        _drive(system, models, begun, workers, metadata.actor, as_json=as_json)


def _drive(
    system: System,
    models: Sequence[ReadModel],
    begun: Rebuild,
    workers: int,
    actor: str,
    *,
    as_json: bool,
) -> None:
    names = [model.name for model in models]
    driver = Driver(system.conninfo, models, workers)
    for_programs = as_json or not out.is_terminal
    try:
        with _telling(names, for_programs=for_programs) as driver.tell:
            made = driver.run(begun.rebuild)
    except KeyboardInterrupt:
        if not driver.drives:
            raise Paused(
                f"another process goes on with rebuild {begun.rebuild}; "
                f"hirelog projections pause {names[0]} pauses it"
            ) from None
        upkeep.interrupted(system, begun, models, metadata_of(actor, None))
        raise Paused(
            f"rebuild {begun.rebuild} is paused; the same command goes on with it"
        ) from None
    if for_programs:
        print_json({"models": names, "phase": "done", "builds": [_as_json(each) for each in made]})
    else:
        for each in made:
            out.print(_what_was_made(each, begun))


@contextmanager
def _telling(models: Sequence[str], *, for_programs: bool) -> Iterator[Tell]:
    if for_programs:
        yield Lines(models, print_json)
    else:
        with phases(quiet=False) as tell:
            yield tell


def _as_json(build: Build) -> dict[str, Any]:
    told = {
        "model": build.model,
        "version": build.version,
        "state": build.state,
        "schema_name": build.schema_name,
        "position": build.position,
    }
    return told | ({"drop": _how_to_drop(build)} if build.state == "kept" else {})


def _what_was_made(build: Build, begun: Rebuild) -> str:
    if begun.as_of is None:
        return _where_it_stands(build)
    return (
        f"{build.model}, version {build.version}, as of {begun.as_of_by} time "
        f"{begun.as_of.strftime(TIME)}, is in schema {build.schema_name}; "
        f"{_how_to_drop(build)} drops it"
    )


def _where_it_stands(build: Build) -> str:
    return (
        f"{build.model}, version {build.version}, is {build.state} in schema {build.schema_name}, "
        f"with the events up to position {build.position:,}"
    )


def _how_to_drop(build: Build) -> str:
    return f"hirelog projections drop {build.schema_name}"


@app.command()
def pause(
    name: Name,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Pause the rebuild of a read model, in whichever process it runs."""
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        paused = upkeep.pause(system, model, metadata)
    if as_json:
        print_json({"rebuild": paused.rebuild, "models": paused.models, "state": "paused"})
    else:
        names = ", ".join(paused.models)
        out.print(f"the rebuild of {names} is paused; hirelog projections resume {name} goes on")


@app.command()
def abandon(
    name: Name,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give up the rebuild of a read model and drop what there is of it."""
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        abandoned = upkeep.abandon(system, model, metadata)
    if as_json:
        print_json(vars(abandoned))
        return
    out.print(f"the rebuild of {name} is given up; dropped {', '.join(abandoned.dropped)}")
    if abandoned.left:
        first, names = abandoned.left[0], ", ".join(abandoned.left)
        out.print(f"that of {names} is paused; hirelog projections resume {first} goes on")


@app.command("switch-back")
def switch_back(
    name: Name,
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Return to the tables that were live before the present ones."""
    model, metadata = read_model(name), metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        build = upkeep.switch_back(system, model, metadata)
    if as_json:
        print_json(_as_json(build))
        return
    out.print(_where_it_stands(build))
    if build.version != model.version:
        out.print(
            f"it stays at that position until a hirelog with version {build.version} projects it"
        )


@app.command()
def drop(
    schema: Annotated[str, typer.Argument(metavar="SCHEMA", help="As hirelog projections list.")],
    reason: Reason = None,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Drop tables that are not live any more, or that were kept for an analyst."""
    metadata = metadata_of(actor, reason)
    with open_system(settings_from(data_dir), create=False) as system:
        dropped = upkeep.drop(system, schema, metadata)
    if as_json:
        print_json({"dropped": schema, "model": dropped.model})
    else:
        out.print(f"{schema} is dropped, it was a {dropped.state} build of {dropped.model}")
