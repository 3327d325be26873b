"""A second party keeps the log's last checkpoint, and notices when the log is not continued."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from api.database import CannotStart
from api.settings import Settings
from api.wiring import open_system
from projections.compliance_audit.merkle import stored
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven, hash_from_base64
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.rotation import History, follow
from projections.compliance_audit.merkle.tree import consistency_proof, verify_consistency

SECONDS = 30.0


@dataclass(frozen=True)
class Log:
    """What a witness asks of a log: its last checkpoint, and that one continues another."""

    note: str
    rotations: Sequence[str]  # the notes by which one signing key followed another
    consistency: Callable[[int, int], list[bytes]]


def observe(log: Log, key: VerifierKey, kept: Path) -> tuple[Checkpoint | None, Checkpoint]:
    """Keeps the log's checkpoint in the file once it is proven to continue the one kept there.

    `key` is the one that signs now, or any before it. Returns the earlier one, None the first time,
    and the new one. Raises NotProven for a fork, a rollback, or a signature that does not hold,
    also at a change of keys since the earlier one; the file stays as it was.
    """
    keys = follow(key, log.rotations)
    new = keys.opened(log.note)
    old = _opened(keys, kept) if kept.exists() else None
    changes = [each.checkpoint for each in keys.rotations]
    since = [each for each in changes if old is None or each.size >= old.size]
    for one, next_ in pairwise([*([old] if old else []), *since, new]):
        _continue(log, one, next_)
    replace(kept, log.note)
    return old, new


def _opened(keys: History, kept: Path) -> Checkpoint:
    try:
        return keys.opened(kept.read_text("utf-8"))
    except (NotProven, ValueError) as error:
        raise NotProven(f"{kept} keeps no checkpoint of this log: {error}") from error


def _continue(log: Log, old: Checkpoint, new: Checkpoint) -> None:
    if new.size < old.size:
        raise NotProven(
            f"the log was rolled back: it shows {new.size} events, and {old.size} were signed"
        )
    proof = log.consistency(old.size, new.size) if new.size > old.size else []
    try:
        verify_consistency(old.size, new.size, old.root, new.root, proof)
    except NotProven as error:
        raise NotProven(
            f"the log of {new.size} events does not continue that of {old.size}, which was "
            f"signed before: {error}"
        ) from None


@contextmanager
def at(url: str, api_key: str | None) -> Iterator[Log]:
    """The log behind a server's address. Raises CannotStart when it does not answer."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def get(client: httpx.Client, path: str, **params: int) -> httpx.Response:
        try:
            answer = client.get(f"/v1/audit/log/{path}", params=params)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotStart(f"{url} cannot be asked: {type(error).__name__}") from error
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise CannotStart(
                f"{url} answers {answer.status_code}: give a key that may read checkpoints in "
                "HIRELOG_API_KEY"
            )
        if answer.status_code != httpx.codes.OK:
            raise CannotStart(f"{url} answers {answer.status_code} for its {path}")
        return answer

    try:
        client = httpx.Client(base_url=url, headers=headers, timeout=SECONDS)
    except httpx.InvalidURL as error:
        raise CannotStart(f"--url is not an address: {error}") from error
    with client:

        def consistency(old: int, new: int) -> list[bytes]:
            return _hashes(get(client, "consistency", size1=old, size2=new))

        yield Log(*_checkpoint(get(client, "checkpoint")), consistency)


@contextmanager
def within(settings: Settings) -> Iterator[Log]:
    """The log of a database of our own. Raises CannotStart."""
    with open_system(settings, create=False) as system, system.pool.connection() as connection:
        signed = stored.latest(connection)
        if signed is None:
            raise CannotStart("the log has no checkpoint yet; does hirelog project run?")
        subtrees = stored.StoredTree(connection)
        yield Log(
            signed.note,
            stored.rotations(connection),
            lambda old, new: consistency_proof(old, new, subtrees),
        )


def _checkpoint(answer: httpx.Response) -> tuple[str, list[str]]:
    try:
        given: Any = answer.json()
        return str(given["note"]), [str(each) for each in given.get("rotations", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotProven("the answer is no checkpoint") from None


def _hashes(answer: httpx.Response) -> list[bytes]:
    try:
        given: Any = answer.json()["proof"]
        return [hash_from_base64(str(each), "a hash of the proof") for each in given]
    except (ValueError, KeyError, TypeError):
        raise NotProven("the answer is no consistency proof") from None


def replace(path: Path, text: str) -> None:
    """Puts the text in the place of the file's, as a whole or not at all."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.absolute().parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(unfinished).replace(path)
