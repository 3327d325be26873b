"""Commands on adverse impact in our own hiring: compute, publish, and read what was published."""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.table import Table

from api.cli.impact import OnDay, OutFiles, PolicyName, check_suffixes, hand_out, texts_of, write
from api.cli.officers import note
from api.cli.shared import (
    AsJson,
    DataDir,
    metadata_of,
    out,
    print_json,
    settings_from,
    show,
)
from api.impact import words
from api.progress import catch_up
from api.proof import signing
from api.readings import What
from api.wiring import open_system, opened_vault
from domain.values import now
from projections.adverse_impact.answers import wording
from projections.adverse_impact.pipeline import Outcome, Period, count, read
from projections.adverse_impact.policies import policy, smallest_cell
from projections.adverse_impact.published import (
    Published,
    digests,
    event_of,
    kept,
    publish,
    published,
)
from projections.adverse_impact.report import CannotCompute, build
from projections.compliance_audit.merkle.encoding import to_base64

app = typer.Typer()

DAY = ["%Y-%m-%d"]


@app.command(name="report")
def report(
    by: Annotated[
        list[str] | None,
        typer.Option(help="What people were asked, such as sex; may be repeated [all]."),
    ] = None,
    selected: Annotated[
        Outcome, typer.Option(help="What selected means in the whole process.")
    ] = Outcome.HIRED,
    job: Annotated[UUID | None, typer.Option(help="Only applications for this job.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=DAY, help="Only applications from that day on (UTC)."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=DAY, help="Only applications before that day (UTC).")
    ] = None,
    period: Annotated[Period, typer.Option(help="How long periods are.")] = Period.YEAR,
    policy_name: PolicyName = "us-ugesp",
    on: OnDay = None,
    publish_by: Annotated[
        str | None,
        typer.Option(
            "--publish-by", help="Keep it for good; who publishes it, such as officer:kim."
        ),
    ] = None,
    every_group_because: Annotated[
        str | None,
        typer.Option(
            "--every-group-because",
            help="Publish groups of any size, down to one person; why, for the record.",
        ),
    ] = None,
    to: OutFiles = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compute a report from the pipeline and what people said of themselves.

    Only counts leave: neither who said what nor who was selected. What is published shows no group
    of fewer than ten people; a report that is not published shows all, and is not to be handed on.
    """
    if every_group_because is not None and publish_by is None:
        raise typer.BadParameter("--every-group-because is for what is published; see --publish-by")
    metadata = metadata_of(publish_by, every_group_because, option="--publish-by")
    hides = publish_by is not None and every_group_because is None
    smallest = smallest_cell(now().date()) if hides else None
    if smallest:
        handing_on = words.smallest_line(smallest)
    elif publish_by is not None:
        handing_on = f"groups of any size are shown, down to one person: {every_group_because}"
    else:
        handing_on = words.WORKING_REPORT
    day = on.date() if on else now().date()
    rules = policy(policy_name, day)
    files = to or []
    check_suffixes(files)
    with open_system(settings_from(data_dir), create=False) as system:
        catch_up(system, quiet=as_json)
        with system.pool.connection() as connection:
            pipeline = read(
                connection,
                job=job,
                applied_from=since and since.replace(tzinfo=UTC),
                applied_until=until and until.replace(tzinfo=UTC),
            )
        note(system, None, What.SELF_IDENTIFICATION, actor=metadata.actor)
        with opened_vault(system) as vault:
            answers = vault.answers(until=pipeline.position)
        known = sorted({name for said in answers.values() for name in said})
        if not known:
            raise CannotCompute("nobody has answered any question on self-identification")
        asked = tuple(dict.fromkeys(by or known))
        if never := sorted(set(asked) - set(known)):
            raise CannotCompute(f"nobody was asked {never[0]!r}; there are {', '.join(known)}")
        counted = count(pipeline, answers, asked, selected, period)
        made = build(counted.rows, asked, rules, wording(day), smallest)
        about = {
            "Handing on": handing_on,
            "Computed from": "applications and self-identifications on record here",
            "Up to position": str(pipeline.position),
            "Computed at": now().isoformat(timespec="seconds"),
            "Selected means": selected.value,
            "Left out, still open": str(counted.still_open),
            "Left out, withdrawn by the candidate": str(counted.withdrawn),
            **({"Job": str(job)} if job else {}),
            **({"Applied from": f"{since:%Y-%m-%d}"} if since else {}),
            **({"Applied before": f"{until:%Y-%m-%d}"} if until else {}),
        }
        if publish_by is not None:
            with system.pool.connection() as connection:
                signed = signing.sealer(system.settings, connection).seal(connection)
            if signed is None:  # the log is empty
                raise CannotCompute("nothing is on record")
            report_id, sealed = uuid4(), signed.checkpoint
            about |= {
                "Published as": str(report_id),
                "Published by": metadata.actor,
                "Checkpoint": f"{sealed.origin}, {sealed.size} events, {to_base64(sealed.root)}",
            }
            written = texts_of(made, about)
            which = Published(
                report_id=report_id,
                published_at=metadata.occurred_at,
                published_by=metadata.actor,
                position=pipeline.position,
                checkpoint=signed.note,
                policy=rules.name,
                policy_version=rules.version,
                **digests(written),
            )
            with system.pool.connection() as connection:
                told = event_of(which, smallest)
                tell = partial(system.recruiting.record_upkeep, told, metadata)
                publish(connection, which, written, tell)
            with system.pool.connection() as connection:
                signing.sealer(system.settings, connection).seal(connection)
    hand_out(made, about, files, printed_as_json=as_json)
    if publish_by is not None and not as_json:
        out.print(f"published as {about['Published as']}")


@app.command(name="published")
def list_published(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print which reports were published. Exit code 1 when one is not what was published.

    One that was published before the log was told of it is named, and is no failure.
    """
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        found = published(connection)
    if as_json:
        print_json([each.plain() for each in found])
    else:
        table = Table("report", "published", "by", "position", "policy", "groups", "text")
        for each in found:
            kept = each.report
            policy_name = f"{kept.policy} {kept.policy_version}"
            when = f"{kept.published_at:%Y-%m-%d %H:%M} UTC"
            row = (str(kept.report_id), when, kept.published_by, str(kept.position), policy_name)
            table.add_row(*row, words.shown_groups(each), each.wrong or "as published")
        show(table)
    if any(each.has_changed for each in found):
        raise typer.Exit(1)


@app.command(name="show")
def show_published(
    report_id: UUID,
    to: OutFiles = None,
    data_dir: DataDir = None,
) -> None:
    """Hand out a published report, word for word: to files, or as JSON.

    One that is not what was published is not handed out; exit code 1.
    """
    files = to or []
    check_suffixes(files)
    with (
        open_system(settings_from(data_dir), create=False) as system,
        system.pool.connection() as connection,
    ):
        found = kept(connection, report_id)
    if found is None:
        raise CannotCompute(f"no report was published as {report_id}; see hirelog impact published")
    checked, written = found
    if checked.wrong:
        print(f"hirelog: report {report_id}: {checked.wrong}", file=sys.stderr)  # noqa: T201  # one plain line
    if written is None or checked.has_changed:
        raise typer.Exit(1)
    write(written, files)
    if not files:
        print(written.json, end="")  # noqa: T201  # word for word
