"""What the commands of officers share: points of a history, and the note of who reads what."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import IO, Annotated, Any, Literal
from uuid import UUID

import typer

from api.cli.shared import label, moment, operator
from api.database import CannotStart
from api.readings import Reading, What, write
from api.wiring import System
from domain.candidate.difference import Point
from domain.recorded import Recorded, personal_values
from domain.values import REDACTED

Why = Annotated[str, typer.Option("--why", help="Why you read this, for the record; name nobody.")]
Officer = Annotated[
    str | None, typer.Option("--actor", help="Who reads, for the record [default: operator:LOGIN].")
]

LONGEST_VERSION = 19  # digits, which PostgreSQL's bigint holds any number of fewer of


def point(option: str, text: str | None) -> Point:
    """The point that an option names: `3`, a moment, `known-at:MOMENT`, or several with commas.

    A moment by itself is one of the world, by which things had happened. Raises BadParameter.
    """
    version, as_of, known_at = None, None, None
    for part in map(str.strip, text.split(",")) if text is not None else ():
        if part.startswith("known-at:"):
            known_at = moment(f"{option} known-at", part.removeprefix("known-at:"))
        elif part.isascii() and part.isdigit() and len(part) < LONGEST_VERSION:
            version = int(part)
        else:
            as_of = moment(option, part.removeprefix("as-of:"))
    return Point(version, as_of, known_at)


def note(
    system: System,
    candidate: UUID | None,
    what: What,
    *,
    actor: str | None = None,
    why: str | None = None,
) -> None:
    """Puts on record that this is read here. Raises BadParameter."""
    reason = None if why is None else label("--why", why)
    with system.pool.connection() as connection:
        write(connection, Reading(candidate, operator(actor), "operator", what, "cli", reason))


def holding(history: Iterable[Recorded]) -> str:
    """What a file with these events holds, for whoever has to take care of it."""
    values = (value for each in history for value in personal_values(each.event).values())
    return in_clear(values)


def in_clear(values: Iterable[str]) -> str:
    """The same of a file with these values: nobody needs to guard what was erased."""
    return f"it holds {'' if any(value != REDACTED for value in values) else 'no '}personal data"


@contextmanager
def new_file(file: Path, mode: Literal["w", "wb"] = "wb") -> Iterator[IO[Any]]:
    """A new file that only its owner may read, and that goes again when something fails.

    It is there before anything is read for it, or a reading that nobody was given would be noted.
    Raises CannotStart.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CannotStart(f"{file} cannot be made: {error.strerror}; name another file") from error
    try:
        with os.fdopen(descriptor, mode, encoding="utf-8" if mode == "w" else None) as target:
            yield target
    except BaseException as error:
        with suppress(OSError):
            file.unlink()
        if isinstance(error, OSError):
            raise CannotStart(f"{file} cannot be written: {error.strerror}") from error
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """The same for a folder."""
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise CannotStart(
            f"{folder} cannot be made: {error.strerror}; name another folder"
        ) from error
    try:
        yield
    except BaseException:
        rmtree(folder, ignore_errors=True)
        raise
