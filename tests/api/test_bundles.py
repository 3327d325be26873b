"""A bundle proves a candidate's history to whoever has the key, and nothing else."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.proof import bundles, signing
from api.wiring import System
from domain import sealed
from domain.candidate.events import Contacted, Noted, Sourced
from domain.errors import CandidateNotFound
from domain.values import Channel, Origin, Purpose
from projections.compliance_audit.merkle import bundle, stored
from projections.compliance_audit.merkle.checkpoint import InclusionProof
from projections.compliance_audit.merkle.encoding import NotProven, from_base64, to_base64
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from tests.databases import Database
from tests.projections.poison import append
from tests.projections.rebuilding import add_garbage

Json = dict[str, Any]


@pytest.fixture
def person(system: System) -> UUID:
    person = uuid4()
    for version in range(1, 6):
        name = f"Ada {version}"
        append(system, person, version, Sourced(origin=Origin.SOURCED, source="Fair", name=name))
        append(system, uuid4(), 1, Sourced(origin=Origin.SOURCED, source="Fair"))
    return person


@pytest.fixture
def made(system: System, person: UUID) -> str:
    return bundles.export(system, person, with_personal=True).model_dump_json()


@pytest.fixture
def key(system: System, made: str) -> VerifierKey:
    with system.pool.connection() as connection:
        key = stored.verifier_key(connection)
    assert key is not None
    return key


def failures(document: Json, key: VerifierKey) -> list[str]:
    return [str(each) for each in bundle.verify(json.dumps(document), key).failures]


def test_a_whole_history_is_proven(made: str, key: VerifierKey, person: UUID) -> None:
    found = bundle.verify(made, key)
    assert found.failures == []
    assert found.bundle.candidate == person
    assert [event.version for event in found.bundle.events] == [1, 2, 3, 4, 5]
    assert [event.personal for event in found.bundle.events][:1] == [{"name": "Ada 1"}]
    assert (found.checkpoint.size, found.personal_values) == (10, 0)


def test_each_event_can_be_verified_by_others_from_its_bytes_and_its_proof(
    made: str, key: VerifierKey, person: UUID
) -> None:
    event = json.loads(made)["events"][2]
    topic, state = event["topic"].encode(), from_base64(event["state"], "state")
    leaf = b"hirelog event v1\0" + event["position"].to_bytes(8) + person.bytes
    leaf += event["version"].to_bytes(8) + len(topic).to_bytes(4) + topic + sha256(state).digest()
    InclusionProof.parse(event["proof"]).verify(sha256(b"\0" + leaf).digest(), key)


def test_a_bundle_without_personal_values_holds_none(system: System, person: UUID) -> None:
    made = bundles.export(system, person, with_personal=False)
    assert "Ada" not in made.model_dump_json()
    assert made.events[0].personal == {}


def test_who_is_not_on_record_has_no_bundle(system: System) -> None:
    with pytest.raises(CandidateNotFound):
        bundles.export(system, uuid4(), with_personal=True)


def test_an_altered_event_fails_in_its_bundle(
    system: System, database: Database, person: UUID, key: VerifierKey
) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "UPDATE hirelog.events SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            " 'Fair', 'Farm'), 'UTF8') WHERE originator_id = %s AND originator_version = 3",
            (person,),
        )
    made = bundles.export(system, person, with_personal=True)
    assert failures(json.loads(made.model_dump_json()), key) == [
        "event 3 (position 5): the inclusion proof of leaf 4 does not lead to the root"
    ]


def event(number: int, **changed: Any) -> Callable[[Json], None]:
    return lambda document: document["events"][number].update(changed)


def flip_state(document: Json) -> None:
    event = document["events"][1]
    state = bytearray(from_base64(event["state"], "state"))
    state[-9] ^= 1
    event["state"] = to_base64(bytes(state))


def swap(document: Json) -> None:
    events = document["events"]
    events[1], events[2] = events[2], events[1]


def swap_proofs(document: Json) -> None:
    events = document["events"]
    events[1]["proof"], events[2]["proof"] = events[2]["proof"], events[1]["proof"]


@pytest.mark.parametrize(
    ("alter", "failing"),
    [
        (flip_state, {2}),
        (event(1, state=""), {2}),
        (event(1, state="***"), {2}),
        (event(1, topic="candidate.hired"), {2}),
        (event(1, position=4), {2}),
        (event(1, version=7), {7, 3}),
        (event(1, content={"event": {}}), {2}),
        (event(1, proof=""), {2}),
        (swap, {2, 3, 4}),
        (swap_proofs, {2, 3}),
        (lambda document: document["events"].pop(0), {2}),
        (lambda document: document["events"].pop(2), {4}),
        (lambda document: document["events"].append(document["events"][4]), {5}),
        (lambda document: document.update(candidate=str(UUID(int=1))), {1, 2, 3, 4, 5}),
    ],
)
def test_it_is_said_which_event_of_an_altered_bundle_fails(
    made: str, key: VerifierKey, alter: Callable[[Json], None], failing: set[int]
) -> None:
    document = json.loads(made)
    alter(document)
    found = bundle.verify(json.dumps(document), key)
    assert {each.version for each in found.failures} == failing


@pytest.mark.parametrize(
    "alter",
    [
        lambda document: document.update(format="hirelog-audit-bundle/v2"),
        lambda document: document.update(more=1),
        lambda document: document.update(events=[]),
        lambda document: document.pop("checkpoint"),
        lambda document: document.update(checkpoint=document["checkpoint"].replace("10", "11")),
        lambda document: document.update(candidate="Ada"),
        lambda document: document.update(candidate=document["candidate"].upper()),
        event(0, position="1"),
        event(0, position=0),
        event(0, position=2**63),
        event(0, version=True),
    ],
)
def test_what_is_no_bundle_is_refused(
    made: str, key: VerifierKey, alter: Callable[[Json], None]
) -> None:
    document = json.loads(made)
    alter(document)
    with pytest.raises(NotProven):
        bundle.verify(json.dumps(document), key)


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        ('"format"', '"candidate":"Ada","format"'),
        ('"position"', '"position":7,"position"'),
        ('"personal":{', '"personal":{"name":"Eve",'),
        ('"origin":', '"ori\\u0067in":"applied","origin":'),
    ],
)
def test_a_key_that_stands_twice_is_refused(
    made: str, key: VerifierKey, once: str, twice: str
) -> None:
    with pytest.raises(NotProven, match="twice in one object"):
        bundle.verify(made.replace(once, twice, 1), key)


def test_a_bundle_with_another_key_than_the_given_one_fails(made: str, key: VerifierKey) -> None:
    document = json.loads(made)
    document["verifier_key"] = str(Signer(key.name, b"t" * 32).key)
    assert failures(document, key) == ["the verifier key in it is not the one that was given"]


@pytest.mark.parametrize("name", ["nickname", "phone", "source"])
def test_a_personal_value_that_the_bytes_do_not_hold_fails(
    made: str, key: VerifierKey, name: str
) -> None:
    document = json.loads(made)
    document["events"][1]["personal"][name] = "invented"
    assert failures(document, key) == [
        f"event 2 (position 3): the stored bytes hold no personal value called {name}"
    ]


def other_name(event: Json, _: Json) -> None:
    event["personal"]["name"] = "Eve 2"


def without_key(event: Json, _: Json) -> None:
    del event["keys"]["name"]


def key_of_another(event: Json, other: Json) -> None:
    event["keys"]["name"] = other["keys"]["name"]


def value_and_key_of_another(event: Json, other: Json) -> None:
    event["personal"], event["keys"] = other["personal"], other["keys"]


def without_value(event: Json, _: Json) -> None:
    del event["personal"]["name"]


@pytest.mark.parametrize(
    "alter", [other_name, without_key, key_of_another, value_and_key_of_another, without_value]
)
def test_a_personal_value_is_proven_by_a_key_of_its_own(
    made: str, key: VerifierKey, alter: Callable[[Json, Json], None]
) -> None:
    document = json.loads(made)
    alter(document["events"][1], document["events"][2])
    (failure,) = failures(document, key)
    assert failure.startswith("event 2 (position 3): ")
    assert "name" in failure


def test_values_of_before_they_had_keys_are_read_and_not_proven(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seal(key: bytes, candidate: UUID, purpose: Purpose, field: str, value: str) -> str:
        nonce, at = b"n" * 12, sealed.place(candidate, purpose, field)
        data = nonce + AESGCM(key).encrypt(nonce, value.encode(), at)
        return f"{purpose}:{to_base64(data)}"

    monkeypatch.setattr(sealed, "seal", seal)
    person = uuid4()
    append(system, person, 1, Sourced(origin=Origin.SOURCED, source="Fair", name="Ada Ruiz"))
    made = bundles.export(system, person, with_personal=True)
    assert (made.events[0].personal, made.events[0].keys) == ({"name": "Ada Ruiz"}, {})
    with system.pool.connection() as connection:
        verifier_key = stored.verifier_key(connection)
    assert verifier_key is not None
    found = bundle.verify(made.model_dump_json(), verifier_key)
    assert (found.failures, found.personal_values) == ([], 1)


def test_no_personal_value_is_taken_of_bytes_that_are_no_event(
    system: System, database: Database, person: UUID, key: VerifierKey
) -> None:
    add_garbage(database, person)
    made = bundles.export(system, person, with_personal=False)
    document = json.loads(made.model_dump_json())
    assert failures(document, key) == []
    document["events"][5]["personal"]["text"] = "invented"
    assert failures(document, key) == [
        "event 6 (position 11): which personal values it holds cannot be read by this hirelog"
    ]


@pytest.mark.parametrize("other", [True, 1.0])
def test_content_is_compared_as_json(
    system: System, person: UUID, key: VerifierKey, other: Any
) -> None:
    append(system, person, 6, Contacted(message_id="m", channel=Channel.EMAIL, step=1))
    document = json.loads(bundles.export(system, person, with_personal=True).model_dump_json())
    assert failures(document, key) == []
    document["events"][5]["content"]["event"]["step"] = other
    assert failures(document, key) == [
        "event 6 (position 11): its content is not what the stored bytes say"
    ]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", b"\xff", "[" * 100_000])
def test_garbage_is_refused(key: VerifierKey, text: str | bytes) -> None:
    with pytest.raises(NotProven):
        bundle.verify(text, key)


def test_another_key_proves_nothing(made: str, key: VerifierKey) -> None:
    with pytest.raises(NotProven):
        bundle.verify(made, Signer(key.name, b"t" * 32).key)


def test_an_export_of_a_log_that_was_cut_off_is_refused(
    system: System, database: Database, person: UUID, made: str
) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute("DELETE FROM hirelog.events WHERE notification_id > 7")
    with pytest.raises(stored.Altered, match="ends at position 7"):
        bundles.export(system, person, with_personal=False)


def test_a_key_is_needed_to_seal_what_is_exported(system: System, person: UUID) -> None:
    append(system, person, 6, Noted(text="Kind"))
    made = bundles.export(system, person, with_personal=True)
    with system.pool.connection() as connection:
        assert signing.sealer(system.settings, connection)
        signed = stored.latest(connection)
    assert signed is not None
    assert made.checkpoint == signed.note
