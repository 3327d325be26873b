"""What routes ask for: the system, who acts, and which rows of a list."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4, uuid5

from fastapi import Depends, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, Field, StringConstraints

from api.access.callers import Principal
from api.access.rights import refuse_interaction, refuse_on_behalf
from api.paging import MAX_PAGE
from api.versions import IfMatch, expected
from api.wiring import System
from domain.candidate.intents import Intent
from domain.given import GivenMoment
from domain.recorded import Metadata
from domain.values import NAMESPACE, now
from domain.verdict import Expected

UUID_PATTERN = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
PRINTABLE = r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$"
CANDIDATE = "candidate:"
FOR_SOMEBODY = rf"^(?!{CANDIDATE}(?!(self|{UUID_PATTERN})$)){PRINTABLE.removeprefix('^')}"


# What waits for nothing is asynchronous, or each would take a thread of those that wait.
async def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


SystemDep = Annotated[System, Depends(_system)]


@dataclass(frozen=True)
class Caller:
    """Who acts, for whom, and the caller's own name for the command."""

    digest: Callable[[str], str]  # keyed: a hash of personal values that anyone can test is a leak
    principal: Principal
    on_behalf_of: str | None
    idempotency_key: str | None
    correlation_id: str  # the id of the request
    expected: Expected = None  # the version that a change insists on

    @property
    def actor(self) -> str:
        """Who acts, as the events say it."""
        return self.principal.actor

    def metadata(self, stream: UUID, intent: Intent) -> Metadata:
        """The metadata of a command.

        Its id follows from the Idempotency-Key; without one, from the interaction itself where
        that says when it happened, for the same thing at the same time is the same thing.
        Raises NotPermitted where the caller has no say in it.
        """
        refuse_interaction(self.principal, intent)
        if self.on_behalf_of:
            refuse_on_behalf(self.principal)
        # With the stream, or who may write to another one could make the digest of a guess there.
        digest = self.digest(json.dumps([str(stream), intent.fingerprint()]))
        if self.idempotency_key:
            command_id = uuid5(stream, json.dumps([self.actor, self.idempotency_key]))
        elif intent.occurred_at:
            command_id = uuid5(stream, json.dumps([self.actor, digest]))
        else:
            command_id = uuid4()
        recorded_at = now()
        return Metadata(
            actor=self.actor,
            on_behalf_of=self.on_behalf_of,
            reason=intent.reason,
            command_id=command_id,
            command_digest=digest if self.idempotency_key else None,
            correlation_id=self.correlation_id,
            occurred_at=intent.occurred_at or recorded_at,
            recorded_at=recorded_at,
        )

    def new_id(self, kind: str) -> UUID:
        """An id for a new candidate or job: the same again for the same Idempotency-Key."""
        if self.idempotency_key:
            return uuid5(NAMESPACE, json.dumps([kind, self.actor, self.idempotency_key]))
        return uuid4()


def _names_no_candidate(given: str) -> str:
    # The event keeps it in clear, where no erasure reaches it.
    if not re.match(FOR_SOMEBODY, given):
        raise ValueError(
            f"must go on with self or with the candidate's id (a UUID) after {CANDIDATE}; it is "
            "kept for ever, so name no candidate in it"
        )
    return given


ForSomebody = Annotated[
    str,
    StringConstraints(max_length=200, pattern=PRINTABLE),
    AfterValidator(_names_no_candidate),
    Field(json_schema_extra={"pattern": FOR_SOMEBODY}),
]
"""For whom an integration acts."""
OnBehalfOf = Annotated[
    ForSomebody | None,
    Header(
        alias="On-Behalf-Of",
        description=(
            "The person for whom an integration acts, such as `recruiter:ana` or `candidate:self` "
            "(or `candidate:` and the candidate's id, nothing else); it stands in the event beside "
            "the integration. Others act for themselves alone."
        ),
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        pattern=PRINTABLE,
        description=(
            "A name of yours for this command, such as a random UUID; it should name nobody. "
            "The same command sent again adds nothing and gets the first answer, also when "
            "both arrive at once; another body under the same key is refused with "
            "`key-used-before`, unless something of the person was erased since: then it gets the "
            "first answer, too. "
            "A key belongs to its actor and to the candidate or job, and is kept as long as the "
            "log, for ever."
        ),
    ),
]


# Each is one dependency: FastAPI takes longer for each than it does.
async def _sender(request: Request, on_behalf_of: OnBehalfOf = None) -> Caller:
    principal: Principal = request.state.principal
    if on_behalf_of:
        refuse_on_behalf(principal)
    digest = request.app.state.system.keyring.digest
    return Caller(digest, principal, on_behalf_of, None, request.state.request_id)


async def _caller(
    request: Request, on_behalf_of: OnBehalfOf = None, idempotency_key: IdempotencyKey = None
) -> Caller:
    return replace(await _sender(request, on_behalf_of), idempotency_key=idempotency_key)


async def _changer(
    request: Request,
    on_behalf_of: OnBehalfOf = None,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Caller:
    caller = await _caller(request, on_behalf_of, idempotency_key)
    return replace(caller, expected=expected(if_match))


SenderDep = Annotated[Caller, Depends(_sender)]
CallerDep = Annotated[Caller, Depends(_caller)]
ChangerDep = Annotated[Caller, Depends(_changer)]
"""Who changes what is on record already, and may insist on its version."""


def listed(*items: str) -> str:
    """The pattern of a list of these, separated by commas, as the OpenAPI document tells it."""
    item = rf"\s*({'|'.join(items)})?\s*"
    return f"^{item}(,{item})*$"


@dataclass(frozen=True)
class Chosen:
    """Which rows of a list: those with these ids, those updated after a moment."""

    ids: list[UUID] | None
    updated_after: datetime | None


async def _chosen(
    ids: Annotated[
        str | None,
        Query(
            max_length=10_000,
            description=f"Only these: ids separated by commas, {MAX_PAGE} at the most.",
            json_schema_extra={"pattern": listed(UUID_PATTERN)},
        ),
    ] = None,
    updated_after: Annotated[
        GivenMoment | None,
        Query(
            description=(
                "Only what changed on record after this moment (RFC 3339), in the order of these "
                "changes: by each item's `updated_at`, then its id. It is when hirelog learned of "
                "the last change, not when that happened in the world, so late news is found. What "
                "changes while you walk the pages comes again. Changes recorded at once by several "
                "writers can become visible in another order: begin the next walk a minute before "
                "the last `updated_at` of this one."
            )
        ),
    ] = None,
) -> Chosen:
    if ids is None:
        return Chosen(None, updated_after)
    given = [each.strip() for each in ids.split(",") if each.strip()]
    try:
        wanted = [UUID(each) for each in given[: MAX_PAGE + 1]]
    except ValueError:
        raise not_valid("ids", "must be UUIDs separated by commas") from None
    if len(wanted) > MAX_PAGE:
        raise not_valid("ids", f"must be no more than {MAX_PAGE}")
    return Chosen(wanted, updated_after)


ChosenDep = Annotated[Chosen, Depends(_chosen)]


def not_valid(parameter: str, message: str) -> RequestValidationError:
    """What is wrong with a query parameter, as FastAPI itself says it."""
    return RequestValidationError(
        [{"type": "value_error", "loc": ("query", parameter), "msg": message, "input": None}]
    )
