"""Commands that prove what is on record, and that check such proofs."""

import os
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.cli import officers
from api.cli.officers import Officer, Why
from api.cli.shared import AsJson, DataDir, out, print_json, settings_from
from api.database import CannotStart
from api.plain import TIME, plain
from api.proof import bundles, checking, rotation, signing, witness
from api.readings import What
from api.wiring import open_system
from domain.recorded import decode
from projections.compliance_audit.describe import describe
from projections.compliance_audit.merkle import bundle, note, stored
from projections.compliance_audit.merkle.encoding import NotProven, from_base64
from projections.compliance_audit.merkle.note import VerifierKey

app = typer.Typer(help="Prove what is on record, and check that nothing was altered.")

Key = Annotated[str, typer.Option(help="The log's verifier key, as hirelog audit key prints it.")]
LARGEST = 500_000_000  # bytes of a bundle


@app.command()
def key(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print the key with which others verify this log; hand it to them yourself."""
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        made = stored.verifier_key(connection)
        if made is None:
            signing.sealer(system.settings, connection)
            made = stored.verifier_key(connection)
    print_json({"verifier_key": str(made)}) if as_json else out.print(str(made), markup=False)


@app.command("rotate-key")
def rotate_key(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Have a new key sign the log from now on; the old one announces it.

    What runs on this data directory finds it. Hand the new verifier key to whoever verifies.
    """
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        made = rotation.rotate(system.settings, connection)
        file = system.settings.data_dir / signing.SIGNING_KEY_FILE
        given = system.settings.signing_key is not None
    if as_json:
        print_json({"verifier_key": str(made), "file": str(file)})
        return
    out.print(str(made), markup=False)
    if given:
        given_anew = f"give what {file} holds in HIRELOG_SIGNING_KEY"
        out.print(f"Start anew what serves or projects, and {given_anew}.", markup=False)


@app.command()
def export(
    candidate: UUID,
    why: Why,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write the bundle [default: CANDIDATE.bundle.json]."),
    ] = None,
    no_personal: Annotated[
        bool, typer.Option("--no-personal", help="Leave the values in clear out.")
    ] = False,
    actor: Officer = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a candidate's history with the proofs that it is on record, to be verified offline."""
    file = to or Path(f"{candidate}.bundle.json")
    with open_system(settings_from(data_dir), create=False) as system:
        made = bundles.export(system, candidate, with_personal=not no_personal)
        with officers.new_file(file) as target:
            officers.note(system, candidate, What.PROOF, actor=actor, why=why)
            target.write(made.model_dump_json(indent=1).encode())
    if as_json:
        print_json({"file": str(file), "events": len(made.events)})
    else:
        holds = officers.in_clear(value for each in made.events for value in each.personal.values())
        out.print(f"{len(made.events):,} events written to {file}; {holds} in clear")


@app.command()
def verify(file: Path, key: Key, as_json: AsJson = False) -> None:
    """Check a bundle with the key alone: no database, no network. Exit code 1 when it fails."""
    trusted = _verifier_key(key)
    if file.stat().st_size > LARGEST:
        raise CannotStart(f"{file} is no bundle: it is larger than {LARGEST:,} bytes")
    found = bundle.verify(file.read_bytes(), trusted)
    events = found.bundle.events
    if as_json:
        print_json(
            {
                "candidate": found.bundle.candidate,
                "events": len(events),
                "log": vars(found.checkpoint) | {"root": found.checkpoint.root.hex()},
                "personal_values_not_proven": found.personal_values,
                "failures": [vars(each) for each in found.failures],
            }
        )
    else:
        _show(found)
    if found.failures:
        raise typer.Exit(1)


def _show(found: bundle.Verified) -> None:
    failed = {(each.position, each.version) for each in found.failures}
    for event in found.bundle.events:
        sign = "FAILS " if (event.position, event.version) in failed else "proven"
        what = plain(_description(event))
        out.print(f"{sign} {event.version:>4}  position {event.position}  {what}", markup=False)
    signed = found.checkpoint
    for each in found.failures:
        out.print(str(each), markup=False)
    if found.failures:
        out.print(f"{len(found.failures)} failure(s): this is not what {signed.origin} signed")
        return
    out.print(
        f"all {len(found.bundle.events):,} events are on record in {signed.origin}, whose "
        f"{signed.size:,} events are signed{_proven_values(found)}"
    )


def _proven_values(found: bundle.Verified) -> str:
    proven = sum(len(event.keys) for event in found.bundle.events)
    said = f"; {proven} personal value(s) in clear are those on record" if proven else ""
    if found.personal_values:
        said += f"; {found.personal_values} are not proven, for they have no keys of their own"
    return said


def _description(event: bundle.BundledEvent) -> str:
    try:
        happened, metadata = decode(event.topic, from_base64(event.state, "its state"))
    except (NotProven, ValueError):  # altered, or of a newer hirelog
        return event.topic
    when = metadata.occurred_at.strftime(TIME)
    return f"{when}  {metadata.actor}  {describe(happened)}"


@app.command("check")
def check_log(
    kept: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="Checkpoints that were kept elsewhere, one or several."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The verifier key [default: that of our signing key].")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check every event on record against every signed checkpoint, and that every key opens.

    Published reports on adverse impact are checked against what the events say of them. Exit code 1
    when any differs, or when somebody who was not erased can be read no more; a report published
    before there were such events is named, and is no failure.
    """
    notes = _kept(kept) if kept else []
    given = _verifier_key(key) if key else None
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        found = checking.check_all(system, connection, given, notes, quiet=as_json)
    report = found.log
    wrong = {str(each.report.report_id): each.wrong for each in found.reports if each.wrong}
    if as_json:
        findings = [vars(each) for each in report.findings]
        print_json(
            vars(report) | {"kept": found.kept, "findings": findings, "wrong_impact_reports": wrong}
        )
    else:
        for each in report.findings:
            out.print(str(each), markup=False)
        for what, count in report.left_out().items():
            out.print(f"{count:,} more: {what}", markup=False)
        for name, what in wrong.items():
            out.print(f"report {name} on adverse impact: {what}", markup=False)
        if not report.findings:
            out.print(
                f"{report.sealed:,} of {report.events:,} events are as {report.checkpoints:,} "
                f"checkpoints signed them, and {found.kept} that were kept elsewhere"
            )
    if not found.holds:
        raise typer.Exit(1)


def _verifier_key(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except NotProven as error:
        raise typer.BadParameter(f"--key: {error}") from error


def _kept(file: Path) -> list[str]:
    try:
        return note.split(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"--checkpoint: {file} holds no checkpoints") from error


@app.command("witness")
def witness_log(
    state: Annotated[Path, typer.Option(help="The file that keeps the last checkpoint.")],
    key: Key,
    url: Annotated[
        str | None, typer.Option(help="A server of hirelog; HIRELOG_API_KEY is sent along.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Keep the log's last checkpoint when it continues the one kept before; else exit code 1."""
    trusted = _verifier_key(key)
    if url and data_dir:
        raise typer.BadParameter("give either --url or --data-dir")
    log = witness.at(url, os.environ.get("HIRELOG_API_KEY")) if url else None
    with log or witness.within(settings_from(data_dir)) as watched:
        old, new = witness.observe(watched, trusted, state)
    if as_json:
        print_json({"size": new.size, "before": old and old.size})
    elif old is None:
        out.print(f"the first checkpoint of {new.origin} is kept: {new.size:,} events")
    else:
        out.print(f"{new.origin} continues: {old.size:,} events then, {new.size:,} now")
