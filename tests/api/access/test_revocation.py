"""A key that is revoked while its request goes on."""

import time
from uuid import UUID

import httpx

from api.access import keys, recognition
from api.wiring import System
from tests.api.talk import AsCaller, begin
from tests.api.test_batch import conversation, line, note


def test_a_batch_records_nothing_more(
    http: httpx.Client, system: System, as_caller: AsCaller
) -> None:
    candidate = begin(http)["id"]
    http.headers.update(as_caller("integration:mail"))
    with conversation(http) as send:
        assert send(line(note(candidate)))["status"] == 201
        with system.pool.connection() as connection:
            keys.revoke(connection, keys.listed(connection)[-1].key_id, by="ana")
        time.sleep(recognition.KNOWN_SECONDS)
        refused = send(line(note(candidate)))
    assert refused["problem"]["code"] == "not-permitted"
    assert len(list(system.recruiting.history(UUID(candidate)))) == 2


def test_a_database_that_only_reads_knows_callers(
    http: httpx.Client, system: System, as_caller: AsCaller
) -> None:
    caller = as_caller("admin:ada")
    with system.pool.connection() as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
    try:
        system.pool.drain()
        assert http.get("/v1/jobs", headers=caller).status_code == 200
    finally:
        with system.pool.connection() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER ROLE CURRENT_USER RESET default_transaction_read_only")
