"""How one signing key of a log follows another, so that whoever trusts either can trust both.

The last checkpoint of the old key names both keys in a line of its own (an extension line of
tlog-checkpoint) and is signed by both. Signatures alone would not do: none covers another one, so
anybody could put a second one beside the first. Up to this checkpoint only the old key counts, from
it on only the new one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from projections.compliance_audit.merkle import checkpoint, note
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.note import Signer, VerifierKey

LINE = re.compile(r"key (\S+) is followed by (\S+)")
END = 2**63  # after every size


@dataclass(frozen=True)
class Rotation:
    """At which checkpoint which key was followed by which."""

    checkpoint: Checkpoint
    old: VerifierKey
    new: VerifierKey

    @classmethod
    def parse(cls, text: str) -> "Rotation":
        """What a note that `announced` wrote says. Raises NotProven unless both have signed it."""
        line = text.rpartition("\n\n")[0].rpartition("\n")[2]
        keys = LINE.fullmatch(line)
        if keys is None:
            raise NotProven("a note on a change of keys ends with both keys")
        old, new = map(VerifierKey.parse, keys.groups())
        note.opened(text, new)
        return cls(checkpoint.opened(text, old), old, new)


@dataclass(frozen=True)
class History:
    """The keys of a log in their order, and the rotations between them."""

    keys: tuple[VerifierKey, ...]
    rotations: tuple[Rotation, ...] = ()

    @property
    def current(self) -> VerifierKey:
        """With which others verify what is signed now."""
        return self.keys[-1]

    def opened(self, text: str) -> Checkpoint:
        """The checkpoint in a note that the key of its time has signed. Raises NotProven."""
        sizes = [each.checkpoint.size for each in self.rotations]
        wrong = NotProven("there is no key")
        for key, first, last in zip(self.keys, [0, *sizes], [*sizes, END], strict=True):
            try:
                signed = checkpoint.opened(text, key)
            except NotProven as error:
                wrong = error
                continue
            if first <= signed.size <= last:
                return signed
            raise NotProven(
                f"the key {key.id.hex()} signed {signed.size} events, for which another key counts"
            )
        raise wrong


def announced(last: Checkpoint, old: Signer, new: Signer) -> str:
    """The note by which the old key is followed by the new one from this checkpoint on."""
    text = f"{last}key {old.key} is followed by {new.key}\n"
    return old.sign(text) + new.signature(text)


def follow(key: VerifierKey, notes: Sequence[str]) -> History:
    """All keys that follow from a trusted one, before it and after, by the notes of each rotation.

    Raises NotProven when one of the notes does not hold, or when they do not lead to the key.
    """
    if not notes:
        return History((key,))
    rotations = tuple(map(Rotation.parse, notes))
    for one, next_ in pairwise(rotations):
        if one.new != next_.old or one.checkpoint.size > next_.checkpoint.size:
            raise NotProven("the changes of keys do not follow one another")
    keys = (rotations[0].old, *(each.new for each in rotations))
    if key not in keys:
        raise NotProven("the key is none of those that have signed this log one after the other")
    return History(keys, rotations)


def follow_what_holds(key: VerifierKey, notes: Sequence[str]) -> tuple[History, list[str]]:
    """The same by those notes alone that hold and lead to the key or from it, and what is wrong."""
    parsed, wrong = list[Rotation](), list[str]()
    for text in notes:
        try:
            parsed.append(Rotation.parse(text))
        except NotProven as error:
            wrong.append(f"a stored change of keys does not hold: {error}")
    keys, rotations = [key], list[Rotation]()
    for each in parsed:
        if each.old == keys[-1] and (
            not rotations or rotations[-1].checkpoint.size <= each.checkpoint.size
        ):
            keys.append(each.new)
            rotations.append(each)
    for each in reversed(parsed):
        if each.new == keys[0] and (
            not rotations or each.checkpoint.size <= rotations[0].checkpoint.size
        ):
            keys.insert(0, each.old)
            rotations.insert(0, each)
    wrong += [
        f"a stored change of keys, from {each.old.id.hex()} to {each.new.id.hex()}, does not "
        "belong to this log"
        for each in parsed
        if each not in rotations
    ]
    return History(tuple(keys), tuple(rotations)), wrong
