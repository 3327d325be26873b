"""Holds the groups of one selection against each other: rates, impact ratios, and what they mean.

Selection rate, impact ratio and four-fifths: 29 CFR 1607.4(D) and 1607.16(R); for New York City
6 RCNY 5-300. Every comparison with a threshold is made in exact fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from projections.adverse_impact.answers import Answers
from projections.adverse_impact.cells import OTHERS
from projections.adverse_impact.policies import Policy, Statistic
from projections.adverse_impact.significance import difference, fisher_exact


@dataclass(frozen=True, slots=True)
class Group:
    """People who gave the same answers: how many were considered, and how many selected.

    A published table may tell the rate alone, `rate`, without or with the number of applicants.
    """

    answers: Answers
    applicants: int | None = None
    selected: int | None = None
    rate: Fraction | None = None

    @classmethod
    def counted(cls, answers: Answers, applicants: int, selected: int) -> "Group":
        """A group of which both numbers are known."""
        rate = Fraction(selected, applicants) if applicants else None
        return cls(answers, applicants, selected, rate)

    @property
    def is_merged(self) -> bool:
        """Whether it is made of several groups that are too small to be shown."""
        return OTHERS in self.answers

    @property
    def counts(self) -> tuple[int, int] | None:
        """Applicants and selected, where both are known."""
        if self.applicants is None or self.selected is None:
            return None
        return self.applicants, self.selected


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of one group; None where it cannot be said or was not asked for."""

    group: Group
    share: Fraction | None
    excluded: bool
    is_reference: bool
    ratio: Fraction | None
    below_four_fifths: bool | None = None
    standard_deviations: float | None = None
    beyond_standard_deviations: bool | None = None
    fisher_two_sided: float | None = None
    significant: bool | None = None
    one_person_flips: bool | None = None
    small: bool | None = None


def findings(groups: Sequence[Group], policy: Policy) -> list[Finding]:
    """One finding for each group, in the given order.

    The reference is the group with the highest rate among those that are not excluded for being
    below the policy's minimum share and are not several in one; of equal ones the largest.
    """
    sizes = [group.applicants for group in groups]
    known = sum(size for size in sizes if size is not None)
    shares = [
        Fraction(size, known) if size is not None and known and None not in sizes else None
        for size in sizes
    ]
    excluded = [
        share is not None and share < policy.minimum_share and not group.is_merged
        for group, share in zip(groups, shares, strict=True)
    ]
    candidates = [
        group
        for group, left_out in zip(groups, excluded, strict=True)
        if not (left_out or group.is_merged) and group.rate is not None
    ]
    reference = max(candidates, key=_rate_then_size, default=None)
    return [
        _finding(group, reference, share, policy, excluded=left_out)
        for group, share, left_out in zip(groups, shares, excluded, strict=True)
    ]


def _rate_then_size(group: Group) -> tuple[Fraction, int]:
    return group.rate or Fraction(0), group.applicants or 0


def _finding(
    group: Group, reference: Group | None, share: Fraction | None, policy: Policy, *, excluded: bool
) -> Finding:
    is_reference = group is reference
    ratio = None if excluded or group.is_merged else impact_ratio(group, reference)
    small = None
    if policy.asks_for(Statistic.SMALL_GROUP) and group.applicants is not None:
        small = group.applicants < policy.small_group
    if ratio is None or reference is None or is_reference:
        return Finding(group, share, excluded, is_reference, ratio, small=small)
    below = ratio < policy.four_fifths if policy.asks_for(Statistic.FOUR_FIFTHS) else None
    deviations = beyond = fisher = significant = flips = None
    if group.counts and reference.counts:
        (n, k), (m, j) = group.counts, reference.counts
        if policy.asks_for(Statistic.STANDARD_DEVIATIONS) and (gap := difference(n, k, m, j)):
            deviations = gap.standard_deviations
            beyond = gap.beyond(policy.standard_deviations)
        if policy.asks_for(Statistic.FISHER):
            fisher = fisher_exact(k, n - k, j, m - j).two_sided
            significant = fisher < policy.significance
        if policy.asks_for(Statistic.ONE_PERSON_FLIP):
            flips = one_person_flips(group, reference, policy.four_fifths)
    return Finding(
        group,
        share,
        excluded,
        is_reference,
        ratio,
        below_four_fifths=below,
        standard_deviations=deviations,
        beyond_standard_deviations=beyond,
        fisher_two_sided=fisher,
        significant=significant,
        one_person_flips=flips,
        small=small,
    )


def impact_ratio(group: Group, reference: Group | None) -> Fraction | None:
    """The group's rate divided by the reference's; None when that was nobody or nothing."""
    if reference is None or group.rate is None or not reference.rate:
        return None
    return group.rate / reference.rate


def one_person_flips(group: Group, reference: Group, four_fifths: Fraction) -> bool | None:
    """Whether the selection of one different person would change the side of four-fifths.

    One who was selected from the reference would have been one of the group, or the other way
    about: 44 FR 11996 (1979), question 21; 29 CFR 1607.4(D) on small numbers. None without counts.
    """
    if not group.counts or not reference.counts:
        return None
    (n, k), (m, j) = group.counts, reference.counts
    if not n or not m:
        return None

    def below(selected: int, others: int) -> bool:
        return Fraction(selected, n) < four_fifths * Fraction(others, m)

    if below(k, j):
        return k < n and j > 0 and not below(k + 1, j - 1)
    return k > 0 and j < m and below(k - 1, j + 1)
