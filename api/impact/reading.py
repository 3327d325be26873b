"""Reads a table that somebody else made: people, counts of people, or published rates."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from projections.adverse_impact.report import CannotCompute, Row

# What a column is called by itself, in lower case; the first is the name that we give it.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "applicants": ("applicants", "# of applicants", "# applicants", "number of applicants"),
    "selected": ("selected", "# selected", "# of selected", "number selected"),
    "rate": ("rate", "selection rate", "scoring rate"),
    "score": ("score",),
    "count": ("count",),
    "stage": ("stage",),
    "job": ("job",),
    "period": ("period",),
    "ratio": ("impact ratio", "ratio"),  # ours is computed
}
YES = frozenset({"yes", "y", "true", "1", "selected", "hired", "promoted", "passed"})
NO = frozenset({"no", "n", "false", "0", "", "not selected", "rejected", "failed"})
MOST_ATTRIBUTES = 4


@dataclass(frozen=True)
class Columns:
    """Which column means what.

    `named` has the meanings of KNOWN, for columns that are called otherwise; `by` are the
    attributes, all columns without a meaning where it is empty; `selected_values` are the words for
    selected, in place of yes and no.
    """

    by: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    selected_values: tuple[str, ...] = ()


def read(path: Path, columns: Columns) -> tuple[list[Row], tuple[str, ...]]:
    """The rows of a CSV file and the attributes that their answers follow.

    Numbers may have thousands separators, rates a percent sign. Raises CannotCompute, which names
    lines and columns and quotes nobody.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise CannotCompute(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotCompute(f"{path} is not UTF-8; save it as CSV in UTF-8") from error
    lines = text.splitlines()
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        _refuse_doubles("column", header)
        _refuse_doubles("--by", columns.by)
        meaning = _meanings(header, columns)
        attributes = columns.by or _others(header, meaning)
        _require(header, attributes)
        parser = _Parser(meaning, attributes, columns.selected_values)
        rows = [parser.row(number, given) for number, given in enumerate(reader, 2)]
    except csv.Error as error:
        raise CannotCompute(f"{path}, line {reader.line_num}: {error}") from error
    parser.finish()
    return rows, attributes


def _meanings(header: Sequence[str], columns: Columns) -> dict[str, str]:
    _require(header, columns.named.values())
    taken = {*columns.named.values(), *columns.by}
    found = {
        meaning: name
        for meaning, names in KNOWN.items()
        for name in header
        if name.casefold() in names and name not in taken
    }
    return found | dict(columns.named)


def _others(header: Sequence[str], meaning: Mapping[str, str]) -> tuple[str, ...]:
    others = tuple(name for name in header if name not in meaning.values())
    if not 0 < len(others) <= MOST_ATTRIBUTES:
        raise CannotCompute(
            f"which columns tell the groups? Name them with --by; there are {', '.join(header)}"
        )
    return others


def _require(header: Sequence[str], names: Iterable[str]) -> None:
    for name in names:
        if name not in header:
            raise CannotCompute(f"there is no column {name!r}; there are {', '.join(header)}")


def _refuse_doubles(what: str, names: Sequence[str]) -> None:
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise CannotCompute(f"{what} {doubles[0]!r} stands there twice; which one counts?")


class _Parser:
    """Turns one line after the other into rows."""

    def __init__(
        self, meaning: Mapping[str, str], attributes: Sequence[str], selected: Sequence[str]
    ) -> None:
        self._meaning = meaning
        self._attributes = attributes
        self._selected = {value.strip().casefold() for value in selected}
        self._met: set[str] = set()
        if not {"selected", "rate", "score"} & meaning.keys():
            raise CannotCompute(
                "no column tells who was selected: name it with --selected, --rate or --score"
            )

    def row(self, line: int, given: Mapping[str, str | None]) -> Row:
        """The row of a line."""
        if None in given.values() or None in given:
            raise CannotCompute(f"line {line} has another number of columns than the first")
        cells = {name: value.strip() for name, value in given.items() if value is not None}
        applicants, selected, rate, score = self._numbers(line, cells)
        if selected is not None and applicants is not None and selected > applicants:
            raise CannotCompute(f"line {line} has more selected than applicants")
        return Row(
            answers=tuple(cells[name] for name in self._attributes),
            applicants=applicants,
            selected=selected,
            rate=rate,
            score=score,
            stage=self._text("stage", cells),
            job=self._text("job", cells),
            period=self._text("period", cells),
        )

    def finish(self) -> None:
        """Raises CannotCompute when a word for selected was never met: it would be misspelt."""
        if missing := sorted(self._selected - self._met):
            raise CannotCompute(f"no line says {missing[0]!r}, which should mean selected")

    def _numbers(
        self, line: int, cells: Mapping[str, str]
    ) -> tuple[int | None, int | None, Fraction | None, Fraction | None]:
        if "score" in self._meaning:
            return self._people(line, cells), None, None, self._fraction("score", line, cells)
        if "selected" not in self._meaning:
            counted = "applicants" in self._meaning
            applicants = self._integer("applicants", line, cells) if counted else None
            rate = self._fraction("rate", line, cells)
            if not 0 <= rate <= 1:
                raise CannotCompute(f"line {line}: a rate lies between 0 and 1, or 0% and 100%")
            return applicants, None, rate, None
        if "applicants" in self._meaning:
            return (
                self._integer("applicants", line, cells),
                self._integer("selected", line, cells),
                None,
                None,
            )
        people = self._people(line, cells)
        return people, people if self._is_selected(line, cells) else 0, None, None

    def _people(self, line: int, cells: Mapping[str, str]) -> int:
        return self._integer("count", line, cells) if "count" in self._meaning else 1

    def _is_selected(self, line: int, cells: Mapping[str, str]) -> bool:
        said = cells[self._meaning["selected"]].casefold()
        if self._selected:
            self._met.add(said)
            return said in self._selected
        if said in YES or said in NO:
            return said in YES
        raise CannotCompute(
            f"line {line}: the column {self._meaning['selected']!r} says neither yes nor no; "
            "say with --selected-value what means selected"
        )

    def _integer(self, meaning: str, line: int, cells: Mapping[str, str]) -> int:
        number = self._fraction(meaning, line, cells)
        if number.denominator != 1 or number < 0:
            raise CannotCompute(
                f"line {line}: the column {self._meaning[meaning]!r} must count people"
            )
        return int(number)

    def _fraction(self, meaning: str, line: int, cells: Mapping[str, str]) -> Fraction:
        written = cells[self._meaning[meaning]].replace(",", "")
        digits = written.removesuffix("%").strip()
        # Neither fractions nor exponents: the latter can be a number of any length.
        if not digits.removeprefix("-").replace(".", "", 1).isdecimal():
            raise CannotCompute(f"line {line}: the column {self._meaning[meaning]!r} has no number")
        number = Fraction(digits)
        return number / 100 if written.endswith("%") else number

    def _text(self, meaning: str, cells: Mapping[str, str]) -> str | None:
        return cells[self._meaning[meaning]] or None if meaning in self._meaning else None
