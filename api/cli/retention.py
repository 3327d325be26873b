"""Commands on retention: what is due for erasure and why, and its erasure."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated
from uuid import uuid5

import psycopg
import typer
from rich.table import Table

from api.cli.erasures import refuse_another_ledger
from api.cli.shared import (
    Actor,
    AsJson,
    DataDir,
    metadata_of,
    moment,
    out,
    print_json,
    settings_from,
    show,
)
from api.compliance import due
from api.database import CannotStart
from api.erasure.eraser import Asked
from api.plain import TIME
from api.wiring import System, open_system
from domain.recorded import Metadata
from domain.retention import Finding, UnknownJurisdiction, policies
from domain.values import now

app = typer.Typer(help="How long records are kept, and what is due for erasure. No legal advice.")

Jurisdictions = Annotated[
    list[str] | None,
    typer.Option("--jurisdiction", help="Such as DE, once for each that applies [default: all]."),
]
AsOf = Annotated[
    str | None, typer.Option(help="What is due by then (RFC 3339, with zone) [default: now].")
]
Limit = Annotated[int, typer.Option(min=1, help="How many to show at the most.")]
SHOWN = 200
TOGETHER = 500  # candidates whose events are read in one query
BASIS = "retention-ended"


@app.command("due")
def list_due(
    as_of: AsOf = None,
    jurisdiction: Jurisdictions = None,
    limit: Limit = SHOWN,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show whose records are due, under which policy, and the event that started its time.

    Of several policies the longest wins. Nothing is due of who has an active application, was
    hired, or is under a legal hold.
    """
    with open_system(settings_from(data_dir), create=False) as system:
        asked = _asked(as_of, jurisdiction)
        with system.pool.connection() as connection, _said():
            found = due.confirmed(system, asked, due.due(connection, asked), TOGETHER)
            shown = list(islice(found, limit))
            more = sum(1 for _ in found)
    if as_json:
        print_json({"due": len(shown) + more, "items": [due.as_json(each) for each in shown]})
        return
    out.print(f"{len(shown) + more} due by {asked.as_of.strftime(TIME)}")
    if shown:
        _show(shown)


@app.command("run")
def erase_due(
    as_of: AsOf = None,
    jurisdiction: Jurisdictions = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase, which nothing brings back.")] = False,
    limit: Limit = SHOWN,
    actor: Actor = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is due. Each candidate is looked at again in their own events before."""
    if dry_run == yes:
        raise typer.BadParameter("give --dry-run or --yes")
    if as_of and yes and (given := moment("--as-of", as_of)) and given > now():
        raise typer.BadParameter("--as-of lies ahead; what is not due yet is not erased")
    number, shown = 0, list[Finding]()
    with open_system(settings_from(data_dir), create=False) as system:
        if yes:
            refuse_another_ledger(system)
        asked = _asked(as_of, jurisdiction)
        metadata = metadata_of(actor, "Retention ended")
        with system.pool.connection() as connection, _said():
            # Nobody is erased by what was read before others were: an answer may have come since.
            at_once = 1 if yes else TOGETHER
            for finding in due.confirmed(system, asked, due.due(connection, asked), at_once):
                if yes:
                    _erase(system, finding, metadata)
                number += 1
                if len(shown) < limit:
                    shown.append(finding)
    if as_json:
        key = "erased" if yes else "would_erase"
        print_json({key: number, "items": [due.as_json(each) for each in shown]})
        return
    out.print(f"{number} {'erased' if yes else 'would be erased'}")
    if shown:
        _show(shown)


def _erase(system: System, finding: Finding, metadata: Metadata) -> None:
    """Asks for the erasure of everything about the candidate, once for each time it is due."""
    due_at = finding.terms[0].due_at.isoformat()
    erasure_id = uuid5(finding.candidate_id, f"retention-ended {due_at}")
    system.eraser.request(erasure_id, Asked(finding.candidate_id, BASIS), metadata)


def _asked(as_of: str | None, jurisdictions: list[str] | None) -> due.Asked:
    asked = due.Asked(policies(), moment("--as-of", as_of) or now(), tuple(jurisdictions or ()))
    try:
        asked.applying()
    except UnknownJurisdiction as error:
        raise typer.BadParameter(f"--jurisdiction: {error}") from error
    return asked


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.UndefinedColumn,  # of an older version, while the new one is being built
    ) as error:
        raise CannotStart(
            "the read models are not built, or not yet in this version; run hirelog project, then "
            "ask again"
        ) from error


def _show(findings: list[Finding]) -> None:
    table = Table(box=None)
    for column in "candidate", "due since", "policy", "since", "event":
        table.add_column(column)
    for each in findings:
        term = each.terms[0]
        table.add_row(
            str(each.candidate_id),
            term.due_at.strftime("%Y-%m-%d"),
            f"{term.policy.name}, version {term.policy.version}",
            term.start.occurred_at.strftime("%Y-%m-%d"),
            f"{term.start.version}: {term.start.type}",
        )
    show(table)
