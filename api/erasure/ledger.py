"""The deletion ledger: a file beside the database that outlives a restored backup.

One line of JSON for each destroyed key: the stream that it was of, the purpose, and when. It names
nobody. Lines are only ever added; keep the file out of what a restore puts back.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from domain.values import Purpose

LEDGER_FILE = "erasures.ledger"


@dataclass(frozen=True, order=True)
class Destroyed:
    """A key that is gone for good, by the stream that it was of."""

    stream: UUID
    purpose: Purpose


class Ledger:
    """The file, which other processes add to as well."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> set[Destroyed]:
        """All that it holds; a line that was cut off by a crash is left out."""
        try:
            text = self.path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return set()
        found = set()
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                found.add(Destroyed(UUID(entry["stream"]), Purpose(entry["purpose"])))
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def add(self, destroyed: Iterable[tuple[Destroyed, datetime]]) -> None:
        """Adds entries, and returns when they are on the disk. Raises OSError."""
        lines = [
            json.dumps({"stream": str(key.stream), "purpose": key.purpose, "at": at.isoformat()})
            for key, at in destroyed
        ]
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
