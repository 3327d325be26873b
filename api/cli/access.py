"""The command that hands a person their own data."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.cli.officers import Officer, Why, holding, new_file, new_folder, note
from api.cli.shared import AsJson, DataDir, out, print_json, settings_from
from api.database import CannotStart
from api.readings import What
from api.wiring import System, open_system, opened_vault
from domain.recorded import Recorded
from domain.values import now

app = typer.Typer()


@app.command()
def access(
    candidate: UUID,
    target: Annotated[
        Path, typer.Option("--out", metavar="DIR|FILE.zip", help="A new folder or archive.")
    ],
    why: Why,
    actor: Officer = None,
    without_self_identification: Annotated[
        bool,
        typer.Option(
            "--without-self-identification",
            help="Leave out what the person said of themselves; the bundle says so.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is on record of a person, for the person: JSON, JSON Resume and a page.

    What the person said of sex, race and the like is read with the database role that alone may.
    """
    from api.app import ROUTES  # noqa: PLC0415  # a second, which other commands do without
    from api.compliance import bundle  # noqa: PLC0415  # likewise
    from api.compliance.register import register  # noqa: PLC0415  # likewise

    with open_system(settings_from(data_dir), create=False) as system, ExitStack() as stack:
        history = system.recruiting.whole_history(candidate)
        with system.pool.connection() as connection:
            readers = bundle.read_by(connection, history[0])
        made_at = now()
        known = register([each.router for each in ROUTES], made_at.date())
        is_archive = target.suffix == ".zip"
        archive = stack.enter_context((new_file if is_archive else new_folder)(target))
        own = None
        if not without_self_identification:
            own = _own_answers(system, candidate, actor, why)
        note(system, candidate, What.ACCESS_BUNDLE, actor=actor, why=why)
        made = bundle.make(history, known, readers, made_at, own)
        contents = bundle.files(made, bundle.as_given(history, known.processing.access))
        if archive:
            archive.write(bundle.zipped(contents))
        else:
            for name, content in contents.items():
                with new_file(target / name, "w") as file:
                    file.write(content)
    if as_json:
        print_json({"out": str(target), "files": list(contents), "events": len(history)})
    else:
        out.print(
            f"{len(history)} events written to {target}; {holding([*history, *(own or ())])}",
            markup=False,
        )


def _own_answers(
    system: System, candidate: UUID, actor: str | None, why: str | None
) -> list[Recorded]:
    try:
        with opened_vault(system) as vault:
            note(system, candidate, What.SELF_IDENTIFICATION, actor=actor, why=why)
            return vault.said_by(candidate)
    except CannotStart as error:
        raise CannotStart(
            f"{error}; or leave it out with --without-self-identification, and the bundle says so"
        ) from error
