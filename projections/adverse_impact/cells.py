"""Makes groups coarser until no published table shows one of fewer people than the smallest cell.

Nothing is blacked out, for what is missing from a table can be computed from its totals. Instead
the smallest answers to a question become one, OTHERS, the same in all sections whose tables add up
(all jobs, all periods); or a section's table is left out, with so many others that their sum, which
is the whole without those shown, has no small group either. What is shown are whole tables of
coarser answers, and what was merged in the whole process is merged everywhere.

People are counted once, however often they applied. Who answered one of two questions is in no
group of the table of both, but is the difference between it and the table of the one: silence is
a group here, which cannot be merged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from projections.adverse_impact.answers import Answers, Silence

OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many a group counts, and who they are: all, or so many that it does not matter."""

    number: int
    who: frozenset[object]


People = Mapping[Answers, Crowd]


@dataclass(frozen=True, slots=True)
class Coarse:
    """Of each question the answers that are merged, and the sections whose table is left out."""

    merged: tuple[frozenset[str], ...]
    left_out: frozenset[str] = frozenset()

    def answers(self, answers: Answers) -> Answers:
        """The answers of a group as they are shown."""
        pairs = zip(answers, self.merged, strict=True)
        return tuple(OTHERS if answer in merged else answer for answer, merged in pairs)

    def table(self, parts: Iterable[People]) -> Mapping[Answers, set[object]]:
        """Who is in which group that is shown, of several parts together."""
        made: dict[Answers, set[object]] = defaultdict(set)
        for people in parts:
            for answers, crowd in people.items():
                made[self.answers(answers)] |= crowd.who
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
    elsewhere: People | None = None,
) -> Coarse:
    """What to merge and to leave out, so that each group is of nobody or of `smallest` or more.

    `sections` are the tables of one shape in one scope; `elsewhere` is who is in none of them,
    given where somebody could take them away from the whole. Crowds tell of up to twice `smallest`
    who they are. Of all steps the one is taken that costs the fewest for each small cell that it
    touches.
    """
    made = begin
    if elsewhere is not None:  # no two groups of these can be large enough
        tiny = [name for name, people in sections.items() if _answered(people) < 2 * smallest]
        made = made.leaving_out(*tiny)
    while small := list(_small(sections, smallest, made, elsewhere)):
        made = _cheapest(sections, small, made)
    return made


def _answered(people: People) -> int:
    who = (crowd.who for answers, crowd in people.items() if not _is_silent(answers))
    return len(frozenset[object]().union(*who))


def _is_silent(answers: Answers) -> bool:
    return any(isinstance(answer, Silence) for answer in answers)


def _size(people: People) -> int:
    return sum(crowd.number for answers, crowd in people.items() if not _is_silent(answers))


def _small(
    sections: Mapping[str, People], smallest: int, made: Coarse, elsewhere: People | None
) -> Iterator[tuple[str, Answers]]:
    """Each group that is too small, with the section that could be left out for it."""
    shown = {name: people for name, people in sections.items() if name not in made.left_out}
    tables = [(name, made.table([people])) for name, people in shown.items()]
    if elsewhere is not None and shown:
        hidden = [people for name, people in sections.items() if name in made.left_out]
        least = min(shown, key=lambda name: _size(shown[name]))
        tables.append((least, made.table([*hidden, elsewhere])))
    for name, table in tables:
        for answers, who in table.items():
            if 0 < len(who) < smallest:
                yield name, answers


def _cheapest(
    sections: Mapping[str, People], small: Sequence[tuple[str, Answers]], made: Coarse
) -> Coarse:
    answered: Counter[tuple[int, str]] = Counter()
    for people in sections.values():
        for answers, crowd in people.items():
            for at in enumerate(answers):
                if not isinstance(at[1], Silence):
                    answered[at] += crowd.number
    apart = [at for at in answered if at[1] not in made.merged[at[0]]]
    next_one = {at[0]: at for at in sorted(apart, key=lambda at: (-answered[at], at))}
    cost: dict[Coarse, int] = {}
    touched: Counter[Coarse] = Counter()
    for section, group in small:
        steps = {made.leaving_out(section): _size(sections[section])}
        for place, answer in enumerate(group):
            if isinstance(answer, Silence):
                continue
            merging = next_one.get(place) if answer == OTHERS else (place, answer)
            if merging:
                steps[made.merging(*merging)] = answered[merging]
        cost |= steps
        touched.update(steps.keys())
    return min(touched, key=lambda step: cost[step] / touched[step])
