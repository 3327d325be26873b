"""Checks the whole log: the stored events against the stored hashes, these against every signature.

Events are hashed anew in order, checkpoint by checkpoint. Where a root is not the signed one, the
stored leaf hashes tell which events differ; where these were altered, too, the place is known to
lie between two checkpoints. Checkpoints that were kept elsewhere tell whether the log is still the
one that they were signed for; nothing within the database can.

A stored checkpoint that cannot be one of this log is named and not used: the events that it claims
to cover would else be called altered.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from projections.compliance_audit.merkle import checkpoint
from projections.compliance_audit.merkle.checkpoint import Checkpoint, Keys
from projections.compliance_audit.merkle.encoding import HASH_BYTES, NotProven
from projections.compliance_audit.merkle.findings import Report
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.stored import hashes_in
from projections.compliance_audit.merkle.tree import Frontier
from projections.runtime.log import head

FETCH = 4_096
UNKNOWN = bytes(HASH_BYTES)  # stands for a missing event of which no hash is stored

SELECT_CHECKPOINTS = "SELECT size, since, leaves, note FROM hirelog.log_checkpoints ORDER BY size"
SELECT_RANGES = "SELECT size, since FROM hirelog.log_checkpoints ORDER BY size DESC"
SELECT_SUBTREES = "SELECT level, number, hash FROM hirelog.log_subtrees"
SELECT_EVENTS = """
SELECT notification_id, originator_id, originator_version, topic, state
  FROM hirelog.events
 ORDER BY notification_id
"""

Advance = Callable[[int], None]


def check(
    connection: psycopg.Connection[Any],
    key: VerifierKey | Keys,
    kept: Sequence[Checkpoint] = (),
    advance: Advance = lambda _: None,
) -> Report:
    """Checks every event and every checkpoint, within one transaction that sees one state.

    `key` should come from outside, as `kept` do: earlier checkpoints whose signature holds.
    `advance` is told the position that was reached.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        checking = _Check(connection, key, kept, advance)
        try:
            return checking.run()
        finally:
            # Left to the garbage collector, its cursor would be closed while others are in use.
            checking.close()


