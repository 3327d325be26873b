"""Writes a report as JSON, which loses nothing, and as CSV, which spreadsheets take."""

import csv
import io
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from api.impact import words
from projections.adverse_impact.analysis import Finding
from projections.adverse_impact.policies import Policy, Statistic
from projections.adverse_impact.report import Report, Section, Table

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run

# The fields of a finding that only some policies ask for.
ASKED: Mapping[Statistic, tuple[str, ...]] = {
    Statistic.FOUR_FIFTHS: ("below_four_fifths",),
    Statistic.STANDARD_DEVIATIONS: ("standard_deviations", "beyond_standard_deviations"),
    Statistic.FISHER: ("fisher_two_sided", "significant"),
    Statistic.ONE_PERSON_FLIP: ("one_person_flips",),
    Statistic.SMALL_GROUP: ("small",),
}


def as_json(report: Report, about: Mapping[str, str]) -> dict[str, Any]:
    """The report with every number exactly and as a float; `about` says where it comes from."""
    policy = report.policy
    return {
        "about": dict(about),
        "policy": {
            "name": policy.name,
            "version": policy.version,
            "title": policy.title,
            "jurisdiction": policy.jurisdiction,
            "valid_from": policy.valid_from.isoformat(),
            "legal_reference": policy.legal_reference,
            "minimum_share": str(policy.minimum_share),
            "four_fifths": str(policy.four_fifths),
            "standard_deviations": str(policy.standard_deviations),
            "significance": str(policy.significance),
            "small_group": policy.small_group,
        },
        "wording": {
            "version": report.wording.version,
            "valid_from": report.wording.valid_from.isoformat(),
        },
        "smallest_cell": report.smallest
        and {
            "version": report.smallest.version,
            "valid_from": report.smallest.valid_from.isoformat(),
            "people": report.smallest.people,
            "practice": report.smallest.practice,
        },
        "what_this_is": words.IS_AND_IS_NOT,
        "attributes": list(report.attributes),
        "sections": [
            {
                "scope": section.scope,
                "name": section.name,
                "median_score": _number(section.median),
                "tables": [_table(table, policy) for table in section.tables],
                "left_out": [list(attributes) for attributes in section.left_out],
            }
            for section in report.sections
        ],
    }


def _table(table: Table, policy: Policy) -> dict[str, Any]:
    return {
        "attributes": list(table.attributes),
        "unknown": table.unknown,
        "declined": table.declined,
        "groups": [_finding(finding, policy) for finding in table.findings],
    }


def _finding(finding: Finding, policy: Policy) -> dict[str, Any]:
    return {
        "group": list(finding.group.answers),
        "applicants": finding.group.applicants,
        "selected": finding.group.selected,
        "rate": _number(finding.group.rate),
        "share": _number(finding.share),
        "impact_ratio": _number(finding.ratio),
        "is_reference": finding.is_reference,
        "excluded": finding.excluded,
        "merged": finding.group.is_merged,
        **{name: getattr(finding, name) for name in _asked(policy)},
        "notes": list(words.notes(finding, policy)),
    }


def _asked(policy: Policy) -> list[str]:
    return [name for each, names in ASKED.items() if policy.asks_for(each) for name in names]


def _number(value: Fraction | None) -> dict[str, Any] | None:
    return None if value is None else {"exact": str(value), "value": float(value)}


def as_csv(report: Report, about: Mapping[str, str]) -> str:
    """One line for each group, and one for the unknown and the declined of each table."""
    target = io.StringIO()
    lines = [line for section in report.sections for line in _lines(section, report)]
    fixed = {
        "policy": f"{report.policy.name} version {report.policy.version}",
        "wording": f"version {report.wording.version}",
        **about,
    }
    writer = csv.DictWriter(target, [*lines[0], *fixed], lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({name: _cell(value) for name, value in {**line, **fixed}.items()})
    return target.getvalue()


def _lines(section: Section, report: Report) -> Iterator[dict[str, Any]]:
    policy = report.policy
    asked = _asked(policy)
    empty = dict.fromkeys(("selected", "rate", "share", "impact_ratio", *asked))
    for table in section.tables:
        place = {
            "scope": section.scope,
            "name": section.name,
            "attributes": words.attributes(table),
        }
        for finding in table.findings:
            yield {
                **place,
                "group": words.group(finding),
                "applicants": finding.group.applicants,
                "selected": finding.group.selected,
                "rate": _decimal(finding.group.rate),
                "share": _decimal(finding.share),
                "impact_ratio": _decimal(finding.ratio),
                **{name: getattr(finding, name) for name in asked},
                "notes": "; ".join(words.notes(finding, policy)),
            }
        for group, count in (("(unknown)", table.unknown), ("(declined)", table.declined)):
            note = "in none of the groups"
            yield {**place, "group": group, "applicants": count, **empty, "notes": note}
    for attributes in section.left_out:
        yield {
            "scope": section.scope,
            "name": section.name,
            "attributes": " by ".join(attributes),
            "group": "(left out)",
            "applicants": None,
            **empty,
            "notes": words.left_out(section, report.smallest),
        }


def _decimal(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _cell(value: Any) -> Any:
    # People may have written the answers themselves.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
