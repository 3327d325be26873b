"""What a check of the log finds, each thing with its place."""

from collections import Counter
from dataclasses import dataclass, field

MOST = 1_000  # findings of a kind


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was signed, at a position or within a range of them."""

    first: int
    last: int
    what: str

    def __str__(self) -> str:
        """For people."""
        if self.first == self.last:
            return f"position {self.first}: {self.what}"
        return f"positions {self.first} to {self.last}: {self.what}"


@dataclass
class Report:
    """What a check found. The log is intact when nothing was found."""

    events: int = 0  # on record
    sealed: int = 0  # of these, covered by a checkpoint that holds
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, first: int, last: int, what: str) -> None:
        """One finding more; the first MOST of a kind are kept, so that none crowds out another."""
        self.kinds[what] += 1
        if self.kinds[what] <= MOST:
            self.findings.append(Finding(first, last, what))

    def left_out(self) -> dict[str, int]:
        """How many more there are of each kind than are kept."""
        return {what: count - MOST for what, count in self.kinds.items() if count > MOST}