class _Check:
    def __init__(
        self,
        connection: psycopg.Connection[Any],
        key: VerifierKey | Keys,
        kept: Sequence[Checkpoint],
        advance: Advance,
    ) -> None:
        self._connection = connection
        self._key = key
        self._advance = advance
        self._report = Report(events=head(connection))
        self._edge = Frontier()  # over what was signed, as far as that is known
        self._known = 0  # up to here the edge was made of stored hashes, or a root held
        self._good = 0  # up to here a checkpoint held
        self._kept_good = 0  # and up to here one that was kept elsewhere
        self._events = self._hashed()
        self._next = next(self._events, None)
        self._kept: dict[int, list[Checkpoint]] = {}
        for each in kept:
            self._kept.setdefault(each.size, []).append(each)
        self._overlapped = self._overlapped_ones()
        rows = connection.execute(SELECT_SUBTREES)
        self._subtrees = {(level, number): made for level, number, made in rows}

    def close(self) -> None:
        self._events.close()

    def run(self) -> Report:
        report = self._report
        for position in self._events_up_to(0):
            report.add(position, position, "an event was inserted before the first")
        for size, since, leaves, note in self._checkpoints():
            self._checkpoint(size, since, leaves, note)
            self._advance(size)
        report.sealed = self._good
        self._unsealed()
        for level, number in self._subtrees:
            width = 1 << 8 * level
            what = f"the stored hash of subtree {number} of level {level} is of no checkpoint"
            report.add(number * width + 1, (number + 1) * width, what)
        for size, checkpoints in self._kept.items():
            for each in checkpoints:
                self._compare(size, each, None)
        return report

    def _checkpoints(self) -> Iterator[tuple[int, int, bytes, str]]:
        with self._connection.cursor("checkpoints", binary=True) as cursor:
            cursor.itersize = 100
            yield from cursor.execute(SELECT_CHECKPOINTS)

    def _overlapped_ones(self) -> set[int]:
        """The sizes of the checkpoints within whose events a later one begins."""
        found: set[int] = set()
        begins = None
        with self._connection.cursor("ranges", binary=True) as cursor:
            cursor.itersize = FETCH
            for size, since in cursor.execute(SELECT_RANGES):
                if begins is not None and begins < size:
                    found.add(size)
                begins = since if begins is None else min(begins, since)
        return found

    def _checkpoint(self, size: int, since: int, leaves: bytes, note: str) -> None:
        """A row: whether it can be one of this log, and then the events that it added."""
        if wrong := self._wrong(size, since, leaves, note):
            what = f"the stored checkpoint of {size} events that follows one of {since} {wrong}"
            self._report.add(since + 1, size, what)
            if size > self._edge.size and self._is_signed(size, note):
                self._unhashed(size, note)  # its root is still good
            return
        if since != self._edge.size:
            what = "the checkpoints that covered these events were deleted"
            self._report.add(self._edge.size + 1, since, what)
            self._unhashed(since, None)
        self._segment(since, size, hashes_in(leaves), note)

    def _wrong(self, size: int, since: int, leaves: bytes, note: str) -> str:
        """Why a row cannot be used, empty when it can."""
        if since < self._edge.size:
            return "was inserted or altered: others cover some of these events"
        joins = since == self._edge.size and size not in self._overlapped
        if not joins and not self._is_signed(size, note):
            return "was inserted or altered: it is not signed and does not join the others"
        if size <= since or len(leaves) != HASH_BYTES * (size - since):
            return f"was altered: it has {len(leaves)} bytes of hashes, not 32 for each event"
        return ""

    def _unhashed(self, size: int, note: str | None) -> None:
        """The events up to `size` where no stored hash tells what they were."""
        since = self._edge.size
        found = self._events_up_to(size)
        for position in range(since + 1, size + 1):
            if position not in found:
                self._report.add(position, position, "the event is missing")
        hashes = [found.get(position, UNKNOWN) for position in range(since + 1, size + 1)]
        root = None if note is None else self._signed_root(size, note)
        if root is not None and root == self._root_after(hashes):
            self._known = size
        elif root is not None:
            what = "the root over these events is not the one that was signed"
            self._report.add(self._known + 1, size, what)
        self._grow(hashes)

    def _segment(self, since: int, size: int, hashes: Sequence[bytes], note: str) -> None:
        """The events after `since` up to `size`, which one checkpoint added."""
        found = self._events_up_to(size)
        made = [found.get(position) for position in range(since + 1, size + 1)]
        self._report.checkpoints += 1
        root = self._signed_root(size, note)
        differ = [
            since + number
            for number, (event, hashed) in enumerate(zip(made, hashes, strict=True), 1)
            if event != hashed
        ]
        whole = [each for each in made if each]
        by_events = len(whole) == len(made) and root == self._root_after(whole)
        if differ and by_events:
            for position in differ:
                what = "the stored hash was altered; the event is the one that was signed"
                self._report.add(position, position, what)
            hashes = whole
        elif differ:
            for position in differ:
                is_there = position in found
                what = "the event was altered or replaced" if is_there else "the event is missing"
                self._report.add(position, position, what)
        if root is not None and not by_events and root != self._root_after(hashes):
            what = "the root over these events is not the one that was signed"
            self._report.add(self._known + 1, size, what)
        elif root is not None and not differ and self._good == since:
            self._good = size
        self._known = size
        self._grow(hashes)

    def _hashed(self) -> Generator[tuple[int, bytes], None, None]:
        """The positions and leaf hashes of all events, in order."""
        with self._connection.cursor("events", binary=True) as cursor:
            cursor.itersize = FETCH
            for position, *rest in cursor.execute(SELECT_EVENTS):
                yield position, event_hash(position, *rest)

    def _events_up_to(self, position: int) -> Mapping[int, bytes]:
        """The hashes of the next events, by position."""
        found: dict[int, bytes] = {}
        while self._next and self._next[0] <= position:
            at, made = self._next
            if at in found:
                self._report.add(at, at, "there are two events at this position")
            found[at] = made
            self._next = next(self._events, None)
        return found

    def _is_signed(self, size: int, note: str) -> bool:
        try:
            return checkpoint.opened(note, self._key).size == size
        except NotProven:
            return False

    def _signed_root(self, size: int, note: str) -> bytes | None:
        try:
            signed = checkpoint.opened(note, self._key)
        except NotProven as error:
            self._report.add(size, size, f"the checkpoint does not hold: {error}")
            return None
        if signed.size != size:
            what = f"the checkpoint stands here, but was signed for {signed.size} events"
            self._report.add(size, size, what)
            return None
        return signed.root

    def _root_after(self, hashes: Sequence[bytes]) -> bytes:
        edge = self._edge.copy()
        for each in hashes:
            edge.append(each)
        return edge.root()

    def _grow(self, hashes: Sequence[bytes]) -> None:
        for each in hashes:
            self._append(each)
        for level, number, made in self._edge.completed:
            if self._subtrees.pop((level, number), None) != made:
                width = 1 << 8 * level
                what = f"the stored hash of subtree {number} of level {level} is missing or altered"
                self._report.add(number * width + 1, (number + 1) * width, what)
        self._edge.completed.clear()

    def _append(self, leaf: bytes) -> None:
        self._edge.append(leaf)
        for earlier in self._kept.pop(self._edge.size, ()):
            self._compare(self._edge.size, earlier, self._edge.root())

    def _compare(self, size: int, earlier: Checkpoint, root: bytes | None) -> None:
        if root is None:
            what = f"missing: a checkpoint that was kept elsewhere covers {size} events"
            self._report.add(self._edge.size + 1, size, what)
        elif earlier.root != root:
            what = "these events are not those of a checkpoint that was kept elsewhere"
            self._report.add(self._kept_good + 1, size, what)
        else:
            self._kept_good = size

    def _unsealed(self) -> None:
        """The events that no stored checkpoint covers: little is known of them but their number."""
        since, kept = self._edge.size, [size for size in self._kept if size > self._edge.size]
        while self._next:
            (position, made), expected = self._next, self._edge.size + 1
            if position > expected:
                self._report.add(expected, position - 1, "events are missing")
                break
            if position < expected:
                self._report.add(position, position, "there are two events at this position")
            else:
                self._append(made)  # a checkpoint of these may be kept elsewhere
                self._edge.completed.clear()  # subtrees are stored with their checkpoint
            self._next = next(self._events, None)
        if covered := [size for size in kept if size <= self._edge.size]:
            what = "the checkpoints that covered these events were deleted: one was kept elsewhere"
            self._report.add(since + 1, max(covered), what)
