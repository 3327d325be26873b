"""Prints a candidate's history so that a compliance officer can read it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from api.compliance.differences import Difference, MadeBy, said
from api.plain import TIME, plain
from api.schemas import CandidateState, Event
from domain.candidate.difference import Point
from domain.candidate.state import Candidate, evolve
from domain.recorded import Recorded, personal_fields
from projections.compliance_audit.describe import describe

LATE = timedelta(minutes=1)


@dataclass(frozen=True)
class Step:
    """An event, the sentence that describes it, and the candidate's state after it."""

    recorded: Recorded
    description: str
    after: str
    state: CandidateState


def steps(history: Iterable[Recorded]) -> Iterator[Step]:
    """The history with the state after each event."""
    candidate: Candidate | None = None
    for recorded in history:
        candidate = evolve(candidate, recorded)
        yield Step(
            recorded, describe(recorded.event), _summary(candidate), CandidateState.of(candidate)
        )


def as_json(step: Step) -> dict[str, object]:
    """The step for programs."""
    return {
        **Event.of(step.recorded).model_dump(mode="json"),
        "description": step.description,
        "state": step.state.model_dump(mode="json", exclude_unset=True),
    }


def show(console: Console, candidate_id: UUID, history: list[Step], of: int) -> None:
    """Prints when, who, what, why and the state after, event by event, `of` so many."""
    name = (history[-1].state.details or {}).get("name", "without a name")
    title = Text.assemble((plain(name), "bold"), f"  candidate {candidate_id}")
    is_whole = len(history) == of
    known = f"{of} events\n" if is_whole else f"{len(history)} of {of} events, as of that point\n"
    console.print(title, Text(known, style="dim"), sep="\n")
    for step in history:
        _show_step(console, step)
    when = "Now: " if is_whole else "Then: "
    console.print(Text.assemble((when, "bold"), plain(history[-1].after)))


def _show_step(console: Console, step: Step) -> None:
    recorded = step.recorded
    metadata = recorded.metadata
    who = Text(plain(metadata.actor), style="cyan")
    if metadata.on_behalf_of:
        who.append(plain(f" on behalf of {metadata.on_behalf_of}"))
    if metadata.provenance != "api":
        who.append(plain(f" (through {metadata.provenance})"), style="dim")
    head = Text.assemble(
        (f"{recorded.originator_version:>4}  ", "bold"),
        (metadata.occurred_at.strftime(TIME), "green"),
        "  ",
        who,
    )
    lines: list[Text] = [Text(plain(step.description), style="bold")]
    if metadata.reason:
        lines.append(Text(plain(f"why: {metadata.reason}")))
    lines.extend(
        Text(plain(f"{name}: {value}"), style="dim")
        for name in personal_fields(type(recorded.event))
        if (value := getattr(recorded.event, name))
    )
    if metadata.recorded_at - metadata.occurred_at > LATE:
        lines.append(Text(f"recorded only {metadata.recorded_at.strftime(TIME)}", style="yellow"))
    if metadata.broken_rules:
        rules = ", ".join(metadata.broken_rules)
        lines.append(Text(f"breaks the rule: {rules} (a fact, kept as it came)", style="yellow"))
    lines.append(Text(plain(f"after: {step.after}"), style="blue"))
    console.print(head)
    for line in lines:
        # Wrapped under its event; a soft-wrapping console would cut it off.
        console.print(Padding(line, (0, 0, 0, 6)), soft_wrap=False)
    console.print()


def show_difference(console: Console, start: Point, end: Point, told: Difference) -> None:
    """Prints what changed between two points, and the event to which each value is owed."""
    console.print(Text.assemble((f"from {said(start)} to {said(end)}", "bold")))
    only = {"only the first sees": told.only_from, "only the second sees": told.only_to}
    for words, versions in only.items():
        if versions:
            console.print(Text(f"events that {words}: {_ranges(versions)}", style="dim"))
    console.print()
    if not told.changes:
        console.print("nothing differs")
    for change in told.changes:
        console.print(Text(plain(change.field), style="bold"))
        for sign, value, by in (
            ("-", change.before, change.before_by),
            ("+", change.after, change.after_by),
        ):
            if value is None and by is None:
                continue
            shown = "nothing" if value is None else plain(str(value))
            console.print(Padding(Text(f"{sign} {shown}"), (0, 0, 0, 2)), soft_wrap=False)
            if by is not None:
                owed = f"{by.version}: {by.description}, {_who(by)}"
                line = Text(plain(owed), style="dim")
                console.print(Padding(line, (0, 0, 0, 6)), soft_wrap=False)


def _who(by: MadeBy) -> str:
    behalf = f" on behalf of {by.on_behalf_of}" if by.on_behalf_of else ""
    through = f" (through {by.provenance})" if by.provenance != "api" else ""
    why = f", why: {by.reason}" if by.reason else ""
    return f"{by.actor}{behalf}{through}, {by.occurred_at.strftime(TIME)}{why}"


def _ranges(versions: Sequence[int]) -> str:
    """Such as `1-4, 7`."""
    runs: list[list[int]] = []
    for version in versions:
        if runs and runs[-1][-1] == version - 1:
            runs[-1][1:] = [version]
        else:
            runs.append([version])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _summary(candidate: Candidate) -> str:
    parts: list[str] = [candidate.status]
    for application in candidate.applications.values():
        place = f" in {application.stage}" if application.stage else ""
        offer = (
            f", offer {application.offer.version} {application.offer.status}"
            if (application.offer)
            else ""
        )
        parts.append(f"{application.job_title}: {application.status}{place}{offer}")
    if candidate.pools:
        parts.append(f"in pool {', '.join(sorted(candidate.pools))}")
    withdrawn = [purpose for purpose, consent in candidate.consents.items() if not consent.granted]
    if withdrawn:
        parts.append(f"consent to {', '.join(withdrawn)} withdrawn")
    if candidate.unsubscribed:
        parts.append("unsubscribed")
    return "; ".join(parts)
