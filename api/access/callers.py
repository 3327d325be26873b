"""Who can call: roles, the scopes that each may have, and a caller as the door knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody does in hiring; each route says which of them may use it."""

    RECRUITER = "recruiter"
    SOURCER = "sourcer"
    HIRING_MANAGER = "hiring-manager"
    COMPLIANCE = "compliance"
    ANALYST = "analyst"
    INTEGRATION = "integration"
    ADMIN = "admin"


class Scope(StrEnum):
    """How far a caller may go within the role."""

    READ = "read"
    WRITE = "write"
    PERSONAL = "personal"  # sees names, addresses and what was written about a person


ALL = frozenset(Scope)

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    Role.RECRUITER: ALL,
    Role.SOURCER: ALL,
    Role.HIRING_MANAGER: ALL,
    Role.COMPLIANCE: ALL,
    Role.ANALYST: frozenset({Scope.READ, Scope.WRITE}),
    Role.INTEGRATION: ALL,
    Role.ADMIN: ALL,
}
"""The most that a role may have; a key may have less."""


@dataclass(frozen=True)
class Principal:
    """Somebody who was recognised."""

    id: str  # of the API key, or of the issuer's subject; requests are counted by it
    actor: str  # stands in the events, such as `recruiter:ana`
    role: Role
    scopes: frozenset[Scope]
    rate_limit: str | None = None  # such as "100/second"; the server's own where it is None

    @property
    def hiring_manager(self) -> str | None:
        """By which name jobs are the caller's own, where no others may be seen."""
        return self.actor if self.role is Role.HIRING_MANAGER else None

    def sees_personal(self) -> bool:
        """Whether answers to this caller hold what identifies a person."""
        return Scope.PERSONAL in self.scopes
