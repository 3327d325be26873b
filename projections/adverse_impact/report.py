"""Puts a report together: the groups in the whole process, each stage, job and period."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
from statistics import median
from uuid import UUID

from projections.adverse_impact.analysis import Finding, Group, findings
from projections.adverse_impact.answers import EVERYBODY, Answers, Said, Silence, Wording
from projections.adverse_impact.cells import OTHERS, Coarse, Crowd, People, coarsen
from projections.adverse_impact.policies import Policy, SmallestCell

WHOLE_PROCESS = "whole process"


class CannotCompute(Exception):  # noqa: N818  # the name of the situation
    """Why rows make no report; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person, or a number of people with the same answers.

    Of the numbers either `applicants` and `selected`, or `rate` (and `applicants` where known), or
    `applicants` and `score`: a score above the median of all counts as selected. `answers` follow
    the report's attributes. A row without a stage is of the whole process. `person` is who that one
    person is, where several rows may be of the same: it decides which groups are small, and no
    report holds it. Without it, each applicant is somebody else.
    """

    answers: Answers
    applicants: int | None = None
    selected: int | None = None
    rate: Fraction | None = None
    score: Fraction | None = None
    stage: str | None = None
    job: str | None = None
    period: str | None = None
    person: UUID | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """The groups by one attribute, or by several together.

    `unknown` and `declined` are people who are in none of its groups.
    """

    attributes: tuple[str, ...]
    findings: Sequence[Finding]
    unknown: int
    declined: int


@dataclass(frozen=True, slots=True)
class Section:
    """One selection, told by its `scope` and `name`; `median` where scores decide it.

    `left_out` are the attributes of tables that would tell of too few people.
    """

    scope: str  # whole process, stage, job or period
    name: str | None
    tables: Sequence[Table]
    median: Fraction | None = None
    left_out: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was computed, under one version of one policy and one of the wording.

    No group has fewer people than `smallest`, where that is given.
    """

    policy: Policy
    wording: Wording
    attributes: tuple[str, ...]
    sections: Sequence[Section]
    smallest: SmallestCell | None = None


_Part = tuple[str, str | None, Sequence[Row]]
_Scope = tuple[str, str | None]  # with the name of a stage
_Shape = tuple[int, ...]  # the places of the attributes of a table

WHOLE: _Scope = (WHOLE_PROCESS, None)
ADD_UP: Collection[_Scope] = (("job", None), ("period", None))  # to the whole process


def build(
    rows: Iterable[Row],
    attributes: Sequence[str],
    policy: Policy,
    wording: Wording,
    smallest: SmallestCell | None = None,
) -> Report:
    """The report on `rows`: by each attribute, and by each two together. Raises CannotCompute.

    Rows with EVERYBODY among their answers make the file one of published tables: each row stands
    in the table of the attributes that it names, and nothing is added up. With `smallest` the rows
    must count people.
    """
    rows = list(rows)
    if not rows:
        raise CannotCompute("there are no rows to compute from")
    read = wording.read(Said(row.answers, row.applicants or 0) for row in rows)
    rows = [replace(row, answers=answers) for row, answers in zip(rows, read, strict=True)]
    whole = [row for row in rows if row.stage is None]
    parts: list[_Part] = []
    if whole:
        parts.append((WHOLE_PROCESS, None, whole))
    parts += [("stage", stage, part) for stage, part in _by("stage", rows)]
    # Of a file that has stages alone, a sum over them would count people several times.
    parts += [("job", job, part) for job, part in _by("job", whole)]
    parts += [("period", period, part) for period, part in sorted(_by("period", whole))]
    coarse = _coarsened(parts, len(attributes), smallest.people) if smallest else {}
    sections = [_section(part, attributes, policy, coarse) for part in parts]
    return Report(policy, wording, tuple(attributes), sections, smallest)


