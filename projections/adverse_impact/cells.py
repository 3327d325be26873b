"""Makes groups coarser until no published table shows one of fewer people than the smallest cell.

Nothing is blacked out, for what is missing from a table can be computed from its totals. Instead
the smallest answers to a question become one, OTHERS, the same in all sections whose tables add up
(all jobs, all periods); or a section's table is left out, with so many others that their sum, which
is the whole without those shown, has no small group either. What is shown are whole tables of
coarser answers, and what was merged in the whole process is merged everywhere.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from projections.adverse_impact.answers import Answers

OTHERS = "(others)"

People = Mapping[Answers, int]


@dataclass(frozen=True, slots=True)
class Coarse:
    """Of each question the answers that are merged, and the sections whose table is left out."""

    merged: tuple[frozenset[str], ...]
    left_out: frozenset[str] = frozenset()

    def answers(self, answers: Answers) -> Answers:
        """The answers of a group as they are shown."""
        pairs = zip(answers, self.merged, strict=True)
        return tuple(OTHERS if answer in merged else answer for answer, merged in pairs)

    def table(self, people: People) -> Counter[Answers]:
        """The people of a table by the groups that are shown."""
        made: Counter[Answers] = Counter()
        for answers, number in people.items():
            made[self.answers(answers)] += number
        return made

    def merging(self, place: int, answer: str) -> "Coarse":
        """The same with one answer more among the others."""
        merged = [each | {answer} if at == place else each for at, each in enumerate(self.merged)]
        return Coarse(tuple(merged), self.left_out)

    def leaving_out(self, *sections: str) -> "Coarse":
        """The same without the table of these sections."""
        return Coarse(self.merged, self.left_out.union(sections))


def coarsen(
    sections: Mapping[str, People],
    smallest: int,
    begin: Coarse,
    whole: People | None = None,
) -> Coarse:
    """What to merge and to leave out, so that each group is of nobody or of `smallest` or more.

    `sections` are the tables of one shape in one scope; `whole` is given where somebody could take
    them away from it. Of all steps the one is taken that costs the fewest people for each small
    cell that it touches.
    """
    made = begin
    if whole is not None:  # no two groups of these can be large enough
        tiny = [name for name, people in sections.items() if sum(people.values()) < 2 * smallest]
        made = made.leaving_out(*tiny)
    while small := list(_small(sections, smallest, made, whole)):
        made = _cheapest(sections, small, made)
    return made


def _small(
    sections: Mapping[str, People], smallest: int, made: Coarse, whole: People | None
) -> Iterator[tuple[str, Answers]]:
    """Each group that is too small, with the section that could be left out for it."""
    shown = {name: people for name, people in sections.items() if name not in made.left_out}
    tables = [(name, made.table(people)) for name, people in shown.items()]
    if whole is not None and shown:
        rest = made.table(whole)
        for _, table in tables:
            rest.subtract(table)
        tables.append((min(shown, key=lambda name: sum(shown[name].values())), rest))
    for name, table in tables:
        for answers, people in table.items():
            if 0 < people < smallest:
                yield name, answers


def _cheapest(
    sections: Mapping[str, People], small: Sequence[tuple[str, Answers]], made: Coarse
) -> Coarse:
    answered: Counter[tuple[int, str]] = Counter()
    for people in sections.values():
        for answers, number in people.items():
            for at in enumerate(answers):
                answered[at] += number
    apart = [at for at in answered if at[1] not in made.merged[at[0]]]
    next_one = {at[0]: at for at in sorted(apart, key=lambda at: (-answered[at], at))}
    cost: dict[Coarse, int] = {}
    touched: Counter[Coarse] = Counter()
    for section, group in small:
        steps = {made.leaving_out(section): sum(sections[section].values())}
        for place, answer in enumerate(group):
            merging = next_one.get(place) if answer == OTHERS else (place, answer)
            if merging:
                steps[made.merging(*merging)] = answered[merging]
        cost |= steps
        touched.update(steps.keys())
    return min(touched, key=lambda step: cost[step] / touched[step])
