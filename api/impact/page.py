"""Writes a report as one printable page of HTML that needs no script and no other file."""

from collections.abc import Iterator, Mapping
from html import escape

from api.impact import words
from projections.adverse_impact.analysis import Finding
from projections.adverse_impact.policies import Policy, Statistic
from projections.adverse_impact.report import Report, Section, Table

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { margin-top: 2.2rem; font-size: 1.25rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
td:last-child { min-width: 13rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d0d7de;
         vertical-align: top; }
thead th { border-bottom: 2px solid #57606a; } tbody th { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.flag { font-weight: 700; color: #8a3800; }
.small { color: #57606a; font-size: .85rem; }
figure { margin: .6rem 0; } svg { max-width: 100%; height: auto; }
section, figure, tr { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } }
"""

# Okabe and Ito's palette, which those who see few colours tell apart; numbers stand beside anyway.
PLAIN, REFERENCE, FLAGGED, LEFT_OUT = "#0072b2", "#009e73", "#d55e00", "#9aa4ad"
CHART, LABELS, BARS, ROW = 900, 330, 380, 26
LONGEST_LABEL = 46


def page(report: Report, about: Mapping[str, str]) -> str:
    """The report as HTML; `about` says where it comes from, label by label."""
    facts = {
        **about,
        "Policy": words.policy_line(report),
        "Law": report.policy.legal_reference,
        "Answers read by": words.wording_line(report),
    }
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    sections = "".join(_section(section, report) for section in report.sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Adverse impact</title><style>{STYLE}</style></head><body>"
        f"<h1>Adverse impact</h1><dl>{listed}</dl><p>{words.IS_AND_IS_NOT}</p>{sections}"
        "</body></html>\n"
    )


def _section(section: Section, report: Report) -> str:
    median = ""
    if section.median is not None:
        middle = f"{float(section.median):g}"
        median = f'<p class="small">Median score of the full sample: {middle}.</p>'
    tables = "".join(_table(section, table, report.policy) for table in section.tables)
    missing = escape(words.left_out(section, report.smallest))
    left_out = f'<p class="small">{missing}</p>' if missing else ""
    return f"<h2>{escape(words.title(section))}</h2>{median}{tables}{left_out}"


def _table(section: Section, table: Table, policy: Policy) -> str:
    heads = "".join(f'<th class="n">{head}</th>' for head in _heads(section, policy))
    rows = "".join(_row(finding, section, policy) for finding in table.findings)
    name = escape(words.attributes(table))
    return (
        f"<section><h3>By {name}</h3>{_chart(name, table, policy)}"
        f'<div class="scroll"><table><thead><tr><th>{name}</th>{heads}<th>Notes</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="small">{words.outside(table)}</p></section>'
    )


def _heads(section: Section, policy: Policy) -> Iterator[str]:
    selected = "Above the median" if section.median is not None else "Selected"
    yield from ("Applicants", selected, words.rate_label(section), "Impact ratio")
    if policy.asks_for(Statistic.STANDARD_DEVIATIONS):
        yield "SDs"
    if policy.asks_for(Statistic.FISHER):
        yield "Fisher p"


def _row(finding: Finding, section: Section, policy: Policy) -> str:
    group = finding.group
    cells = [
        "" if group.applicants is None else f"{group.applicants:,}",
        "" if group.selected is None else f"{group.selected:,}",
        words.percent(group.rate),
        words.ratio(finding, policy),
    ]
    if policy.asks_for(Statistic.STANDARD_DEVIATIONS):
        cells.append(words.deviations(finding.standard_deviations))
    if policy.asks_for(Statistic.FISHER):
        cells.append(words.probability(finding.fisher_two_sided))
    assert len(cells) == len(list(_heads(section, policy)))  # noqa: S101  # both follow the policy
    numbers = "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
    notes = escape("; ".join(words.notes(finding, policy)))
    flag = ' class="flag"' if finding.below_four_fifths else ""
    return f"<tr><th>{escape(words.group(finding))}</th>{numbers}<td{flag}>{notes}</td></tr>"


def _chart(name: str, table: Table, policy: Policy) -> str:
    shown = [finding for finding in table.findings if finding.group.rate is not None]
    if not shown:
        return ""
    highest = max(float(finding.group.rate or 0) for finding in shown) or 1.0
    height = ROW * len(shown) + 24
    bars = "".join(_bar(place, each, highest, policy) for place, each in enumerate(shown))
    return (
        f'<figure><svg viewBox="0 0 {CHART} {height}" width="{CHART}" role="img" '
        f'aria-label="Rates by {name}; the numbers are in the table below" '
        f'font-family="system-ui, sans-serif" font-size="13">'
        f"{bars}{_limit(shown, highest, policy, height)}</svg></figure>"
    )


def _bar(place: int, finding: Finding, highest: float, policy: Policy) -> str:
    top = place * ROW + 4
    rate = finding.group.rate
    width = BARS * float(rate or 0) / highest
    colour = PLAIN
    said = f"{words.percent(rate)}"
    if finding.is_reference:
        colour, said = REFERENCE, f"{said} (highest)"
    elif finding.excluded or finding.group.is_merged:
        colour, said = LEFT_OUT, f"{said} (no ratio)"
    elif finding.ratio is not None:
        said = f"{said} (ratio {words.ratio(finding, policy)})"
    if finding.below_four_fifths:
        colour, said = FLAGGED, f"{said} ⚑"
    label = words.group(finding)
    if len(label) > LONGEST_LABEL:
        label = f"{label[: LONGEST_LABEL - 1]}…"
    return (
        f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="{ROW - 8}" fill="{colour}"/>'
        f'<text x="{LABELS - 10}" y="{top + 14}" text-anchor="end">{escape(label)}</text>'
        # Behind the longest bar, where the line of the limit never is.
        f'<text x="{LABELS + BARS + 8}" y="{top + 14}">{said}</text>'
    )


def _limit(shown: list[Finding], highest: float, policy: Policy, height: int) -> str:
    reference = next((finding for finding in shown if finding.is_reference), None)
    if reference is None or not policy.asks_for(Statistic.FOUR_FIFTHS):
        return ""
    limit = policy.four_fifths * (reference.group.rate or 0)
    across = LABELS + BARS * float(limit) / highest
    return (
        f'<line x1="{across:.1f}" x2="{across:.1f}" y1="0" y2="{height - 20}" stroke="#1b1f24" '
        f'stroke-dasharray="4 3"/><text x="{across:.1f}" y="{height - 6}" text-anchor="middle" '
        f'font-size="12">{words.limit(policy.four_fifths)} of the highest rate: '
        f"{words.percent(limit)}</text>"
    )
