"""The published list of problems: every code that an answer can have, once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from domain import errors
from domain.errors import DoesNotFit, NotOnRecord, Refusal, VersionMismatch
from projections.compliance_audit.merkle.stored import NoProof, NotSealed
from projections.runtime.builds import BuildGone
from projections.runtime.outside import NoReadModel
from projections.runtime.parking import NotParked
from projections.runtime.rebuild import NotPossible
from projections.runtime.switch import NothingRetired
from projections.runtime.tables import TablesDiffer


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its stable code, its HTTP status, and what it means."""

    code: str
    status: int
    meaning: str


OF_THE_DOOR = (
    Kind("invalid-request", 422, "A parameter or a field is missing, unknown or malformed."),
    Kind("invalid-cursor", 422, "The cursor is none of this query, with these filters."),
    Kind("unauthenticated", 401, "Nobody is named; send a key or a token."),
    Kind("invalid-token", 401, "The key or token is unknown, revoked, expired or not in order."),
    Kind("not-permitted", 403, "The caller's role or scopes do not allow this."),
    Kind("cross-origin-refused", 403, "Pages of that site may not send this; see the settings."),
    Kind("not-found", 404, "There is nothing under this path."),
    Kind("method-not-allowed", 405, "The path does not take this method; Allow says which."),
    Kind("position-ahead", 409, "The log is another one, or an older copy: it ends before this."),
    Kind("content-too-large", 413, "The request is larger than this server takes."),
    Kind("unsupported-media-type", 415, "The body is not of the type or the coding that is read."),
    Kind("rate-limited", 429, "The caller has sent too many requests; wait and go on."),
    Kind("internal-error", 500, "Something unexpected happened; it was logged."),
    Kind("log-altered", 500, "The log is not what was signed; see hirelog audit check."),
    Kind("report-altered", 500, "A published report is not what the log says was published."),
    Kind("unreadable-event", 500, "An event was altered, or written by a newer hirelog."),
    Kind("database-unavailable", 503, "The database cannot be reached or is too slow; try again."),
    Kind("overloaded", 503, "Too many requests are under way; nothing was done, try again."),
    Kind("too-slow", 503, "It took too long; send it again under the same Idempotency-Key."),
    Kind("too-many-streams", 503, "There is no room for another stream; try again, or ask pages."),
    Kind("read-model-changing", 503, "The tables of a new version are being built; try again."),
    Kind("projection-stalled", 503, "A read model is behind and does not move."),
    Kind("issuer-unavailable", 503, "The keys of the tokens' issuer cannot be read; try again."),
)

OF_THE_PROJECTIONS = (
    BuildGone,
    NoProof,
    NoReadModel,
    NotParked,
    NotPossible,
    NotSealed,
    NothingRetired,
    TablesDiffer,
)


def status_of(refusal: type[Refusal]) -> int:
    """404 for what was addressed and is missing, 412 for If-Match, 422 for what does not fit.

    Else 409.
    """
    if issubclass(refusal, NotOnRecord):
        return HTTPStatus.NOT_FOUND
    if issubclass(refusal, VersionMismatch):
        return HTTPStatus.PRECONDITION_FAILED
    return HTTPStatus.UNPROCESSABLE_ENTITY if issubclass(refusal, DoesNotFit) else 409


def _refusals() -> Iterator[type[Refusal]]:
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, Refusal):
            yield each
    yield from OF_THE_PROJECTIONS


def _kinds() -> Iterator[Kind]:
    yield from OF_THE_DOOR
    for each in _refusals():
        if each not in {Refusal, NotOnRecord, DoesNotFit}:
            yield Kind(each.code, int(status_of(each)), (each.__doc__ or "").strip())


PUBLISHED: Mapping[str, Kind] = {
    each.code: each for each in sorted(_kinds(), key=lambda kind: (kind.status, kind.code))
}
"""All of them by their codes, in the order of their statuses."""
