"""An event as it stands on record: what happened, its metadata, and the bytes that are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Generic, NotRequired, TypeVar
from uuid import UUID

from eventsourcing.utils import register_topic
from pydantic import BaseModel, ConfigDict, TypeAdapter, with_config
from pydantic_core import from_json
from typing_extensions import TypedDict  # pydantic takes no other one before Python 3.12

from domain.values import Moment, Personal, Purpose

_EVENT_CLASSES: dict[str, type["Happened"]] = {}


class UnknownTopic(ValueError):  # noqa: N818  # the name of the situation
    """No event has this topic."""


class NewerEvent(ValueError):  # noqa: N818  # the name of the situation
    """The event was written by a newer hirelog than this one."""


class Happened(BaseModel):
    """Base of all events: what happened, in the past tense, never changed afterwards.

    TOPIC names the event in the store and on the wire for ever, wherever its class may move.
    When a class changes so that old events no longer fit, raise class_version and add a static
    method upcast_vN_vM that turns the older event's fields, as a dict, into the newer one's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "TOPIC" in cls.__dict__:
            register_topic(cls.TOPIC, cls)
            _EVENT_CLASSES[cls.TOPIC] = cls

    @classmethod
    def wire_name(cls) -> str:
        """The kebab-case name, such as `returned-to-pool` or, of a job's event, `job-closed`."""
        stream, _, name = cls.TOPIC.partition(".")
        return name if stream == "candidate" else f"{stream}-{name}"


class Metadata(BaseModel):
    """Who did it, why, through what, and the two times: in the world and on our record.

    `command_digest` is a keyed digest of what was asked for under an Idempotency-Key; another
    command under the same id is noticed by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event on a stream.

    `originator_id` and `originator_version` are the library's names for the candidate or job and
    for the event's number on its stream, from 1. `position` is its place in the whole log, 0 while
    it has none.
    """

    originator_id: UUID
    originator_version: int
    event: Happened
    metadata: Metadata
    position: int = field(default=0, compare=False)


E = TypeVar("E", bound=Happened)


# A dict, for one model less to make for each event that is read.
@with_config(ConfigDict(extra="forbid", cache_strings="none"))
class _Stored(TypedDict, Generic[E]):
    event: E
    metadata: Metadata
    class_version: NotRequired[int]


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
def _stored_as(topic: str) -> tuple[type[Happened], TypeAdapter[_Stored[Any]]]:
    event_class = event_class_of(topic)
    stored = _Stored[event_class]  # type: ignore[valid-type]  # known at run time only
    return event_class, TypeAdapter(stored)


@cache
def personal_fields(event_class: type[Happened]) -> Mapping[str, Purpose]:
    """The fields of an event that identify a person, each with its purpose."""
    return {
        name: mark.purpose
        for name, info in event_class.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, Personal)
    }


def personal_values(event: Happened) -> dict[str, str]:
    """The personal fields of the event that have a value; REDACTED where it was erased."""
    fields = personal_fields(type(event))
    return {name: value for name in fields if (value := getattr(event, name)) is not None}


def holds_personal_values(event: Happened) -> bool:
    """Whether any personal field of the event has a value."""
    return bool(personal_values(event))


def encode(event: Happened, metadata: Metadata) -> bytes:
    """The bytes to store, UTF-8 JSON; personal fields must be sealed already."""
    stored: _Stored[Any] = {"event": event, "metadata": metadata}
    if (class_version := type(event).class_version) > 1:
        stored["class_version"] = class_version
    return _stored_as(event.TOPIC)[1].dump_json(stored, exclude_defaults=True)


def decode(topic: str, state: bytes) -> tuple[Happened, Metadata]:
    """The event and metadata of stored bytes, personal fields still sealed.

    Raises UnknownTopic, NewerEvent, or pydantic's ValidationError for bytes that are not such an
    event.
    """
    event_class, adapter = _stored_as(topic)
    if event_class.class_version == 1:
        stored = adapter.validator.validate_json(state)
    else:
        data = from_json(state)
        data["event"] = upcast(event_class, data["event"], data.get("class_version", 1))
        stored = adapter.validate_python(data)
    if stored.get("class_version", 1) > event_class.class_version:
        raise NewerEvent(
            f"{topic} of class version {stored['class_version']} is on record, this hirelog reads "
            f"{event_class.class_version}; install the newer hirelog"
        )
    return stored["event"], stored["metadata"]


def upcast(event_class: type[Happened], fields: dict[str, Any], from_version: int) -> Any:
    """The fields of an event of an older class version as the present one has them."""
    for version in range(from_version, event_class.class_version):
        fields = getattr(event_class, f"upcast_v{version}_v{version + 1}")(fields)
    return fields
