"""Who signs the log: its key and its name, and where checkpoints go beside the database."""

from base64 import b64decode
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from api import key_files
from api.database import CannotStart
from api.key_files import BadKeyFile, is_key
from api.proof.witness import replace
from api.settings import Settings
from projections.compliance_audit.merkle import checkpoint, stored
from projections.compliance_audit.merkle.checkpoint import Checkpoint
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from projections.compliance_audit.merkle.rotation import History
from projections.compliance_audit.merkle.seal import Sealer, register

SIGNING_KEY_FILE = "signing.key"
LAST_CHECKPOINT_FILE = "last.checkpoint"
SINK_SECONDS = 5.0


def sealer(settings: Settings, connection: psycopg.Connection[Any]) -> Sealer:
    """Who signs this log; key and name are made at the first use. Raises CannotStart."""
    try:
        keys = stored.keys(connection)
    except NotProven as error:
        raise CannotStart(f"the keys of this log on record do not hold: {error}") from error
    try:
        known = keys.current if keys else None
        seed = seed_of(settings, is_new=known is None)
        name = settings.log_origin or (known.name if known else f"hirelog/{uuid4()}")
        signer = Signer(name, seed)
        if known is None:
            last_kept(settings, signer.key)
            known = register(connection, signer)  # another process may have been faster
            signer = Signer(settings.log_origin or known.name, seed)
    except BadKeyFile as error:
        raise CannotStart(str(error)) from error
    except NotProven as error:
        raise CannotStart(f"HIRELOG_LOG_ORIGIN cannot name a log: {error}") from error
    if signer.key.public_key != known.public_key:
        raise CannotStart(
            f"the signing key is not the one of this log, whose verifier key is {known}; put "
            f"{SIGNING_KEY_FILE} back, or give the key in HIRELOG_SIGNING_KEY"
        )
    if signer.key != known:
        raise CannotStart(
            f"this log is called {known.name} in its checkpoints, for its whole life; "
            "HIRELOG_LOG_ORIGIN says otherwise"
        )
    trusted = keys or History((known,))
    kept = last_kept(settings, trusted)
    return Sealer(signer, partial(_hand_out, settings, trusted), kept.size if kept else 0)


def key_that_signed_last(settings: Settings) -> VerifierKey | None:
    """That of our signing key, whatever the database says, by the checkpoint that we keep.

    None where there is no key, or no such checkpoint of it.
    """
    path = settings.data_dir / LAST_CHECKPOINT_FILE
    try:
        note = path.read_text("utf-8")
        key = Signer(note.partition("\n")[0], seed_of(settings, is_new=False)).key
        checkpoint.opened(note, key)
    except (OSError, ValueError, NotProven, CannotStart, BadKeyFile):
        return None
    return key


def last_kept(settings: Settings, key: VerifierKey | History) -> Checkpoint | None:
    """The last checkpoint as the data directory keeps it, beside what the database holds.

    Raises CannotStart where it is none of this log, or cannot be read.
    """
    path = settings.data_dir / LAST_CHECKPOINT_FILE
    try:
        return checkpoint.opened(path.read_text("utf-8"), key)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotStart(f"{path} cannot be read: {error.strerror}") from error
    except NotProven as error:
        raise CannotStart(
            f"{path} is no checkpoint of this log: {error}; if the database was meant to "
            "be exchanged, move that file away; if not, the log was"
        ) from error


def seed_of(settings: Settings, *, is_new: bool) -> bytes:
    """The private key, which is made where the log `is_new`. Raises CannotStart, BadKeyFile."""
    if settings.signing_key is not None:
        encoded, where = settings.signing_key.get_secret_value(), "HIRELOG_SIGNING_KEY"
    else:
        path = settings.data_dir / SIGNING_KEY_FILE
        if not path.exists():
            if not is_new:
                raise CannotStart(
                    f"{path} is missing, and with it the signing key of this log; put it back, or "
                    "give the key in HIRELOG_SIGNING_KEY"
                )
            key_files.make(path)
        encoded, where = key_files.read(path), str(path)
    if not is_key(encoded):
        raise CannotStart(f"{where} is not a signing key: it must be 32 bytes in base64")
    return b64decode(encoded)


def _hand_out(settings: Settings, key: History, note: str) -> None:
    try:
        _keep(settings, key, note)
    finally:  # others are told also where that fails
        _tell_others(settings, note)


def _keep(settings: Settings, key: History, note: str) -> None:
    kept = last_kept(settings, key)
    if kept is None or kept.size <= checkpoint.opened(note, key).size:
        # There may be none yet: on a server, with all keys in the environment.
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(settings.data_dir / LAST_CHECKPOINT_FILE, note)


def _tell_others(settings: Settings, note: str) -> None:
    if settings.checkpoint_file:
        with settings.checkpoint_file.open("a", encoding="utf-8") as file:
            file.write(note)
    if settings.checkpoint_url:
        content_type = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            httpx.post(
                settings.checkpoint_url.get_secret_value(),
                content=note.encode(),
                headers=content_type,
                timeout=SINK_SECONDS,
            ).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # its text may hold the address
            raise ConnectionError(None, type(error).__name__) from None
