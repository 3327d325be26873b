"""What the library's environment names: builds our recorder, mapper and keyring on one pool."""

from base64 import b64decode
from collections.abc import Sequence
from time import monotonic
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import AggregateRecorder, EventStore, Mapper, Transcoder
from eventsourcing.postgres import ConnectionPool, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from domain.candidate.events import Erased
from domain.log import AppendingStore, Decided
from domain.recorded import holds_personal_values
from domain.store.keyring import DESTROYED, Keyring, NewKey
from domain.store.mapper import SealingMapper
from domain.store.recorder import Append, Recorder
from domain.store.sealing import Sealing
from domain.values import Purpose

CONNINFO = "HIRELOG_CONNINFO"
MASTER_KEY = "HIRELOG_MASTER_KEY_BASE64"
GET_CONNECTION_SECONDS = 2.0
UNCHECKED_SECONDS = 0.5
RECONNECT_SECONDS = 1.0  # then the next request tries anew, instead of a pause that grows


def environment(conninfo: str, master_key_base64: str, pool_size: int) -> dict[str, str]:
    """The library's environment for Recruiting on this database."""
    return {
        "PERSISTENCE_MODULE": "domain.store.factory:Factory",
        CONNINFO: conninfo,
        MASTER_KEY: master_key_base64,
        PostgresFactory.POSTGRES_POOL_SIZE: str(pool_size),
        # The library insists on these; the conninfo says it all.
        PostgresFactory.POSTGRES_DBNAME: "",
        PostgresFactory.POSTGRES_HOST: "",
        PostgresFactory.POSTGRES_USER: "",
        PostgresFactory.POSTGRES_PASSWORD: "",
        PostgresFactory.POSTGRES_SCHEMA: "hirelog",
    }


class Factory(PostgresFactory):
    """Takes its conninfo and master key from the environment that the composition root makes."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        connect_by(self.datastore, self.env[CONNINFO], int(self.env[self.POSTGRES_POOL_SIZE]))
        self.keyring = Keyring(b64decode(self.env[MASTER_KEY]), self.datastore)

    def application_recorder(self) -> Recorder:
        """Our recorder; its table comes from the migrations."""
        return Recorder(self.datastore)

    def event_store(
        self, mapper: Mapper[Any] | None = None, recorder: AggregateRecorder | None = None
    ) -> EventStore[Any]:
        """An event store that stores new keys together with the events that they seal."""
        return SealingEventStore(
            cast("SealingMapper", mapper or self.mapper()),
            cast("Recorder", recorder or self.application_recorder()),
            self.keyring,
        )

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        """Our mapper with the keyring."""
        mapper = super().mapper(transcoder, mapper_class or SealingMapper)
        if isinstance(mapper, SealingMapper):
            mapper.keyring = self.keyring
        return mapper


class SealingEventStore(AppendingStore):
    """Seals, appends, and remembers the keys that were stored with what they seal.

    An Erased event and the destruction of the keys that it names are one transaction.
    """

    mapper: SealingMapper
    recorder: Recorder

    def __init__(self, mapper: SealingMapper, recorder: Recorder, keyring: Keyring) -> None:
        super().__init__(mapper, recorder)
        self._keyring = keyring

    def append_each(self, decided: Sequence[Decided]) -> Sequence[Sequence[int] | None]:
        """Commits all in one transaction, each for itself, with new keys where they are needed."""
        events = [recorded for each in decided for recorded in each.events]
        begun = {each.originator_id for each in events if each.originator_version == 1}
        if len(events) > 1:  # or what is missing is read one by one
            self._keyring.load(
                each.originator_id
                for each in events
                if each.originator_id not in begun and holds_personal_values(each.event)
            )
        sealing = Sealing(self._keyring, begun)
        appends = []
        for each in decided:
            made_before = len(sealing.new)
            stored = [self.mapper.to_stored_event(event, sealing) for event in each.events]
            for recorded in each.events:
                if isinstance(recorded.event, Erased):
                    sealing.destroy(recorded.originator_id, recorded.event.purposes)
            appends.append(Append.of(stored, each.rests_on, sealing.new[made_before:]))
        answers = self.recorder.insert_each(appends)
        for append, positions in zip(appends, answers, strict=True):
            if positions is None:
                self._keyring.forget(append.rests_on)
                # Also of those who seemed to begin, in case of keys without events.
                self._keyring.load(key.candidate_id for key in append.keys)
            elif append.keys:
                sealing.keep({key.candidate_id for key in append.keys})
        return answers

    def destroy_keys(self, keys: Sequence[tuple[UUID, Purpose]]) -> None:
        """Destroys keys of streams that say nothing of it, as a deletion ledger names them."""
        gone = [NewKey(owner, purpose, DESTROYED) for owner, purpose in keys]
        self.recorder.insert_each([Append((), {}, gone)])
        self._keyring.forget(owner for owner, _ in keys)


def connect_by(datastore: PostgresDatastore, conninfo: str, pool_size: int) -> None:
    """Puts a pool into the datastore that connects by all that the conninfo says."""
    datastore.pool.close()
    datastore.pool = ConnectionPool(
        conninfo,
        connection_class=_Connection,
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=pool_size,
        open=False,
        configure=datastore.after_connect_func(),
        timeout=GET_CONNECTION_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        check=_check_after_rest,
        reset=_begin_rest,
    )


class _Connection(Connection[DictRow]):
    """A connection that knows since when nobody has used it."""

    rests_since = 0.0  # seconds, of time.monotonic()


def _begin_rest(connection: Connection[DictRow]) -> None:
    if isinstance(connection, _Connection):
        connection.rests_since = monotonic()


def _check_after_rest(connection: Connection[DictRow]) -> None:
    # Not each time: it costs a round trip, and what is lost a moment later is tried anew.
    if (
        isinstance(connection, _Connection)
        and monotonic() - connection.rests_since > UNCHECKED_SECONDS
    ):
        ConnectionPool.check_connection(connection)
