"""The deletion ledger: a file beside the database that outlives a restored backup.

One line of JSON for each destroyed key: the stream that it was of, the purpose, and when. It names
nobody. A further line names the file itself, so that another one is not taken for it. Lines are
only ever added; keep the file out of what a restore puts back.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.values import Purpose

DESTROYED = "SELECT stream, purpose, destroyed_at FROM hirelog.destroyed_keys()"
LEDGER_FILE = "erasures.ledger"
UNFIT = (AttributeError, KeyError, TypeError, ValueError)  # of a line that says something else


@dataclass(frozen=True, order=True)
class Destroyed:
    """A key that is gone for good, by the stream that it was of."""

    stream: UUID
    purpose: Purpose


class Contents(NamedTuple):
    """What a ledger holds, and its name with those of ledgers that were added to it."""

    destroyed: set[Destroyed]
    names: set[UUID]


class Ledger:
    """The file, which other processes add to as well."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Contents:
        """All that it holds; a line that was cut off by a crash is left out. Raises OSError."""
        destroyed, names = set(), set()
        for entry in self._entries():
            with suppress(*UNFIT):
                if "ledger" in entry:
                    names.add(UUID(entry["ledger"]))
                else:
                    destroyed.add(Destroyed(UUID(entry["stream"]), Purpose(entry["purpose"])))
        return Contents(destroyed, names)

    def catch_up(
        self, connection: psycopg.Connection[Any], recorded: set[Destroyed]
    ) -> set[Destroyed]:
        """Adds what the database knows and is not `recorded`; returns what it does not know.

        Raises OSError.
        """
        rows = connection.execute(DESTROYED).fetchall()
        destroyed = {Destroyed(stream, Purpose(purpose)): at for stream, purpose, at in rows}
        self.add((key, at) for key, at in destroyed.items() if key not in recorded)
        return recorded - destroyed.keys()

    def add(self, destroyed: Iterable[tuple[Destroyed, datetime]]) -> None:
        """Adds entries, and returns when they are on the disk. Raises OSError."""
        self._append(
            {"stream": str(key.stream), "purpose": key.purpose, "at": at.isoformat()}
            for key, at in destroyed
        )

    def be_known_as(self, name: UUID) -> None:
        """Gives the file a name. Raises OSError."""
        self._append([{"ledger": str(name)}])

    def _entries(self) -> Iterator[dict[str, Any]]:
        try:
            text = self.path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            with suppress(ValueError):  # a line that was cut off
                if isinstance(entry := json.loads(line), dict):
                    yield entry

    def _append(self, entries: Iterable[dict[str, str]]) -> None:
        lines = [json.dumps(entry) for entry in entries]
        if not lines:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            # A line that was cut off must not take the next one with it.
            torn = size and os.pread(file.fileno(), 1, size - 1) != b"\n"
            file.write(("\n" * bool(torn) + "".join(f"{line}\n" for line in lines)).encode())
            os.fsync(file.fileno())
        directory = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
