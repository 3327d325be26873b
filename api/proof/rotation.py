"""Puts a new signing key of the log in the place of the old one, whole or not at all."""

from pathlib import Path
from typing import Any

import psycopg

from api import key_files
from api.database import CannotStart
from api.key_files import BadKeyFile
from api.proof import signing
from api.settings import Settings
from projections.compliance_audit.merkle import stored
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from projections.compliance_audit.merkle.seal import WrongSigningKey

NEXT_KEY_FILE = "signing.key.next"


def rotate(settings: Settings, connection: psycopg.Connection[Any]) -> VerifierKey:
    """Makes a key, announces it under the old one, and returns with what it is verified.

    The new key is in the data directory's file then, the old one beside it, named by its id. What
    was interrupted goes on where it was. Raises CannotStart, and Altered or NotProven where the log
    is not what was signed.
    """
    known = stored.keys(connection)
    if known is None:
        raise CannotStart("the log was never signed, so that there is no key to follow")
    old, path = known.current, settings.data_dir / NEXT_KEY_FILE
    try:
        key_files.make(path)  # none where one waits already
        new = Signer(old.name, key_files.seed(path))
    except BadKeyFile as error:
        raise CannotStart(str(error)) from error
    if new.key == old:  # interrupted when all was on record already
        old = known.keys[-2]
    else:
        try:
            if signing.sealer(settings, connection).hand_over(connection, new) is None:
                raise CannotStart("the log is empty, so that there is nothing to sign")
        except WrongSigningKey as error:  # another process was faster
            raise CannotStart(str(error)) from error
    _put_in_place(path, settings.data_dir / signing.SIGNING_KEY_FILE, old)
    return new.key


def _put_in_place(path: Path, signing_key: Path, old: VerifierKey) -> None:
    try:
        if signing_key.exists():
            signing_key.replace(signing_key.with_name(f"{signing_key.name}.{old.id.hex()}"))
        path.replace(signing_key)
    except OSError as error:
        raise CannotStart(
            f"{path} cannot be put in the place of {signing_key}: {error.strerror}; say hirelog "
            "audit rotate-key again"
        ) from error
