"""API keys: made, found by their digest, replaced and revoked; a key itself is kept nowhere."""

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.rows import class_row

from api.access.callers import SCOPES_OF, Principal, Role, Scope
from domain.values import now

PREFIX = "hlk_"
SECRET_BYTES = 32

# Letters that nobody takes for another, for the part that people read out.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

INSERT = """
INSERT INTO hirelog.api_keys
       (key_id, digest, actor, role, scopes, rate_limit, expires_at, created_by)
VALUES (%(key_id)s, %(digest)s, %(actor)s, %(role)s, %(scopes)s, %(rate_limit)s, %(expires_at)s,
        %(by)s)
"""
FIND = """
SELECT key_id, actor, role, scopes, rate_limit,
       coalesce(last_used_at < now() - interval '1 minute', true) AS is_rarely_used
  FROM hirelog.api_keys
 WHERE digest = %(digest)s AND revoked_at IS NULL AND coalesce(expires_at > now(), true)
"""
SET_USED = "UPDATE hirelog.api_keys SET last_used_at = now() WHERE key_id = %(key_id)s"
SELECT_KEYS = """
SELECT key_id, actor, role, scopes, rate_limit, created_at, expires_at, revoked_at, replaced_by,
       last_used_at, created_by, revoked_by
  FROM hirelog.api_keys
"""
SELECT_ALL = SELECT_KEYS + " ORDER BY created_at, key_id"
SELECT_FOR_CHANGE = SELECT_KEYS + " WHERE key_id = %(key_id)s FOR UPDATE"
REVOKE = """
UPDATE hirelog.api_keys SET revoked_at = now(), revoked_by = %(by)s
 WHERE key_id = %(key_id)s AND revoked_at IS NULL
"""
REPLACE = """
UPDATE hirelog.api_keys
   SET replaced_by = %(by)s, expires_at = least(expires_at, now() + %(overlap)s)
 WHERE key_id = %(key_id)s
"""


class NoSuchKey(Exception):  # noqa: N818  # the name of the situation
    """No API key has this id, or it can be used no more."""


class WiderThanRole(Exception):  # noqa: N818  # the name of the situation
    """The scopes are more than the role may have."""


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed; times in UTC."""

    key_id: str
    actor: str
    role: str
    scopes: list[str]
    rate_limit: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    last_used_at: datetime | None
    created_by: str | None  # None of a key from before this was kept
    revoked_by: str | None

    def state(self) -> str:
        """active, revoked or expired."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now() else "active"


def create(  # noqa: PLR0913  # what a key has
    connection: psycopg.Connection[Any],
    role: Role,
    name: str,
    *,
    by: str,
    scopes: Collection[Scope] | None = None,
    expires_at: datetime | None = None,
    rate_limit: str | None = None,
) -> str:
    """Makes a key for `<role>:<name>` and returns it: `hlk_`, 8 characters, `_`, the secret.

    It is shown this once; `by` is who makes it. Without `scopes` it has all of its role's. Raises
    WiderThanRole.
    """
    wider = set(scopes or ()) - SCOPES_OF[role]
    if wider:
        raise WiderThanRole(
            f"the role {role} never has the scope {', '.join(sorted(wider))}; leave it out"
        )
    key_id = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(8))
    key = f"{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    row = {
        "key_id": key_id,
        "digest": digest(key.encode()),
        "actor": f"{role}:{name}",
        "role": role,
        "scopes": sorted(SCOPES_OF[role] if scopes is None else scopes),
        "rate_limit": rate_limit,
        "expires_at": expires_at,
        "by": by,
    }
    connection.execute(INSERT, row)
    return key


def digest(key: bytes) -> bytes:
    """What is kept of a key. A plain hash will do, for nobody guesses 256 random bits."""
    return sha256(key).digest()


def find(connection: psycopg.Connection[Any], key_digest: bytes) -> Principal | None:
    """Who calls with the key of this digest; None where it is unknown, revoked or expired."""
    row = connection.execute(FIND, {"digest": key_digest}).fetchone()
    if row is None:
        return None
    key_id, actor, role, scopes, rate_limit, is_rarely_used = row
    if is_rarely_used:
        with suppress(psycopg.Error):  # a database that only reads knows callers all the same
            connection.execute(SET_USED, {"key_id": key_id})
    return Principal(key_id, actor, Role(role), frozenset(map(Scope, scopes)), rate_limit)


def listed(connection: psycopg.Connection[Any]) -> list[ApiKey]:
    """All keys that ever were, the oldest first."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(SELECT_ALL).fetchall()


def revoke(connection: psycopg.Connection[Any], key_id: str, *, by: str) -> ApiKey:
    """Ends a key at once; one that is revoked stays so. Raises NoSuchKey."""
    with connection.transaction():
        _locked(connection, key_id)
        connection.execute(REVOKE, {"key_id": key_id, "by": by})
        return _locked(connection, key_id)


def rotate(
    connection: psycopg.Connection[Any],
    key_id: str,
    *,
    by: str,
    overlap: timedelta,
    expires_at: datetime | None,
) -> str:
    """Makes another key for the same caller; the old one ends after `overlap`. Raises NoSuchKey."""
    with connection.transaction():
        old = _locked(connection, key_id)
        if old.state() != "active" or old.replaced_by:
            ended = f"replaced by {old.replaced_by}" if old.replaced_by else old.state()
            raise NoSuchKey(f"key {key_id} is {ended}; create a new one")
        key = create(
            connection,
            Role(old.role),
            old.actor.partition(":")[2],
            by=by,
            scopes=[Scope(each) for each in old.scopes],
            expires_at=expires_at,
            rate_limit=old.rate_limit,
        )
        connection.execute(REPLACE, {"key_id": key_id, "by": id_of(key), "overlap": overlap})
    return key


def id_of(key: str) -> str:
    """The part of a key that may be seen."""
    return key[: len(PREFIX) + 8]


def _locked(connection: psycopg.Connection[Any], key_id: str) -> ApiKey:
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        found = cursor.execute(SELECT_FOR_CHANGE, {"key_id": key_id}).fetchone()
    if found is None:
        raise NoSuchKey(f"there is no key {key_id}; see hirelog keys list")
    return found
