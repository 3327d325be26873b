"""Secret keys in files of the data directory: made at first use, readable by their owner alone."""

import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32


class BadKeyFile(Exception):  # noqa: N818  # the name of the situation
    """A key cannot be made or read; the message says which file and why."""


def make(path: Path) -> None:
    """A new random key, whole or not at all; the first of several processes wins.

    Raises BadKeyFile.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "w") as file:
            file.write(b64encode(secrets.token_bytes(KEY_BYTES)).decode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(unfinished, path)
        Path(unfinished).unlink()
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be made: {error.strerror}") from error


def read(path: Path) -> str:
    """The key in base64 as it stands in the file. Raises BadKeyFile."""
    try:
        if path.stat().st_mode & 0o077:
            raise BadKeyFile(f"{path} can be read by others; give it the mode 0600")
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeyFile(f"{path} cannot be read: {error}") from error


def seed(path: Path) -> bytes:
    """The key as 32 bytes. Raises BadKeyFile."""
    encoded = read(path)
    if not is_key(encoded):
        raise BadKeyFile(f"{path} is not a key: it must be 32 bytes in base64")
    return b64decode(encoded)


def is_key(encoded: str) -> bool:
    """Whether it is 32 bytes in base64."""
    try:
        return len(b64decode(encoded, validate=True)) == KEY_BYTES
    except (Base64Error, ValueError):
        return False