def _by(column: str, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if (value := getattr(row, column)) is not None:
            parts[value].append(row)
    return list(parts.items())


def _coarsened(
    parts: Sequence[_Part], questions: int, smallest: int
) -> dict[tuple[_Scope, _Shape], Coarse]:
    """For each scope and shape what to merge, and the sections to leave out.

    Jobs and periods add up to the whole process; each stage is a scope by itself, for people are in
    several. What is merged in the whole process or in a simpler table is merged in all others.
    """
    scopes: dict[_Scope, dict[str, Sequence[Row]]] = defaultdict(dict)
    for scope, name, rows in parts:
        scopes[_scope(scope, name)][name or ""] = rows
    whole = scopes.get(WHOLE, {}).get("", [])
    found: dict[tuple[_Scope, _Shape], Coarse] = {}
    for where, sections in scopes.items():
        column = where[0]
        elsewhere = (
            [row for row in whole if getattr(row, column) is None] if where in ADD_UP else []
        )
        for shape in _shapes(questions):
            merged = tuple(
                _merged(found, (where, (place,)), 0) | _merged(found, (WHOLE, shape), at)
                for at, place in enumerate(shape)
            )
            found[where, shape] = coarsen(
                {name: _people(rows, shape, 2 * smallest) for name, rows in sections.items()},
                smallest,
                Coarse(merged),
                _people(elsewhere, shape, 2 * smallest) if where in ADD_UP else None,
            )
    return found


def _scope(scope: str, name: str | None) -> _Scope:
    return scope, name if scope == "stage" else None


def _merged(
    found: Mapping[tuple[_Scope, _Shape], Coarse], key: tuple[_Scope, _Shape], at: int
) -> frozenset[str]:
    return found[key].merged[at] if key in found else frozenset()


def _shapes(questions: int) -> list[_Shape]:
    places = range(questions)
    return [*combinations(places, 1), *combinations(places, 2)]


def _people(rows: Sequence[Row], shape: _Shape, enough: int) -> People:
    """Who gave which answers, of each group `enough` of them; who answered nothing is in none."""
    number: Counter[Answers] = Counter()
    who: dict[Answers, set[object]] = defaultdict(set)
    for row in rows:
        said = (row.answers[place] for place in shape)
        # Why somebody is silent makes no difference: neither is in a group of the table.
        answers = tuple(Silence.UNKNOWN if isinstance(each, Silence) else each for each in said)
        if all(isinstance(answer, Silence) for answer in answers):
            continue
        applicants = row.applicants or 0
        number[answers] += applicants
        if len(who[answers]) < enough:
            others = (object() for _ in range(min(applicants, enough)))
            who[answers].update(others if row.person is None else [row.person])
    return {answers: Crowd(number[answers], frozenset(who[answers])) for answers in number}


def _section(
    part: _Part,
    attributes: Sequence[str],
    policy: Policy,
    coarse: Mapping[tuple[_Scope, _Shape], Coarse],
) -> Section:
    scope, name, rows = part
    middle = None
    if any(row.score is not None for row in rows):
        rows, middle = _scored(rows)
    if any(EVERYBODY in row.answers for row in rows):
        shapes = list(dict.fromkeys(_shape(row) for row in rows))
        by_shape = {shape: [row for row in rows if _shape(row) == shape] for shape in shapes}
    else:
        # Rates cannot be added up, so such rows stand for all attributes together alone.
        rated = any(row.rate is not None for row in rows)
        shapes = [tuple(range(len(attributes)))] if rated else _shapes(len(attributes))
        by_shape = {shape: list(rows) for shape in shapes}
    tables, left_out = [], []
    for shape in filter(None, shapes):
        shown = coarse.get((_scope(scope, name), shape))
        table = _table(shape, by_shape[shape], attributes, policy, shown)
        if shown and ((name or "") in shown.left_out or _tells_nothing(table)):
            left_out.append(table.attributes)
        else:
            tables.append(table)
    return Section(scope, name, tables, middle, left_out)


def _tells_nothing(table: Table) -> bool:
    return bool(table.findings) and all(each.group.is_merged for each in table.findings)


def _shape(row: Row) -> _Shape:
    return tuple(place for place, answer in enumerate(row.answers) if answer != EVERYBODY)


def _scored(rows: Sequence[Row]) -> tuple[list[Row], Fraction]:
    """The rows with those selected whose score is above the median of the full sample.

    The scoring rate of 6 RCNY 5-300; "full sample" of 5-301(c)(1) includes unknown categories.
    """
    scores = [row.score for row in rows for _ in range(row.applicants or 1)]
    full = [score for score in scores if score is not None]
    if len(full) != len(scores):
        raise CannotCompute("some rows have a score and others have none; give all or none of them")
    middle = median(full)
    return [
        replace(row, selected=(row.applicants or 1) if (row.score or 0) > middle else 0)
        for row in rows
    ], Fraction(middle)


def _table(
    shape: _Shape,
    rows: Sequence[Row],
    attributes: Sequence[str],
    policy: Policy,
    shown: Coarse | None,
) -> Table:
    members: dict[Answers, list[Row]] = defaultdict(list)
    silent = {Silence.UNKNOWN: 0, Silence.DECLINED: 0}
    for row in rows:
        answers = tuple(row.answers[place] for place in shape)
        silences = {answer for answer in answers if isinstance(answer, Silence)}
        if Silence.UNKNOWN in silences:
            silent[Silence.UNKNOWN] += row.applicants or 0
        elif silences:
            silent[Silence.DECLINED] += row.applicants or 0
        else:
            members[shown.answers(answers) if shown else answers].append(row)
    in_order = sorted(members, key=lambda each: (OTHERS in each, each))
    groups = [_group(answers, members[answers]) for answers in in_order]
    return Table(
        tuple(attributes[place] for place in shape),
        findings(groups, policy),
        unknown=silent[Silence.UNKNOWN],
        declined=silent[Silence.DECLINED],
    )


def _group(answers: Answers, rows: Sequence[Row]) -> Group:
    if any(row.rate is not None for row in rows):
        if len(rows) > 1:
            raise CannotCompute(
                f"{' / '.join(answers)} has several rates, and rates cannot be added up; "
                "give applicants and selected, or one row for each group"
            )
        return Group(answers, rows[0].applicants, rows[0].selected, rows[0].rate)
    applicants = sum(row.applicants or 0 for row in rows)
    return Group.counted(answers, applicants, sum(row.selected or 0 for row in rows))
