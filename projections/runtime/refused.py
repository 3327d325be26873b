"""Tells of a row that the database does not take, without the values in it."""

import psycopg

from domain.recorded import Recorded
from projections.runtime.batch import Parked, Unreadable

REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
"""What the database says of such a row, now and ever after."""


def unwritable(recorded: Recorded | Unreadable, error: psycopg.Error) -> Unreadable:
    """What stands for an event whose row the database does not take; without the row's values."""
    return Unreadable(
        recorded.originator_id,
        recorded.originator_version,
        recorded.position,
        Parked(recorded, "").topic,
        f"the database refuses its row: {type(error).__name__}",
    )
