"""A candidate as an aggregate of the library's, with the fields of our events, in clear."""

from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

Fields = dict[str, str]


class Person(Aggregate):
    """Someone on record, declared as the library's documentation has it."""

    @event("Sourced")
    def __init__(
        self, metadata: Fields, source: str, name: str, email: str, origin: str = "sourced"
    ) -> None:
        self.origin = origin
        self.source = source
        self.details = {"name": name, "email": email}
        self.messages: Fields = {}

    @event("Contacted")
    def contacted(  # noqa: PLR0917  # the library asks for the event's fields like this
        self,
        metadata: Fields,
        message_id: str,
        channel: str,
        sequence: str,
        step: int,
        subject: str,
    ) -> None:
        """We wrote to the person."""
        self.messages[message_id] = channel

    @event("Opened")
    def opened(self, metadata: Fields, message_id: str) -> None:
        """They opened a message."""

    @event("Clicked")
    def clicked(self, metadata: Fields, message_id: str) -> None:
        """They followed a link."""

    @event("Replied")
    def replied(self, metadata: Fields, message_id: str, text: str, channel: str = "email") -> None:
        """They answered."""

    @event("Noted")
    def noted(self, metadata: Fields, text: str) -> None:
        """Someone wrote down what they observed."""

    @event("ProfileUpdated")
    def profile_updated(self, metadata: Fields, phone: str, headline: str) -> None:
        """Details changed."""
        self.details |= {"phone": phone, "headline": headline}


class People(Application[UUID]):
    """The application that saves them."""

    name = "people"

    def new(self) -> "OnRecord":
        """Someone who is not on record yet."""
        return OnRecord(self)


class OnRecord:
    """A person in the memory of the one writer that works on them."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._person: Person | None = None

    def take(self, what: str, fields: Fields, metadata: Fields) -> None:
        """One command: one event, saved."""
        if self._person is None:
            self._person = Person(metadata=metadata, **fields)
        else:
            getattr(self._person, what.replace("-", "_"))(metadata=metadata, **fields)
        self._people.save(self._person)
