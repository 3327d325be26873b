"""How warm a relationship is: points for what the person does, halved with time.

Each engagement adds points; every half-life halves what there is. Kept as the base-2 logarithm of
the points as they would weigh at 1970-01-01T00:00Z: decay then never changes a stored value, rows
keep their order for ever, and an index on the logarithm sorts by warmth at any moment.

    warmth(t) = 2 ** (warmth_log2 - days(t) / HALF_LIFE)

The recent warmth does the same with a shorter half-life. A relationship that is getting closer has
more of its warmth from recent days than one that is steady or cooling.
"""

import math
from datetime import UTC, datetime

from domain.candidate import events as e
from domain.recorded import Happened

HALF_LIFE_DAYS = 30.0
RECENT_HALF_LIFE_DAYS = 10.0

POINTS: dict[type[Happened], float] = {
    e.Opened: 1.0,
    e.Clicked: 4.0,
    e.Replied: 10.0,
    e.Applied: 12.0,
    e.OfferAccepted: 15.0,
    e.ConsentGranted: 3.0,
}

# The logarithm of nothing; a finite number, so that it sorts and travels as JSON.
COLD = -1.0e9

LN_2 = math.log(2.0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days(moment: datetime) -> float:
    """Days from 1970-01-01T00:00Z to `moment`."""
    return (moment - _EPOCH).total_seconds() / 86_400


def add(log2: float, recent_log2: float, points: float, when: datetime) -> tuple[float, float]:
    """Both logarithms after `points` more, given `when`. The order of additions does not matter."""
    worth, day = math.log2(points), days(when)
    return (
        _sum(log2, worth + day / HALF_LIFE_DAYS),
        _sum(recent_log2, worth + day / RECENT_HALF_LIFE_DAYS),
    )


def _sum(one: float, other: float) -> float:
    """The logarithm of the sum of what two logarithms stand for."""
    high, low = (one, other) if one > other else (other, one)
    return high + math.log1p(math.exp2(low - high)) / LN_2


def at(log2: float, moment: datetime, half_life: float = HALF_LIFE_DAYS) -> float:
    """The points left at `moment`."""
    return math.exp2(min(log2 - days(moment) / half_life, 1000.0))


def log2_for(points: float, moment: datetime) -> float:
    """The logarithm of a relationship that has `points` left at `moment`."""
    return math.log2(points) + days(moment) / HALF_LIFE_DAYS


def trend(log2: float, recent_log2: float, moment: datetime) -> str:
    """`warming`, `steady`, `cooling`, or `cold` below a tenth of a point.

    One act at an even pace keeps the two in the ratio of their half-lives; more than that comes
    from recent acts.
    """
    warmth = at(log2, moment)
    if warmth < 0.1:
        return "cold"
    share = at(recent_log2, moment, RECENT_HALF_LIFE_DAYS) / warmth
    even = RECENT_HALF_LIFE_DAYS / HALF_LIFE_DAYS
    if share > 1.5 * even:
        return "warming"
    return "cooling" if share < 0.5 * even else "steady"
