"""How reports word their numbers, the same in each format."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from projections.adverse_impact.analysis import Finding
from projections.adverse_impact.cells import OTHERS
from projections.adverse_impact.policies import Policy, SmallestCell
from projections.adverse_impact.published import Checked
from projections.adverse_impact.report import WHOLE_PROCESS, Report, Section, Table

IS_AND_IS_NOT = (
    "This report compares how often people of different groups were selected. It is arithmetic on "
    "the records that it names, not a finding of discrimination and not legal advice: a flag is a "
    "reason to look closer, and no flag is no clearance. People whose answer is unknown or who "
    "declined to answer are counted, and are in none of the groups."
)
WORKING_REPORT = (
    "a working report, which must not be handed on: groups of any size are shown, and one of a "
    "single person tells what that person answered"
)
SMALLEST_PROBABILITY = 0.0001


def title(section: Section) -> str:
    """A section's heading."""
    if section.scope == WHOLE_PROCESS:
        return "Whole process"
    return f"{section.scope.capitalize()}: {section.name}"


def attributes(table: Table) -> str:
    """What the groups of a table are made of."""
    return " by ".join(table.attributes)


def group(finding: Finding) -> str:
    """A group's name."""
    return " / ".join(finding.group.answers)


def rate_label(section: Section) -> str:
    """What the rates of a section are: 6 RCNY 5-300 knows both."""
    if section.median is not None:
        return "Scoring rate"
    findings = [finding for table in section.tables for finding in table.findings]
    return "Rate" if any(each.group.selected is None for each in findings) else "Selection rate"


def percent(value: Fraction | None) -> str:
    """One digit after the point; nothing for nothing."""
    return "" if value is None else f"{_rounded(value * 100, 1)}%"


def limit(value: Fraction) -> str:
    """A policy's threshold, in percent, as it is written there."""
    return f"{float(value * 100):g}%"


def ratio(finding: Finding, policy: Policy) -> str:
    """Three digits after the point, and more where they would hide that it is below the limit."""
    value = finding.ratio
    if value is None:
        return ""
    digits = 3
    if finding.below_four_fifths:
        while Fraction(_rounded(value, digits)) >= policy.four_fifths:
            digits += 1
    return _rounded(value, digits)


def probability(value: float | None) -> str:
    """Four digits after the point, or that it is smaller."""
    if value is None:
        return ""
    return f"<{SMALLEST_PROBABILITY}" if value < SMALLEST_PROBABILITY else f"{value:.4f}"


def deviations(value: float | None) -> str:
    """Two digits after the point, with the sign."""
    return "" if value is None else f"{value:+.2f}"


def notes(finding: Finding, policy: Policy) -> Iterator[str]:
    """What a reader should know of a group, the gravest first."""
    if finding.is_reference:
        yield "highest rate"
    if finding.below_four_fifths:
        yield f"below {limit(policy.four_fifths)} of the highest rate"
    if finding.beyond_standard_deviations:
        yield f"more than {policy.standard_deviations} standard deviations apart"
    if finding.significant:
        yield f"significant at {limit(policy.significance)} (Fisher)"
    if finding.one_person_flips:
        verb = "lift it to" if finding.below_four_fifths else "take it below"
        yield f"one different person would {verb} {limit(policy.four_fifths)}"
    if finding.small:
        yield f"fewer than {policy.small_group} people: small numbers"
    if finding.excluded:
        yield f"no ratio: {policy.excluded_because}"
    elif finding.group.is_merged:
        yield "several groups together, some of few people: no ratio"
    elif finding.group.rate is None:
        yield "no applicants"
    elif finding.ratio is None:
        yield "no ratio: nobody was selected"


def outside(table: Table) -> str:
    """Who is in none of the groups, in a sentence."""
    return (
        f"Not among these groups: {table.unknown:,} whose answer is unknown, "
        f"{table.declined:,} who declined to answer."
    )


def left_out(section: Section, smallest: SmallestCell | None) -> str:
    """Which tables of a section are not shown, in a sentence; empty where all are."""
    if not section.left_out or smallest is None:
        return ""
    named = ", ".join(f"by {' by '.join(each)}" for each in section.left_out)
    return (
        f"Not shown {named}: groups of fewer than {smallest.people} people could be seen there, or "
        "be computed from what is shown elsewhere."
    )


def smallest_line(smallest: SmallestCell) -> str:
    """That small groups are not shown, and by which rule."""
    return (
        f"no group of fewer than {smallest.people} people is shown by itself (version "
        f"{smallest.version}, from {smallest.valid_from}); {OTHERS} are several groups together, "
        "and tables where that is not enough are left out"
    )


def shown_groups(checked: Checked) -> str:
    """Which groups a published report shows."""
    if checked.told is None:
        return "not known"
    smallest = checked.told.smallest_group
    return f"of {smallest} or more" if smallest else "of any size"


def policy_line(report: Report) -> str:
    """The policy with its version and day."""
    held = report.policy
    return f"{held.title} ({held.jurisdiction}), version {held.version}, from {held.valid_from}"


def wording_line(report: Report) -> str:
    """By which wording answers were read, with its day."""
    return f"version {report.wording.version}, from {report.wording.valid_from}"


def _rounded(value: Fraction, digits: int) -> str:
    scaled = round(value * 10**digits)
    return f"{Decimal(scaled).scaleb(-digits):.{digits}f}"
