"""What a check of the log finds, each thing with its place."""

from dataclasses import dataclass, field

MOST_FINDINGS = 1_000


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

    def add(self, first: int, last: int, what: str) -> None:
        """One finding more; the first MOST_FINDINGS are kept."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(first, last, what))
