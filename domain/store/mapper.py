"""The library's mapper for our events: personal fields sealed going in, opened coming out."""

from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent
from msgspec import structs

from domain.recorded import Happened, Recorded, decode, encode, personal_fields
from domain.store.keyring import InvalidTag, Keyring
from domain.store.sealing import Sealing


class SealingMapper(Mapper[UUID]):
    """Converts between Recorded and the stored bytes.

    Not a cipher of the library's: those never learn whose key to use.
    """

    keyring: Keyring

    def to_stored_event(self, domain_event: Any, sealing: Sealing | None = None) -> StoredEvent:
        """The bytes to store, with personal fields sealed by their candidate's keys.

        Raises TypeError for personal values without `sealing`: they are never stored in clear.
        """
        recorded: Recorded = domain_event
        event = recorded.event
        sealed = {}
        for field, purpose in personal_fields(type(event)).items():
            if (value := getattr(event, field)) is not None:
                if sealing is None:
                    raise TypeError(f"{event.TOPIC} holds personal values; use append_each")
                sealed[field] = sealing.seal(recorded.originator_id, purpose, field, value)
        if sealed:
            event = structs.replace(event, **sealed)
        return StoredEvent(
            originator_id=recorded.originator_id,
            originator_version=recorded.originator_version,
            topic=event.TOPIC,
            state=encode(event, recorded.metadata),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The event as Recorded; values whose key is destroyed read as redacted.

        Raises the library's MapperDeserialisationError for bytes that are no event of ours or were
        altered.
        """
        candidate_id = cast("UUID", stored_event.originator_id)
        try:
            event, metadata = decode(stored_event.topic, stored_event.state)
            event = self.opened(candidate_id, event)
        except (InvalidTag, ValueError) as error:
            raise MapperDeserialisationError(
                f"event {stored_event.originator_version} of stream {candidate_id} cannot be read: "
                f"{type(error).__name__}"
            ) from error
        return Recorded(
            candidate_id,
            stored_event.originator_version,
            event,
            metadata,
            position=getattr(stored_event, "id", 0),
        )

    def opened(self, candidate_id: UUID, event: Happened) -> Happened:
        """The same event with its sealed fields in clear."""
        fields = personal_fields(type(event))
        clear = {
            field: self.keyring.open(candidate_id, field, value)
            for field in fields
            if (value := getattr(event, field)) is not None
        }
        return structs.replace(event, **clear) if clear else event
