"""What the tortures count as a fault of the log is found, and nothing in a log that is well."""

from uuid import UUID, uuid4

from tests.torture import crashes, following
from tests.torture.crashes import Acknowledged

ONE, TWO = uuid4(), uuid4()
FIRST, SECOND, THIRD = uuid4(), uuid4(), uuid4()

# The first command had two events, each other one.
LOG = [(1, ONE, 1, FIRST), (2, ONE, 2, FIRST), (3, TWO, 1, SECOND), (4, ONE, 3, THIRD)]
SEEN = [(1, ONE, 1), (2, ONE, 2), (3, TWO, 1), (4, ONE, 3)]


def acknowledged() -> list[Acknowledged]:
    """Each of the log's commands as its client heard of it."""
    return [
        Acknowledged(command, events, tuple(row[:3] for row in LOG if row[3] == command))
        for command, events in ((FIRST, 2), (SECOND, 1), (THIRD, 1))
    ]


def kinds(log: list[tuple[int, UUID, int, UUID]]) -> set[str]:
    return {kind for kind, lines in crashes.faults(acknowledged(), log).items() if lines}


def test_a_log_of_what_was_acknowledged() -> None:
    assert kinds(LOG) == set()


def test_a_lost_command() -> None:
    assert kinds(LOG[:3]) == {"lost"}


def test_half_a_command() -> None:
    assert kinds([LOG[0], (2, TWO, 1, SECOND), (3, ONE, 2, THIRD)]) == {"torn", "moved"}


def test_a_command_that_is_there_twice() -> None:
    assert kinds([*LOG, (5, ONE, 4, THIRD)]) == {"duplicated"}


def test_an_event_that_nobody_was_told_of() -> None:
    assert kinds([*LOG, (5, ONE, 4, uuid4())]) == {"stray"}


def test_a_gap() -> None:
    assert "gaps" in kinds([*LOG[:3], (5, ONE, 3, THIRD)])


def test_a_follower_that_saw_all() -> None:
    assert not +following.faults(SEEN, SEEN)


def test_a_follower_that_missed_one() -> None:
    assert +following.faults([SEEN[0], *SEEN[2:]], SEEN) == {"missed": 1}


def test_a_follower_that_saw_what_is_not_there() -> None:
    assert +following.faults([*SEEN, (5, TWO, 2)], SEEN) == {"invented": 1}


def test_a_follower_that_went_back() -> None:
    assert +following.faults([SEEN[1], SEEN[0], *SEEN[2:]], SEEN) == {"out of order": 1}


def test_a_log_with_a_gap() -> None:
    assert +following.faults(SEEN[:2], SEEN[:2], first=0) == {"gaps": 1}


def test_a_stream_without_its_first_event() -> None:
    log = [(1, ONE, 1), (2, TWO, 2)]
    assert +following.faults(log, log) == {"wrong versions": 1}
