"""Commands on adverse impact: compute a report, and the policies that reports follow."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as RichTable

from api.cli.shared import AsJson, out, print_json, show
from api.impact import words
from api.impact.page import page
from api.impact.reading import Columns, read
from api.impact.writing import as_csv, as_json
from domain.values import now
from projections.adverse_impact.answers import wording
from projections.adverse_impact.policies import policies, policy
from projections.adverse_impact.published import Texts
from projections.adverse_impact.report import Report, Section, Table, build

app = typer.Typer()

FORMATS = (".html", ".csv", ".json")

PolicyName = Annotated[
    str, typer.Option("--policy", help="The rules to hold the numbers against; see policies.")
]
OnDay = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="With the rules of that day [today]."),
]
OutFiles = Annotated[
    list[Path] | None,
    typer.Option("--out", help="Write it to a new .html, .csv or .json file; may be repeated."),
]


@app.command(name="compute")
def compute(
    file: Path,
    by: Annotated[
        list[str] | None,
        typer.Option(help="A column that tells groups apart, such as sex; may be repeated."),
    ] = None,
    policy_name: PolicyName = "us-ugesp",
    on: OnDay = None,
    applicants: Annotated[str | None, typer.Option(help="The column that counts them.")] = None,
    selected: Annotated[
        str | None, typer.Option(help="The column that counts them, or that says it of a person.")
    ] = None,
    selected_value: Annotated[
        list[str] | None, typer.Option(help="What that column says of a person selected.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="The column with a published rate.")] = None,
    score: Annotated[
        str | None, typer.Option(help="The column with scores; above the median is selected.")
    ] = None,
    count: Annotated[
        str | None, typer.Option(help="The column that says for how many people a line stands.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="The column with the stage.")] = None,
    job: Annotated[str | None, typer.Option(help="The column with the job.")] = None,
    period: Annotated[str | None, typer.Option(help="The column with the period.")] = None,
    to: OutFiles = None,
    as_json_: AsJson = False,
) -> None:
    """Compute a report from a CSV file: people, counts of people, or published rates.

    Needs no data of hirelog's. A cell with * stands for everybody: such a file is taken as
    published tables, of which nothing is added up.
    """
    given = {
        "applicants": applicants,
        "selected": selected,
        "rate": rate,
        "score": score,
        "count": count,
        "stage": stage,
        "job": job,
        "period": period,
    }
    columns = Columns(
        by=tuple(by or ()),
        named={meaning: name for meaning, name in given.items() if name is not None},
        selected_values=tuple(selected_value or ()),
    )
    rows, attributes = read(file, columns)
    day = on.date() if on else now().date()
    report = build(rows, attributes, policy(policy_name, day), wording(day))
    about = {
        "Handing on": words.WORKING_REPORT,
        "Computed from": file.name,
        "SHA-256 of the file": sha256(file.read_bytes()).hexdigest(),
        "Computed at": now().isoformat(timespec="seconds"),
    }
    hand_out(report, about, to or [], printed_as_json=as_json_)


@app.command(name="policies")
def list_policies(as_json: AsJson = False) -> None:
    """Print the rules that reports can follow, each with its version and day."""
    if as_json:
        print_json([each.model_dump(mode="json") for each in policies()])
        return
    table = RichTable("name", "version", "from", "jurisdiction", "law")
    for each in policies():
        row = (each.name, each.version, str(each.valid_from), each.jurisdiction)
        table.add_row(*row, each.legal_reference)
    out.print(table)


def check_suffixes(files: list[Path]) -> None:
    """Raises BadParameter for a file of which the suffix tells no format."""
    for file in files:
        if file.suffix not in FORMATS:
            raise typer.BadParameter(f"--out {file} must end with {', '.join(FORMATS)}")


def write(texts: Texts, files: list[Path]) -> None:
    """Writes the report to new files, by their suffix."""
    for file in files:
        with file.open("x", encoding="utf-8") as target:
            target.write(getattr(texts, file.suffix.removeprefix(".")))


def texts_of(report: Report, about: Mapping[str, str]) -> Texts:
    """The report in each format."""
    return Texts(
        json=json.dumps(as_json(report, about), indent=1, ensure_ascii=False) + "\n",
        csv=as_csv(report, about),
        html=page(report, about),
    )


def hand_out(
    report: Report, about: Mapping[str, str], files: list[Path], *, printed_as_json: bool
) -> None:
    """Prints the report, and writes it to new files by their suffix."""
    check_suffixes(files)
    if files:
        write(texts_of(report, about), files)
    if printed_as_json:
        print_json(as_json(report, about))
        return
    out.print(f"Handing on: {about['Handing on']}", markup=False)
    out.print(words.policy_line(report))
    out.print(f"Answers read by {words.wording_line(report)}")
    for section in report.sections:
        for table in section.tables:
            show(_printable(section, table, report))
            out.print(words.outside(table))
        if missing := words.left_out(section, report.smallest):
            out.print(f"{words.title(section)}. {missing}", markup=False)
    for file in files:
        out.print(f"written to {file}")


def _printable(section: Section, table: Table, report: Report) -> RichTable:
    printable = RichTable(title=words.title(section), title_justify="left")
    printable.add_column(words.attributes(table))
    for head in ("applicants", "selected", words.rate_label(section).lower(), "impact ratio"):
        printable.add_column(head, justify="right")
    printable.add_column("SDs", justify="right")
    printable.add_column("Fisher", justify="right")
    printable.add_column("notes")
    for finding in table.findings:
        printable.add_row(
            words.group(finding),
            "" if finding.group.applicants is None else f"{finding.group.applicants:,}",
            "" if finding.group.selected is None else f"{finding.group.selected:,}",
            words.percent(finding.group.rate),
            words.ratio(finding, report.policy),
            words.deviations(finding.standard_deviations),
            words.probability(finding.fisher_two_sided),
            "; ".join(words.notes(finding, report.policy)),
        )
    return printable
