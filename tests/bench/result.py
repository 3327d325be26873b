"""What a benchmark gives back, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

Figure = int | float | str | None


@dataclass(frozen=True)
class Result:
    """A table, the raw figures, and the ratios by which runs on different machines compare."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: Mapping[str, Figure]
    ratios: Mapping[str, float] = field(default_factory=dict)

    def table(self) -> Table:
        """The table as it is shown in a terminal."""
        table = Table(title=self.title, title_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        return table
