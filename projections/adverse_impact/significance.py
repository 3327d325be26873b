"""The tests that tell a difference between two groups from chance.

Counts are integers, so the arithmetic is exact, or in decimals of fifty digits where a sum has very
many terms: no result hangs on the rounding of floats, and no probability is too small to be told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb, sqrt

DIGITS = 50
NEGLIGIBLE = Decimal(10) ** -45  # beside a sum that is at least 1
SAME = 1 + Decimal(10) ** -30  # equal tables differ by rounding in the last digits at the most


@dataclass(frozen=True, slots=True)
class FisherExact:
    """Probabilities of a table at most, at least, and overall as extreme as the one given."""

    left: float
    right: float
    two_sided: float


def fisher_exact(a: int, b: int, c: int, d: int) -> FisherExact:
    """Fisher's exact test of the table [[a, b], [c, d]], none of them negative.

    Given its margins the first cell is hypergeometric. Two-sided is the sum over the tables that
    are no more likely than this one, as R's fisher.test takes it (Fisher 1935; Agresti, Categorical
    Data Analysis, 3.5). The sums walk away from this table, whose weight is 1, until what they add
    is nothing beside it; each step is the ratio of neighbouring probabilities.
    """
    if min(a, b, c, d) < 0:
        raise ValueError("a count cannot be negative")
    with localcontext(prec=DIGITS):
        below = list(_weights(d, a, b, c))  # one less of a and d, one more of b and c, and so on
        above = list(_weights(b, c, a, d))
        left, right = 1 + sum(below), 1 + sum(above)
        extreme = 1 + sum(weight for weight in (*below, *above) if weight <= SAME)
        total = left + right - 1
        return FisherExact(float(left / total), float(right / total), float(extreme / total))


def _weights(down: int, also_down: int, up: int, also_up: int) -> Iterator[Decimal]:
    weight = Decimal(1)
    while down and also_down:
        ratio = Decimal(down * also_down) / ((up + 1) * (also_up + 1))
        weight *= ratio
        if ratio < 1 and weight < NEGLIGIBLE:
            return
        yield weight
        down, also_down, up, also_up = down - 1, also_down - 1, up + 1, also_up + 1


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far an observation lies from what was expected; `squared` is the exact square of it."""

    squared: Fraction
    negative: bool

    @property
    def standard_deviations(self) -> float:
        """The distance in standard deviations; below zero when fewer were selected."""
        size = sqrt(self.squared)
        return -size if self.negative else size

    def beyond(self, limit: Fraction) -> bool:
        """Whether it is more than `limit` standard deviations, in exact arithmetic."""
        return self.squared > limit * limit


def difference(
    applicants: int, selected: int, others: int, others_selected: int
) -> Deviation | None:
    """The difference of two selection rates, in standard deviations under one pooled rate.

    The two-proportion test of Hazelwood School District v. United States, 433 U.S. 299 (1977),
    footnotes 14 and 17, for two samples. None where there is nothing to compare: nobody in one of
    the groups, or all or none selected.
    """
    if not applicants or not others:
        return None
    pooled = Fraction(selected + others_selected, applicants + others)
    variance = pooled * (1 - pooled) * (Fraction(1, applicants) + Fraction(1, others))
    if not variance:
        return None
    gap = Fraction(selected, applicants) - Fraction(others_selected, others)
    return Deviation(gap * gap / variance, negative=gap < 0)


def representation(n: int, share: Fraction, observed: int) -> Deviation:
    """`observed` members of a group among `n` chosen, against its `share` of those available.

    The binomial of Castaneda v. Partida, 430 U.S. 482 (1977), footnote 17. `share` lies between 0
    and 1, both excluded.
    """
    gap = observed - n * share
    return Deviation(gap * gap / (n * share * (1 - share)), negative=gap < 0)


def at_most(n: int, share: Fraction, observed: int) -> Fraction:
    """The binomial probability of at most `observed` among `n`, exactly."""
    p, q = share.numerator, share.denominator - share.numerator
    ways = sum(comb(n, k) * p**k * q ** (n - k) for k in range(observed + 1))
    return Fraction(ways, share.denominator**n)
