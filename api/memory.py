"""How often a process that keeps millions of objects looks for cycles among them."""

import gc

ALLOCATIONS = 50_000  # more than were freed; 700 by default, which is some ten requests


def collect_seldom() -> None:
    """Has this process look seldom, and never again at what it holds now.

    There are few cycles among what it makes, and looking for them took a quarter to a third of a
    request's time; what a process holds as it begins, all modules and routes, stays to its end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 50, 100)
