"""A candidate's history with its proofs in one file, and its verification with the key alone.

Nothing here asks a database. What is proven of each event: that these very bytes stand on record at
this position as this version of this candidate's stream. `content` is those bytes as JSON, and is
compared with them. `personal`, the values in clear, is for the reader: the bytes hold them sealed,
so only that there are such values is proven.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from domain import sealed
from domain.recorded import decode, personal_values
from domain.values import REDACTED
from projections.compliance_audit.merkle.checkpoint import Checkpoint, InclusionProof
from projections.compliance_audit.merkle.encoding import NotProven, from_base64, to_base64
from projections.compliance_audit.merkle.leaf import event_hash
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.rotation import History, follow

Number = Annotated[int, Field(ge=1, lt=2**63)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BundledEvent(_Strict):
    """One event as it is stored, with the proof that it is on record."""

    position: Number
    version: Number
    topic: str
    state: str  # base64
    proof: str  # a file of the format tlog-proof
    content: JsonValue
    personal: dict[str, str]
    keys: dict[str, str] = {}  # base64, of each personal value alone: they prove what it is

    @classmethod
    def of(
        cls,
        row: tuple[int, int, str, bytes],
        proof: InclusionProof,
        personal: Mapping[str, str],
        keys: Mapping[str, bytes],
    ) -> "BundledEvent":
        """From position, version, topic and state, with personal values and the key of each."""
        position, version, topic, state = row
        return cls(
            position=position,
            version=version,
            topic=topic,
            state=to_base64(state),
            proof=str(proof),
            content=content_of(state),
            personal=dict(personal),
            keys={name: to_base64(key) for name, key in keys.items()},
        )


def _as_written(given: Any) -> Any:
    """Refuses another spelling of the same id: no bit of a bundle may be another one."""
    if isinstance(given, str) and given != given.lower():
        raise ValueError("an id is written in small letters")
    return given


class Bundle(_Strict):
    """The file."""

    format: Literal["hirelog-audit-bundle/v1"] = "hirelog-audit-bundle/v1"
    candidate: Annotated[UUID, BeforeValidator(_as_written)]
    verifier_key: str  # for whoever has no other; what it is worth depends on who handed it over
    checkpoint: str
    rotations: list[str] = []  # the notes by which one key followed another
    events: Annotated[list[BundledEvent], Field(min_length=1)]


@dataclass(frozen=True)
class Failure:
    """An event of a bundle that is not proven, and why; no position where it is about all."""

    position: int | None
    version: int | None
    why: str

    def __str__(self) -> str:
        """For people."""
        if self.position is None:
            return self.why
        return f"event {self.version} (position {self.position}): {self.why}"


@dataclass(frozen=True)
class Verified:
    """What a verification found; the bundle is as it was signed when nothing failed."""

    bundle: Bundle
    checkpoint: Checkpoint
    failures: list[Failure]

    @property
    def personal_values(self) -> int:
        """How many values in clear are not proven, for they are of before values had keys."""
        return sum(
            value != REDACTED and name not in event.keys
            for event in self.bundle.events
            for name, value in event.personal.items()
        )


def verify(text: str | bytes, key: VerifierKey) -> Verified:
    """Checks every event of a bundle against the signature of `key`.

    Or of a key that followed it, or that it followed, by the bundle's `rotations`. Raises NotProven
    when it is no bundle, or when its checkpoint is not one of these keys.
    """
    _refuse_duplicates(text)
    try:
        bundle = Bundle.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise NotProven(f"this is no bundle: {where}: {first['msg']}") from None
    keys = follow(key, bundle.rotations)
    signed = keys.opened(bundle.checkpoint)
    failures = [*_order(bundle.events)]
    if bundle.verifier_key not in map(str, keys.keys):
        failures.append(Failure(None, None, "the verifier key in it is not the one that was given"))
    for event in bundle.events:
        try:
            _verify_event(bundle, event, keys)
        except NotProven as error:
            failures.append(Failure(event.position, event.version, str(error)))
    return Verified(bundle, signed, failures)


def content_of(state: bytes) -> Any:
    """The stored bytes as JSON; None where they are none."""
    try:
        return json.loads(state, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _verify_event(bundle: Bundle, event: BundledEvent, keys: History) -> None:
    state = from_base64(event.state, "its state") if event.state else b""
    proof = InclusionProof.parse(event.proof)
    if proof.checkpoint != bundle.checkpoint:
        raise NotProven("its proof is for another checkpoint than the bundle's")
    if proof.index != event.position - 1:
        raise NotProven("its proof is for another position")
    leaf = event_hash(event.position, bundle.candidate, event.version, event.topic, state)
    proof.verify(leaf, keys)
    if _canonical(event.content) != _canonical(content_of(state)):
        raise NotProven("its content is not what the stored bytes say")
    if event.personal or event.keys:
        _verify_personal(bundle.candidate, event, _personal_in(event.topic, state))


def _verify_personal(candidate: UUID, event: BundledEvent, stored: Mapping[str, str]) -> None:
    if invented := sorted((event.personal.keys() | event.keys.keys()) - stored.keys()):
        raise NotProven(f"the stored bytes hold no personal value called {', '.join(invented)}")
    for name, value in event.personal.items():
        if name in event.keys:
            key = from_base64(event.keys[name], f"the key of {name}")
            if not sealed.is_sealed_of(key, candidate, name, stored[name], value):
                raise NotProven(f"its {name} is not what is on record, or the key is not its own")
        elif value != REDACTED and sealed.has_own_key(stored[name]):
            raise NotProven(f"the key is missing that proves its {name}")
    if unused := sorted(event.keys.keys() - event.personal.keys()):
        raise NotProven(f"there are keys without values: {', '.join(unused)}")


def _refuse_duplicates(text: str | bytes) -> None:
    """Raises NotProven where a key stands twice in an object: readers differ in which one counts.

    What cannot be read here is refused, too: the validation might take it.
    """
    try:
        json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise NotProven("this is no bundle: the file is not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotProven(f"this is no bundle: it has {json.dumps(name)} twice in one object")
        found[name] = value
    return found


def _canonical(content: Any) -> str:
    """One text for each content: in Python 1, 1.0 and True are equal, as JSON they are not."""
    try:
        return json.dumps(content, sort_keys=True)
    except RecursionError:
        raise NotProven("its content is nested too deeply") from None


def _personal_in(topic: str, state: bytes) -> dict[str, str]:
    """The personal values in the bytes, sealed. Raises NotProven."""
    try:
        event, _ = decode(topic, state)
    except Exception:  # noqa: BLE001  # garbage, or of a newer hirelog
        raise NotProven("which personal values it holds cannot be read by this hirelog") from None
    return personal_values(event)


def _order(events: Iterable[BundledEvent]) -> Iterable[Failure]:
    position = version = 0
    for event in events:
        if event.version != version + 1:
            why = f"version {version + 1} should come here; events are missing or out of order"
            yield Failure(event.position, event.version, why)
        elif event.position <= position:
            yield Failure(event.position, event.version, "it stands before the one before it")
        position, version = event.position, event.version
