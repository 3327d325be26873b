"""Group commit: who arrives meanwhile goes together next, and each gets an answer of its own."""

import signal
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from uuid import UUID, uuid4

import pytest

from domain.store.group import GroupCommit


@dataclass(frozen=True)
class Write:
    """Some events on streams."""

    name: str
    size: int = 1
    writes: frozenset[UUID] = field(default_factory=lambda: frozenset({uuid4()}))
    rests_on: frozenset[UUID] = frozenset()

    @property
    def reads(self) -> frozenset[UUID]:
        return self.writes | self.rests_on


class Slow:
    """A commit that lasts until it is let go, and knows what came in which group."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun = Event()
        self.go = Event()

    def __call__(self, group: Sequence[Write]) -> Sequence[str | Exception]:
        names = [each.name for each in group]
        self.groups.append(names)
        self.begun.set()
        assert self.go.wait(10)
        if "broken" in names:
            raise ValueError("all fail")
        return [LookupError("alone") if name == "wrong" else name for name in names]


def together(
    slow: Slow, *later: Write, limit: int = 100
) -> tuple[list[Future[str]], GroupCommit[Write, str]]:
    """One write on its way, and others that came meanwhile, in this order."""
    commit: GroupCommit[Write, str] = GroupCommit(slow, limit=limit)
    pool = ThreadPoolExecutor(len(later) + 1)
    futures = [pool.submit(commit.take, Write("first"))]
    assert slow.begun.wait(10)
    for number, each in enumerate(later, 1):
        futures.append(pool.submit(commit.take, each))
        while len(commit._queue) < number:  # noqa: SLF001  # nothing else tells that it waits
            pass
    slow.go.set()
    pool.shutdown()
    return futures, commit


def test_the_first_one_does_not_wait_and_the_others_go_together() -> None:
    slow = Slow()
    futures, _ = together(slow, *(Write(name) for name in "abc"))
    assert slow.groups == [["first"], ["a", "b", "c"]]
    assert [future.result(0) for future in futures] == ["first", "a", "b", "c"]


def test_one_that_fails_fails_alone() -> None:
    futures, _ = together(Slow(), Write("a"), Write("wrong"), Write("b"))
    assert [future.exception(0) is None for future in futures] == [True, True, False, True]
    assert isinstance(futures[2].exception(0), LookupError)


def test_a_commit_that_fails_fails_for_all_of_its_group_and_for_no_other() -> None:
    futures, commit = together(Slow(), Write("broken"), Write("a"))
    assert futures[0].result(0) == "first"
    errors = [future.exception(0) for future in futures[1:]]
    assert [type(error) for error in errors] == [ValueError, ValueError]
    assert errors[0] is not errors[1]
    assert commit.take(Write("next")) == "next"


def test_a_stream_is_not_changed_twice_in_one_group_and_nothing_rests_on_what_it_changes() -> None:
    one, job = uuid4(), uuid4()
    slow = Slow()
    together(
        slow,
        Write("a", writes=frozenset({one})),
        Write("a again", writes=frozenset({one})),
        Write("uses job", rests_on=frozenset({job})),
        Write("changes job", writes=frozenset({job})),
        Write("uses it again", rests_on=frozenset({job})),
    )
    assert slow.groups == [
        ["first"],
        ["a", "uses job", "changes job"],
        ["a again", "uses it again"],
    ]


def test_a_group_has_a_limit_but_takes_one_that_is_larger() -> None:
    slow = Slow()
    together(slow, Write("a", 6), Write("b", 5), Write("c", 4), Write("d", 50), limit=10)
    assert slow.groups == [["first"], ["a", "c"], ["b"], ["d"]]


def test_nobody_waits_for_one_whose_thread_was_interrupted() -> None:
    def interrupted(group: Sequence[Write]) -> Sequence[str]:
        if group[0].name == "first":
            slow(group)
            raise KeyboardInterrupt
        return [each.name for each in group]

    slow = Slow()
    commit: GroupCommit[Write, str] = GroupCommit(interrupted, limit=10)

    def first() -> None:
        with suppress(KeyboardInterrupt):
            commit.take(Write("first"))

    leading = Thread(target=first)
    leading.start()
    assert slow.begun.wait(10)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(commit.take, Write("later"))
        slow.go.set()
        assert later.result(10) == "later"
    leading.join(10)
    assert commit.take(Write("next")) == "next"


def test_nobody_waits_for_one_that_was_interrupted_while_it_waited() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    slow = Slow()
    commit: GroupCommit[Write, str] = GroupCommit(slow, limit=10)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(commit.take, Write("first"))
            assert slow.begun.wait(10)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                commit.take(Write("interrupted"))
            later = pool.submit(commit.take, Write("later"))
            slow.go.set()
            assert (first.result(10), later.result(10)) == ("first", "later")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert commit.take(Write("next")) == "next"


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_each_gets_its_own_answer(threads: int) -> None:
    commit: GroupCommit[Write, str] = GroupCommit(lambda group: [w.name for w in group], limit=5)
    with ThreadPoolExecutor(threads) as pool:
        names = [str(number) for number in range(2_000)]
        assert list(pool.map(lambda name: commit.take(Write(name)), names)) == names
