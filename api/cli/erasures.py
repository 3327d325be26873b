"""Commands on erasure: ask for it, see how far it is, go on with it, clean the files."""

import time
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.table import Table

from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    NoProject,
    metadata_of,
    out,
    print_json,
    settings_from,
    show,
)
from api.database import CannotStart, maintenance
from api.erasure import disclosures, known_ledger, listing, storage
from api.erasure.bases import bases
from api.erasure.eraser import Asked
from api.erasure.holders import FILES
from api.erasure.schemas import Erasure, ErasureState
from api.plain import TIME, plain
from api.progress import catch_up
from api.wiring import System, open_system
from domain.erasure import EVERY_PURPOSE
from domain.values import Purpose
from projections import READ_MODELS

app = typer.Typer(help="Erase people: keys, read models, caches, files; and who was told before.")

PATIENCE_SECONDS = 10.0

ErasureId = Annotated[UUID, typer.Argument(metavar="ERASURE", help="Its id, as list shows it.")]


@app.command()
def request(
    candidate: UUID,
    basis: Annotated[str, typer.Option(help="The legal basis; see hirelog erasures bases.")],
    reason: Annotated[str | None, typer.Option(help="In words that name nobody.")] = None,
    purpose: Annotated[
        list[Purpose] | None, typer.Option(help="Only this, once for each [default: all].")
    ] = None,
    actor: Actor = None,
    no_project: NoProject = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put an erasure on record and carry it out, unless a legal hold stands."""
    metadata = metadata_of(actor, reason)
    asked = Asked(candidate, basis, tuple(purpose or EVERY_PURPOSE))
    with open_system(settings_from(data_dir), create=False) as system:
        refuse_another_ledger(system)
        erasure_id = uuid4()
        system.eraser.request(erasure_id, asked, metadata)
        _see_through(system, [erasure_id], project=not no_project, quiet=as_json)
        _show(system, erasure_id, as_json=as_json)


@app.command()
def run(
    erasure: Annotated[UUID | None, typer.Argument(help="Only this one [default: all].")] = None,
    no_project: NoProject = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Go on with what was interrupted, or waited for a hold. It does no harm to repeat it."""
    with open_system(settings_from(data_dir), create=False) as system:
        refuse_another_ledger(system)
        if erasure:
            system.eraser.run(erasure)
            _see_through(system, [erasure], project=not no_project, quiet=as_json)
            _show(system, erasure, as_json=as_json)
            return
        going = [each.erasure_id for each in system.eraser.run_all()]
        _see_through(system, going, project=not no_project, quiet=as_json)
        done = [system.eraser.one(each) for each in going]
        _show_all(done, as_json=as_json)


@app.command("list")
def list_erasures(
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at the most.")] = 100,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show requests for erasure, the latest first."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        found = listing.listed(connection, limit, state=state)
    _show_all(found, as_json=as_json)


@app.command("show")
def show_erasure(erasure: ErasureId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show who has let go of the person's data, and who is owed a notice."""
    with open_system(settings_from(data_dir), create=False) as system:
        _show(system, erasure, as_json=as_json)


@app.command("bases")
def show_bases(as_json: AsJson = False) -> None:
    """Show the legal bases that a request can name. It is a list, not legal advice."""
    if as_json:
        told = {code: vars(basis) for code, basis in bases().by_code.items()}
        print_json({"version": bases().version, "bases": told})
        return
    for basis in bases().by_code.values():
        out.print(f"{basis.code}  ({basis.jurisdiction}, since {basis.since})", style="bold")
        out.print(f"    {basis.reference}: {basis.means}")
    out.print(f"the list of {bases().version}")


@app.command()
def maintain(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Rewrite the database's files, so that nothing that was erased is left in them.

    Queries of the tables in question wait meanwhile. It completes the erasures whose other holders
    have let go.
    """
    settings = settings_from(data_dir)
    with open_system(settings, create=False) as system:
        refuse_another_ledger(system)
        system.eraser.run_all()
        with maintenance(settings) as conninfo:
            digests = [model.digest() for model in READ_MODELS]
            done = storage.maintain(conninfo, digests, _quiet if as_json else out.print)
        system.eraser.settle_all()
    left = [*done.left]
    if settings.erasure_ledger is None:
        left.append(
            f"the deletion ledger lies in {settings.data_dir}, where a backup that is put back "
            "replaces it; name another place in HIRELOG_ERASURE_LEDGER"
        )
    if as_json:
        print_json(vars(done) | {"left": left})
        return
    out.print(f"{len(done.tables)} table(s) written anew; {done.erasures} erasure(s) acknowledged")
    for each in left:
        out.print(f"still to see to: {each}")


@app.command("adopt-ledger")
def adopt_ledger(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make the deletion ledger that is configured here the one that the database knows.

    For when the other is lost: append it to this one instead, where it is not. Whom a backup brings
    back that only the other names would not be erased again.
    """
    with open_system(settings_from(data_dir), create=False) as system:
        with system.pool.connection() as connection:
            known_ledger.adopt(connection, system.ledger)
        where, number = str(system.ledger.path), len(system.ledger.read().destroyed)
    if as_json:
        print_json({"ledger": where, "keys": number})
    else:
        out.print(f"{where} is the deletion ledger now, with {number} key(s)", markup=False)


def refuse_another_ledger(system: System) -> None:
    """Raises CannotStart where who restores a backup would not hear of what is erased here."""
    with system.pool.connection() as connection:
        if trouble := known_ledger.trouble(connection, system.ledger, system.ledger.read().names):
            raise CannotStart(trouble)


def _quiet(_: str) -> None:
    pass


def _see_through(system: System, erasures: list[UUID], *, project: bool, quiet: bool) -> None:
    """Waits a moment for whoever only needs to be told."""
    if project:
        catch_up(system, quiet=quiet)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        system.eraser.settle_all()
        with system.pool.connection() as connection:
            waits = [
                each
                for erasure in erasures
                for each in listing.holders(connection, erasure)
                if each.state == "pending" and each.holder != FILES
            ]
        if not any(each.holder.startswith("process:") for each in waits):
            return
        time.sleep(0.1)


def _show(system: System, erasure_id: UUID, *, as_json: bool) -> None:
    erasure = system.eraser.one(erasure_id)
    with system.pool.connection() as connection:
        holders = listing.holders(connection, erasure_id)
        recipients = disclosures.of_candidate(connection, erasure.candidate_id)
    if as_json:
        whole = ErasureState.whole(erasure, holders, recipients)
        print_json(whole.model_dump(mode="json"))
        return
    out.print(f"erasure {erasure.erasure_id} of candidate {erasure.candidate_id}", style="bold")
    out.print(f"{', '.join(erasure.purposes)}; {plain(erasure.legal_basis)}; {erasure.state}")
    if erasure.because:
        out.print(plain(erasure.because), markup=False)
    for each in holders:
        out.print(f"  {each.state:<13}{each.holder}  {plain(each.because or '')}", markup=False)
    for to in recipients:
        when = to.disclosed_at.strftime(TIME)
        out.print(f"  owed a notice: {plain(to.recipient)} ({to.kind}, {when})", markup=False)
    if not recipients:
        out.print("  nobody is on record who received the data before")


def _show_all(found: list[listing.Erasure], *, as_json: bool) -> None:
    if as_json:
        print_json([Erasure.of(each).model_dump(mode="json") for each in found])
        return
    table = Table(box=None)
    for column in "erasure", "candidate", "requested", "by", "basis", "state":
        table.add_column(column)
    for each in found:
        table.add_row(
            str(each.erasure_id),
            str(each.candidate_id),
            each.requested_at.strftime(TIME),
            plain(each.actor),
            plain(each.legal_basis),
            each.state,
        )
    show(table)
