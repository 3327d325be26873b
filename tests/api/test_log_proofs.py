"""The log's proofs over HTTP hold, and a witness notices a log that is not continued."""

from base64 import b64decode
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.database import CannotStart
from api.proof import signing, witness
from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from projections.compliance_audit.merkle import checkpoint, tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint, InclusionProof
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.note import VerifierKey
from projections.compliance_audit.merkle.stored import verifier_key
from tests.api.talk import get
from tests.databases import Database
from tests.projections.poison import append

AT = "/v1/audit/log"


def grow(system: System, events: int) -> VerifierKey:
    """So many events more, sealed."""
    append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * events)
    with system.pool.connection() as connection:
        signing.sealer(system.settings, connection).seal(connection)
        key = verifier_key(connection)
    assert key is not None
    return key


def data(hashes: list[str]) -> list[bytes]:
    return [b64decode(each) for each in hashes]


def last(http: httpx.Client, key: VerifierKey) -> Checkpoint:
    told = get(http, f"{AT}/checkpoint")
    made = checkpoint.opened(told["note"], key)
    assert (told["origin"], told["size"]) == (made.origin, made.size)
    assert b64decode(told["root"]) == made.root
    return made


def test_the_metrics_tell_how_much_is_not_sealed(http: httpx.Client, system: System) -> None:
    grow(system, 5)
    append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 2)
    assert "hirelog_log_unsealed_events 2.0" in http.get("/metrics").text


def test_what_is_proven_over_http_holds(http: httpx.Client, system: System) -> None:
    key = grow(system, 5)
    old = last(http, key)
    grow(system, 4)
    new = last(http, key)
    assert (old.size, new.size) == (5, 9)
    for position in range(1, 10):
        told = get(http, f"{AT}/inclusion", position=position)
        (leaf,) = data([told["leaf_hash"]])
        tree.verify_inclusion(told["index"], told["size"], leaf, data(told["proof"]), new.root)
        assert InclusionProof.parse(told["tlog_proof"]).verify(leaf, key) == new
    told = get(http, f"{AT}/consistency", size1=5, size2=9)
    tree.verify_consistency(5, 9, old.root, new.root, data(told["proof"]))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("inclusion?position=6", 404, "not-sealed"),
        ("inclusion?position=9223372036854775807", 404, "not-sealed"),
        ("inclusion?position=0", 422, "invalid-request"),
        ("inclusion?position=-1", 422, "invalid-request"),
        ("inclusion?position=9223372036854775808", 422, "invalid-request"),
        ("inclusion", 422, "invalid-request"),
        ("consistency?size1=0&size2=5", 422, "invalid-request"),
        ("consistency?size1=5&size2=4", 422, "no-proof"),
        ("consistency?size1=5&size2=6", 404, "not-sealed"),
        ("consistency?size1=a&size2=6", 422, "invalid-request"),
    ],
)
def test_what_cannot_be_proven_is_refused(
    http: httpx.Client, system: System, path: str, status: int, code: str
) -> None:
    grow(system, 5)
    answer = http.get(f"{AT}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["checkpoint", "inclusion?position=1"])
def test_an_empty_log_has_no_checkpoint(http: httpx.Client, path: str) -> None:
    answer = http.get(f"{AT}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-sealed")


def test_a_forged_checkpoint_is_not_handed_out(
    http: httpx.Client, system: System, database: Database
) -> None:
    grow(system, 5)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE hirelog.log_checkpoints SET note = replace(note, '5', '6')")
    answer = http.get(f"{AT}/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (500, "log-altered")


# Witnesses


def observe(http: httpx.Client, key: VerifierKey, kept: Path) -> tuple[Any, Any]:
    api_key = http.headers["Authorization"].removeprefix("Bearer ")
    with witness.at(str(http.base_url), api_key) as log:
        old, new = witness.observe(log, key, kept)
    return old and old.size, new.size


def test_a_witness_keeps_what_continues(http: httpx.Client, system: System, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    key = grow(system, 5)
    assert observe(http, key, kept) == (None, 5)
    assert observe(http, key, kept) == (5, 5)
    grow(system, 300)
    assert observe(http, key, kept) == (5, 305)
    assert checkpoint.opened(kept.read_text(), key).size == 305


@pytest.mark.parametrize(
    ("after", "said"), [(4, "rolled back"), (5, "does not continue"), (9, "does not continue")]
)
def test_a_witness_notices_a_log_that_was_replaced(
    *, http: httpx.Client, system: System, database: Database, tmp_path: Path, after: int, said: str
) -> None:
    kept = tmp_path / "kept"
    key = grow(system, 5)
    observe(http, key, kept)
    before = kept.read_text()
    with psycopg.connect(database.superuser) as connection:
        connection.execute("TRUNCATE hirelog.events, hirelog.log_checkpoints, hirelog.log_subtrees")
    (system.settings.data_dir / signing.LAST_CHECKPOINT_FILE).unlink()  # who has the machine, too
    grow(system, after)
    with pytest.raises(NotProven, match=said):
        observe(http, key, kept)
    assert kept.read_text() == before


def test_a_witness_says_that_nobody_answers(tmp_path: Path, http: httpx.Client) -> None:
    for url in ("http://127.0.0.1:1", "nonsense", "http://[", f"{http.base_url}/nowhere"):
        with pytest.raises(CannotStart), witness.at(url, None):
            pass
