"""What a report that is published does not tell: a group of few people, also not by subtraction."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from uuid import UUID

from projections.adverse_impact.answers import wording
from projections.adverse_impact.cells import OTHERS
from projections.adverse_impact.policies import policy, smallest_cell
from projections.adverse_impact.report import Report, Row, Section, Table, build

DAY = date(2026, 11, 23)
SMALLEST = smallest_cell(DAY)
UGESP = policy("us-ugesp", DAY)
SEXES, RACES = ("F", "M", ""), ("A", "B", "C", "declined")
JOBS, YEARS = ("Cook", "Clerk", "Nurse", None), ("2025", "2026")

Cell = tuple[str, str, str | None, str]  # sex, race, job, period


def made(people: Mapping[Cell, int]) -> Report:
    rows = [
        Row((sex, race), number, number // 2, job=job, period=period)
        for (sex, race, job, period), number in people.items()
    ]
    return build(rows, ["sex", "race"], UGESP, wording(DAY), SMALLEST)


def people_of(seed: int) -> dict[Cell, int]:
    """A hundred to two thousand people, some answers and jobs much rarer than others."""
    chance = random.Random(seed)
    number = chance.choice((100, 500, 2000))
    weights = [[chance.choice((1, 5, 30)) for _ in kind] for kind in (SEXES, RACES, JOBS, YEARS)]
    pick = [
        chance.choices(kind, weight, k=number)
        for kind, weight in zip((SEXES, RACES, JOBS, YEARS), weights, strict=True)
    ]
    return dict(Counter(zip(*pick, strict=True)))


EVERY_CELL = tuple(product(SEXES, RACES, JOBS, YEARS))
PRIME = 2**61 - 1


def belongs(cell: Cell, scope: str, name: str | None) -> bool:
    return scope == "whole process" or cell[2 if scope == "job" else 3] == name


def answers_of(cell: Cell, table: Table) -> tuple[str, ...]:
    sex, race, _, _ = cell
    return tuple({"sex": sex, "race": race}[name] for name in table.attributes)


def printed(report: Report) -> Iterator[tuple[frozenset[Cell], int]]:
    """Each number of the report, with the cells whose people it counts; of rows not shown 0."""
    apart: dict[tuple[str, tuple[str, ...], int], set[str]] = {}
    for section, table in tables(report):
        for finding in table.findings:
            for at, answer in enumerate(finding.group.answers):
                apart.setdefault((section.scope, table.attributes, at), set()).add(answer)
    for section, table in tables(report):
        numbers = {each.group.answers: each.group.applicants for each in table.findings}
        rows: dict[tuple[str, ...], set[Cell]] = {("unknown",): set(), ("declined",): set()}
        for cell in EVERY_CELL:
            if belongs(cell, section.scope, section.name):
                answers = answers_of(cell, table)
                places = enumerate(answers)
                known = (apart.get((section.scope, table.attributes, at), ()) for at, _ in places)
                row = tuple(
                    a if a in own else OTHERS for a, own in zip(answers, known, strict=True)
                )
                silent = ("unknown",) if "" in answers else ("declined",)
                rows.setdefault(silent if {"", "declined"} & {*answers} else row, set()).add(cell)
        numbers |= {("unknown",): table.unknown, ("declined",): table.declined}
        for row, cells in rows.items():
            yield frozenset(cells), numbers.get(row) or 0


def tables(report: Report) -> Iterator[tuple[Section, Table]]:
    for section in report.sections:
        for table in section.tables:
            yield section, table


def secrets(people: Mapping[Cell, int]) -> Iterator[frozenset[Cell]]:
    """The cells of each group of one to nine people in the whole, a job or a period.

    Also of those who answered one question and not the other.
    """
    sections = [("whole process", None), *(("job", each) for each in JOBS[:-1])]
    for scope, name in [*sections, *(("period", each) for each in YEARS)]:
        for sex, race in product((*SEXES, None), (*RACES, None)):
            cells = frozenset(
                cell
                for cell in EVERY_CELL
                if belongs(cell, scope, name) and sex in {None, cell[0]} and race in {None, cell[1]}
            )
            if {sex, race} <= {"", "declined", None}:
                continue
            if 0 < sum(people.get(each, 0) for each in cells) < SMALLEST.people:
                yield cells


class Subtracting:
    """All sums and differences of what it was told (the span of the equations, modulo a prime)."""

    def __init__(self, told: Iterator[tuple[frozenset[Cell], int]]) -> None:
        sums = list(told)
        nobody = {cell for cells, number in sums if not number for cell in cells}
        self.place = {cell: at for at, cell in enumerate(EVERY_CELL) if cell not in nobody}
        self.rows: dict[int, list[int]] = {}
        for cells, _ in sums:
            if rest := self.rest(cells):
                first = next(at for at, each in enumerate(rest) if each)
                inverse = pow(rest[first], -1, PRIME)
                self.rows[first] = [each * inverse % PRIME for each in rest]

    def rest(self, cells: frozenset[Cell]) -> list[int]:
        """What is left of the sum of these cells beside what is known; empty when it is known."""
        vector = [0] * len(EVERY_CELL)
        for cell in cells & self.place.keys():
            vector[self.place[cell]] = 1
        for at in range(len(vector)):
            if vector[at] and (row := self.rows.get(at)):
                factor = vector[at]
                vector = [(a - factor * b) % PRIME for a, b in zip(vector, row, strict=True)]
        return vector if any(vector) else []


def test_no_small_group_is_shown_or_can_be_computed() -> None:
    kept = 0
    for seed in range(40):
        people = people_of(seed)
        report = made(people)
        for _, table in tables(report):
            assert all((each.group.applicants or 0) >= 10 for each in table.findings)
        known = Subtracting(printed(report))
        for cells, number in printed(report):
            assert number == sum(people.get(each, 0) for each in cells)
            assert not known.rest(cells)
        for cells in secrets(people):
            kept += 1
            assert known.rest(cells), (seed, sorted(cells, key=repr))
    assert kept > 500


def test_the_one_who_answered_one_question_is_not_what_two_tables_differ_by() -> None:
    answers = {("M", "A"): 30, ("M", "B"): 30, ("F", "A"): 30, ("F", "B"): 30}
    rows = [Row(each, number, 5) for each, number in answers.items()]

    def tables_with(silent: int) -> int:
        told = [*rows, Row(("M", "declined"), silent, silent)]
        (section,) = build(told, ["sex", "race"], UGESP, wording(DAY), SMALLEST).sections
        return len(section.tables)

    assert [tables_with(silent) for silent in (0, 1, 9, 10)] == [3, 2, 2, 3]


def test_twelve_applications_of_one_person_are_no_group_of_ten() -> None:
    def shown(people: int) -> list[list[tuple[str, int | None]]]:
        rows = [Row((sex,), 30, 5, job="Cook") for sex in ("F", "M")]
        for number in range(12):
            cook, untold = UUID(int=number % people), UUID(int=20 + number % people)
            rows.append(Row(("X",), 1, 0, job="Cook", person=cook))
            rows.append(Row(("F",), 1, 0, person=untold))  # of a job that has no table
        whole, job = build(rows, ["sex"], UGESP, wording(DAY), SMALLEST).sections
        return [
            [(each.group.answers[0], each.group.applicants) for each in table.findings]
            for section in (whole, job)
            for table in section.tables
        ]

    assert shown(12) == [
        [("F", 42), ("M", 30), ("X", 12)],
        [("F", 30), ("M", 30), ("X", 12)],
    ]
    assert shown(1) == [[("F", 42), (OTHERS, 42)]]
