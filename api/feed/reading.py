"""Reads the feed page by page for one caller."""

from collections.abc import Callable
from dataclasses import dataclass

from eventsourcing.persistence import MapperDeserialisationError
from pydantic import BaseModel, Field

from api.feed.cloudevents import CloudEvent, cloud_event
from api.wiring import System
from domain.recorded import Recorded
from projections.runtime import log
from projections.runtime.batch import Unreadable
from projections.runtime.feed import Choice, Row, stretch


class FeedPage(BaseModel):
    """The next changes, and how far the log was looked through for them."""

    items: list[CloudEvent]
    position: int = Field(
        examples=[1042],
        description="Everything up to here was looked through; the `after` of the next request.",
    )
    has_more: bool = Field(
        description="Whether the log goes on behind `position` already, chosen events or not."
    )


@dataclass(frozen=True)
class Feed:
    """What one caller chose, and whether the caller sees what identifies a person.

    `note` puts on record that one who sees that is given events.
    """

    system: System
    choice: Choice
    personal: bool
    note: Callable[[], None]

    def page(self, after: int, limit: int) -> FeedPage:
        """The next events, none perhaps; the position is behind `after` if there are any.

        Raises PositionAhead, and the library's MapperDeserialisationError where the next event
        cannot be read: whoever follows must not miss it.
        """
        with self.system.pool.connection() as connection:
            found = stretch(connection, self.choice, after, limit)
        if self.personal:
            self.system.keyring.load({stream for _, stream, *_ in found.rows})
        items, position = [], found.position
        for row in found.rows:
            try:
                recorded = self._read(row)
            except MapperDeserialisationError:
                if row[0] == after + 1:
                    raise
                position = row[0] - 1  # what lies before it is read all the same
                break
            if self._is_chosen(recorded):
                items.append(cloud_event(recorded, personal=self.personal))
        return FeedPage(items=items, position=position, has_more=position < found.head)

    def note_given(self, page: FeedPage) -> None:
        """To be called before a page is handed out, and only then. Raises TooManyWaiting."""
        if page.items and self.personal:
            self.note()

    def _read(self, row: Row) -> Recorded:
        if self.personal:
            return self.system.recruiting.read_stored(*row)
        recorded = log.read(*row)  # sealed: no key is asked for
        if isinstance(recorded, Unreadable):
            raise MapperDeserialisationError(
                f"event {recorded.originator_version} of stream {recorded.originator_id} cannot "
                f"be read: {recorded.error}"
            )
        return recorded

    def _is_chosen(self, recorded: Recorded) -> bool:
        job = self.choice.job
        return job is None or job in {
            recorded.originator_id,
            getattr(recorded.event, "job_id", None),
        }
