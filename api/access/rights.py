"""What a caller may do: each route says for which roles it is open, and is closed to all others."""

from dataclasses import dataclass

from fastapi import Request, params

from api.access.callers import Principal, Role, Scope
from api.errors import NotPermitted
from domain.candidate.intents import (
    AcceptOffer,
    Advance,
    Apply,
    DeclineOffer,
    Hire,
    Intent,
    MakeOffer,
    Note,
    Reinstate,
    Reject,
    ReturnToPool,
    Withdraw,
)

EVERYBODY = tuple(Role)
RECRUITS = (Role.RECRUITER, Role.INTEGRATION, Role.ADMIN)
MEETS_PEOPLE = (*RECRUITS, Role.SOURCER)
READS_HISTORIES = (*MEETS_PEOPLE, Role.COMPLIANCE)
READS_PEOPLE = (*READS_HISTORIES, Role.HIRING_MANAGER)
READS_RELATIONSHIPS = (*MEETS_PEOPLE, Role.COMPLIANCE, Role.ANALYST)
READS_THE_AUDIT = (Role.COMPLIANCE, Role.ANALYST, Role.ADMIN)
OVERSEES = (Role.COMPLIANCE, Role.ADMIN)
OPERATES = (Role.ANALYST, Role.ADMIN)
MEASURES = (Role.ANALYST, Role.INTEGRATION, Role.ADMIN)

SAFE_METHODS = {"GET", "HEAD"}

# Sourcers win people for us; what becomes of an application is not theirs to say.
NOT_FOR_SOURCERS = (
    Advance, MakeOffer, AcceptOffer, DeclineOffer, Hire, Reject, Reinstate, Withdraw
)  # fmt: skip
FOR_HIRING_MANAGERS = (Advance, Reject, Note)


@dataclass(frozen=True)
class OpenTo(params.Depends):
    """Marks a route with the roles that may use it; without any it is open to everybody at all.

    It stands among the dependencies of a route or of its router, and `Route` reads it there.
    """

    roles: frozenset[Role] = frozenset()


def open_to(*roles: Role) -> OpenTo:
    """The mark of a route, among its dependencies or its router's."""
    return OpenTo(roles=frozenset(roles))


def open_to_all() -> OpenTo:
    """The mark of a route for which nobody has to say who they are."""
    return OpenTo()


def authorise(request: Request, mark: OpenTo) -> None:
    """Lets in whom the mark names. Raises NotPermitted."""
    if not mark.roles:
        return
    principal: Principal = request.state.principal
    if principal.role not in mark.roles:
        raise NotPermitted(
            f"{principal.id} has the role {principal.role}, for which this is closed; "
            "use a key of another role"
        )
    needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
    if needed not in principal.scopes:
        raise NotPermitted(f"{principal.id} lacks the scope {needed}; use a key that has it")


def refuse_interaction(principal: Principal, intent: Intent) -> None:
    """Raises NotPermitted where the role has no say in such an interaction."""
    match principal.role:
        case Role.SOURCER:
            ends_one = isinstance(intent, ReturnToPool) and intent.application_id
            skips_stages = isinstance(intent, Apply) and intent.stage
            is_open = not (isinstance(intent, NOT_FOR_SOURCERS) or ends_one or skips_stages)
        case Role.HIRING_MANAGER:
            is_open = isinstance(intent, FOR_HIRING_MANAGERS)
        case _:
            is_open = True
    if not is_open:
        raise NotPermitted(
            f"the role {principal.role} does not record {intent.type}; ask a recruiter"
        )


def refuse_on_behalf(principal: Principal) -> None:
    """Raises NotPermitted where the caller cannot act for others."""
    if principal.role not in {Role.INTEGRATION, Role.ADMIN}:
        raise NotPermitted(
            f"the role {principal.role} acts for itself; leave On-Behalf-Of out, or use a key of "
            "an integration"
        )
