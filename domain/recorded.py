"""An event as it stands on record: what happened, its metadata, and the bytes that are stored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.utils import register_topic
from msgspec import Struct, StructMeta, structs

from domain.values import Moment, Personal, Purpose, to_utc

_EVENT_CLASSES: dict[str, type["Happened"]] = {}


class UnknownTopic(ValueError):  # noqa: N818  # the name of the situation
    """No event has this topic."""


class NewerEvent(ValueError):  # noqa: N818  # the name of the situation
    """The event was written by a newer hirelog than this one."""


class _Events(StructMeta):
    """Has the fields of all events given by their names, in whichever order they are declared."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any
    ) -> Any:
        return super().__new__(cls, name, bases, namespace, **(options | {"kw_only": True}))


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Happened(
    Struct,
    metaclass=_Events,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,  # no field holds what could hold it
):
    """Base of all events: what happened, in the past tense, never changed afterwards.

    TOPIC names the event in the store and on the wire for ever, wherever its class may move.
    When a class changes so that old events no longer fit, raise class_version and add a static
    method upcast_vN_vM that turns the older event's fields, as a dict, into the newer one's.
    """

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1
    _wire_name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "TOPIC" in cls.__dict__:
            register_topic(cls.TOPIC, cls)
            _EVENT_CLASSES[cls.TOPIC] = cls
            stream, _, name = cls.TOPIC.partition(".")
            cls._wire_name = name if stream == "candidate" else f"{stream}-{name}"

    @classmethod
    def wire_name(cls) -> str:
        """The kebab-case name, such as `returned-to-pool` or, of a job's event, `job-closed`."""
        return cls._wire_name


class Metadata(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Who did it, why, through what, and the two times: in the world and on our record.

    `command_digest` is a keyed digest of what was asked for under an Idempotency-Key; another
    command under the same id is noticed by it.
    """

    actor: str
    on_behalf_of: str | None = None
    reason: str | None = None
    command_id: UUID
    command_digest: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    occurred_at: Moment
    recorded_at: Moment
    provenance: str = "api"
    broken_rules: tuple[str, ...] = ()


class Recorded(Struct, frozen=True, eq=False, gc=False):
    """An event on a stream.

    `originator_id` and `originator_version` are the library's names for the candidate or job and
    for the event's number on its stream, from 1. `position` is its place in the whole log, 0 while
    it has none; two that differ in nothing else are equal.
    """

    originator_id: UUID
    originator_version: int
    event: Happened
    metadata: Metadata
    position: int = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recorded):
            return NotImplemented
        return self._without_position() == other._without_position()

    def __hash__(self) -> int:
        return hash(self._without_position())

    def _without_position(self) -> tuple[UUID, int, Happened, Metadata]:
        return self.originator_id, self.originator_version, self.event, self.metadata


E = TypeVar("E", bound=Happened)


class _Stored(Struct, Generic[E], forbid_unknown_fields=True, omit_defaults=True):
    event: E
    metadata: Metadata
    class_version: int = 1


def event_classes() -> Mapping[str, type[Happened]]:
    """Every event there is, by topic."""
    return _EVENT_CLASSES


def event_class_of(topic: str) -> type[Happened]:
    """The class of our events that has this topic, and of no others. Raises UnknownTopic."""
    try:
        return _EVENT_CLASSES[topic]
    except KeyError:
        raise UnknownTopic(f"there is no event {topic!r}") from None


@cache
def _stored_as(topic: str) -> tuple[int, bool, msgspec.json.Decoder[_Stored[Any]]]:
    event_class = event_class_of(topic)
    stored = _Stored[event_class]  # type: ignore[valid-type]  # known at run time only
    has_moments = bool(_moments(event_class))
    return event_class.class_version, has_moments, msgspec.json.Decoder(stored)


@cache
def personal_fields(event_class: type[Happened]) -> Mapping[str, Purpose]:
    """The fields of an event that identify a person, each with its purpose."""
    hints = get_type_hints(event_class, include_extras=True)
    return {
        name: mark.purpose
        for name in event_class.__struct_fields__
        for mark in getattr(hints[name], "__metadata__", ())
        if isinstance(mark, Personal)
    }


def personal_values(event: Happened) -> dict[str, str]:
    """The personal fields of the event that have a value; REDACTED where it was erased."""
    fields = personal_fields(type(event))
    return {name: value for name in fields if (value := getattr(event, name)) is not None}


def holds_personal_values(event: Happened) -> bool:
    """Whether any personal field of the event has a value."""
    fields = personal_fields(type(event))
    return any(getattr(event, name) is not None for name in fields)


def told(event: Happened) -> dict[str, Any]:
    """The fields of the event that have a value, by name, each as it stands in JSON."""
    fields = structs.asdict(event)
    told: dict[str, Any] = msgspec.to_builtins({k: v for k, v in fields.items() if v is not None})
    return told


def disclosed(metadata: Metadata) -> dict[str, Any]:
    """All of it that others are told, by name: not the digest of the command."""
    return {name: v for name, v in structs.asdict(metadata).items() if name != "command_digest"}


def encode(event: Happened, metadata: Metadata) -> bytes:
    """The bytes to store, UTF-8 JSON; personal fields must be sealed already.

    Moments are stored in UTC. Raises ValueError for one without a zone.
    """
    stored = _Stored(in_utc(event), in_utc(metadata), type(event).class_version)
    return _ENCODER.encode(stored)


_ENCODER = msgspec.json.Encoder()


def decode(topic: str, state: bytes) -> tuple[Happened, Metadata]:
    """The event and metadata of stored bytes, personal fields still sealed.

    Raises UnknownTopic, NewerEvent, or another ValueError for bytes that are not such an event.
    """
    class_version, has_moments, decoder = _stored_as(topic)
    if class_version == 1:
        stored = decoder.decode(state)
    else:
        data = msgspec.json.decode(state)
        event_class = event_class_of(topic)
        data["event"] = upcast(event_class, data["event"], data.get("class_version", 1))
        stored = msgspec.convert(data, decoder.type)
    if stored.class_version > class_version:
        raise NewerEvent(
            f"{topic} of class version {stored.class_version} is on record, this hirelog reads "
            f"{class_version}; install the newer hirelog"
        )
    event, metadata = stored.event, stored.metadata
    # They nearly always are in UTC, and a rebuild reads every event there is.
    if metadata.occurred_at.tzinfo is not UTC or metadata.recorded_at.tzinfo is not UTC:
        metadata = in_utc(metadata)
    return in_utc(event) if has_moments else event, metadata


R = TypeVar("R", Happened, Metadata)


def in_utc(record: R) -> R:
    """The same with its moments in UTC.

    Raises ValueError for one without a zone, or outside of the years 1 to 9999.
    """
    for name in _moments(type(record)):
        moment = getattr(record, name)
        if moment is not None and moment.tzinfo is not UTC:
            try:
                record = structs.replace(record, **{name: to_utc(moment)})
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
    return record


@cache
def _moments(record: type[Happened | Metadata]) -> tuple[str, ...]:
    hints = get_type_hints(record)
    return tuple(
        name for name in record.__struct_fields__ if hints[name] in (datetime, datetime | None)
    )


def upcast(event_class: type[Happened], fields: dict[str, Any], from_version: int) -> Any:
    """The fields of an event of an older class version as the present one has them."""
    for version in range(from_version, event_class.class_version):
        fields = getattr(event_class, f"upcast_v{version}_v{version + 1}")(fields)
    return fields
