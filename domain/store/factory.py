"""What the library's environment names: builds our recorder, mapper and keyring on one pool."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import AggregateRecorder, EventStore, Mapper, Recording, Transcoder
from eventsourcing.postgres import ConnectionPool, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from domain.recorded import holds_personal_values
from domain.store.keyring import Keyring
from domain.store.mapper import SealingMapper
from domain.store.recorder import Recorder

CONNINFO = "HIRELOG_CONNINFO"
MASTER_KEY = "HIRELOG_MASTER_KEY_BASE64"
GET_CONNECTION_SECONDS = 2.0
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
        """An event store that makes all keys that its events need at once."""
        return _KeyedEventStore(
            mapper or self.mapper(), recorder or self.application_recorder(), self.keyring
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


class _KeyedEventStore(EventStore[UUID]):
    def __init__(self, mapper: Mapper[UUID], recorder: AggregateRecorder, keyring: Keyring) -> None:
        super().__init__(mapper, recorder)
        self._keyring = keyring

    def put(self, domain_events: Sequence[Any], **kwargs: Any) -> list[Recording[UUID]]:
        self._keyring.provide(
            recorded.originator_id
            for recorded in domain_events
            if holds_personal_values(recorded.event)
        )
        return super().put(domain_events, **kwargs)


def connect_by(datastore: PostgresDatastore, conninfo: str, pool_size: int) -> None:
    """Puts a pool into the datastore that connects by all that the conninfo says."""
    datastore.pool.close()
    datastore.pool = ConnectionPool(
        conninfo,
        connection_class=Connection[DictRow],
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=pool_size,
        open=False,
        configure=datastore.after_connect_func(),
        timeout=GET_CONNECTION_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        check=ConnectionPool.check_connection,
    )
