"""Group commit: callers that arrive while a commit is under way are committed together next."""

from collections import deque
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar
from uuid import UUID

R = TypeVar("R")


class Member(Protocol):
    """What one caller wants committed, whole or not at all."""

    @property
    def size(self) -> int:
        """How much it is, in the unit of the group's limit."""

    @property
    def writes(self) -> AbstractSet[UUID | str]:
        """The streams that it changes."""

    @property
    def reads(self) -> AbstractSet[UUID]:
        """The streams that it rests on, those that it changes among them."""


M = TypeVar("M", bound=Member)


class _Waiting(Generic[M, R]):
    __slots__ = ("answer", "following", "member", "turn")

    def __init__(self, member: M) -> None:
        self.member = member
        self.answer: R | Exception | None = None
        self.turn = Lock()  # let go when there is an answer, or when it is this caller's to lead
        self.turn.acquire()
        self.following: _Waiting[M, R] | None = None  # whom this one tells of the answers


class GroupCommit(Generic[M, R]):
    """Brings the callers of several threads together, without a thread of its own.

    The first one in commits at once, on its own thread, and waits for nobody. Those who come
    meanwhile wait for that one commit; then the first of them commits for all of them.
    """

    def __init__(
        self, commit: Callable[[Sequence[M]], Sequence[R | Exception]], *, limit: int
    ) -> None:
        """`commit` gives one answer for each member; a group has no more than `limit` in size."""
        self._commit = commit
        self._limit = limit
        self._lock = Lock()
        self._queue: deque[_Waiting[M, R]] = deque()
        self._led = False

    @property
    def waiting(self) -> int:
        """How many members are in the queue now, behind the group that is being committed."""
        return len(self._queue)

    def take(self, member: M) -> R:
        """Commits the member, alone or with others; raises what it alone is answered with."""
        mine: _Waiting[M, R] = _Waiting(member)
        with self._lock:
            self._queue.append(mine)
            lead, self._led = not self._led, True
        if lead:
            self._lead()
        else:
            try:
                self._follow(mine)
            except BaseException:
                # This thread was interrupted; those behind it are not to wait for ever.
                Thread(target=self._follow, args=(mine,), daemon=True).start()
                raise
        if isinstance(mine.answer, Exception):
            raise mine.answer
        assert mine.answer is not None  # noqa: S101  # its own group answered it
        return mine.answer

    def _follow(self, mine: _Waiting[M, R]) -> None:
        mine.turn.acquire()
        # One tells the next: to wake all of a group at once has them fight for the interpreter.
        if mine.following:
            mine.following.turn.release()
        if mine.answer is None:
            self._lead()

    def _lead(self) -> None:
        group = self._next_group()
        answers: Sequence[R | Exception] = ()
        try:
            answers = self._commit([each.member for each in group])
        except Exception as error:  # noqa: BLE001  # each member raises it on its own thread
            answers = [_again(error) for _ in group]
        finally:
            # Also when this thread is interrupted: nobody is left waiting.
            answers = answers or [InterruptedError("the commit was interrupted") for _ in group]
            for each, answer in zip(group, answers, strict=True):
                each.answer = answer
            with self._lock:
                follower = self._queue[0] if self._queue else None
                self._led = follower is not None
            if follower:
                follower.turn.release()
            for each, following in pairwise(group):
                each.following = following
            if len(group) > 1:
                group[1].turn.release()

    def _next_group(self) -> list[_Waiting[M, R]]:
        """The first in the queue and all that go with it; a stream is not changed twice in one."""
        group: list[_Waiting[M, R]] = []
        later: list[_Waiting[M, R]] = []
        writes: set[UUID | str] = set()
        size = 0
        with self._lock:
            while self._queue and (not group or size < self._limit):
                each = self._queue.popleft()
                fits = not group or size + each.member.size <= self._limit
                if fits and writes.isdisjoint(each.member.reads):
                    group.append(each)
                    size += each.member.size
                    writes |= each.member.writes
                else:
                    later.append(each)
            self._queue.extendleft(reversed(later))
        return group


def _again(error: Exception) -> Exception:
    """The same error for another thread, so that no two add to one traceback."""
    try:
        other = type(error)(*error.args)
    except TypeError:
        return error
    other.__cause__ = error
    return other
