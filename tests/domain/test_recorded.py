"""Events as they are stored: topics, bytes, upcasting, moments, and the marks of personal data."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import pytest
from msgspec import DecodeError, ValidationError, structs

from domain.candidate import events as e
from domain.job_events import JobClosed
from domain.recorded import (
    Happened,
    Metadata,
    NewerEvent,
    UnknownTopic,
    decode,
    encode,
)
from domain.values import Channel, ConsentPurpose, Origin, Purpose, RejectionType
from tests.scenario import by, day, event_classes, example, sourced

CLASSES = event_classes()
EACH_CLASS = pytest.mark.parametrize("event_class", CLASSES, ids=lambda each: each.TOPIC)

METADATA = Metadata(
    actor="rita",
    command_id=UUID(int=1),
    occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    recorded_at=datetime(2026, 1, 6, 9, 30, 0, 250_000, tzinfo=UTC),
)
STORED_METADATA = (
    '{"actor":"rita","command_id":"00000000-0000-0000-0000-000000000001",'
    '"occurred_at":"2026-01-05T09:00:00Z","recorded_at":"2026-01-06T09:30:00.250000Z"}'
)

_ID = "a0000000-0000-4000-8000-000000000001"
_OF = f'"application_id":"{_ID}","job_id":"{_ID}","job_title":"t"'
_DETAILS = '"name":"n","email":"e","phone":"p","location":"l","headline":"h","url":"u"'

# Events of each topic as they are on record since the first day. What is stored once is read for
# ever: never change a line, also not when a class gets a new version. A new field gets a new line.
STORED = {
    "candidate.sourced": f'{{{_DETAILS},"origin":"sourced","source":"s","job_id":"{_ID}",'
    '"job_title":"t"}',
    "candidate.contacted": '{"message_id":"m","channel":"email","sequence":"q","step":2,'
    f'{_OF},"subject":"s","text":"x"}}',
    "candidate.opened": '{"message_id":"m"}',
    "candidate.clicked": '{"message_id":"m"}',
    "candidate.replied": '{"message_id":"m","channel":"phone","text":"x"}',
    "candidate.applied": f'{{{_DETAILS},{_OF},"stage":"A","origin":"applied","source":"s"}}',
    "candidate.advanced": f'{{{_OF},"from_stage":"A","to_stage":"B","direction":"forward"}}',
    "candidate.offered": f'{{{_OF},"stage":"A","offer_version":1,'
    '"expires_at":"2026-02-01T00:00:00Z","terms":"x"}',
    "candidate.offer-accepted": f'{{{_OF},"stage":"A","offer_version":1}}',
    "candidate.offer-declined": f'{{{_OF},"stage":"A","offer_version":1}}',
    "candidate.hired": f'{{{_OF},"stage":"A"}}',
    "candidate.rejected": f'{{{_OF},"stage":"A","rejection_type":"we-rejected","comment":"x"}}',
    "candidate.reinstated": f'{{{_OF},"stage":"A","from_status":"rejected"}}',
    "candidate.withdrawn": f'{{{_OF},"stage":"A"}}',
    "candidate.returned-to-pool": f'{{"pool":"p",{_OF},"stage":"A","from_status":"active"}}',
    "candidate.profile-updated": f'{{{_DETAILS},"removed":["url"]}}',
    "candidate.noted": f'{{{_OF},"text":"x"}}',
    "candidate.consent-granted": '{"purpose":"outreach","expires_at":"2026-02-01T00:00:00Z",'
    '"said_before":"withdrawn"}',
    "candidate.consent-withdrawn": '{"purpose":"retention","said_before":"granted"}',
    "candidate.unsubscribed": '{"channel":"email"}',
    "candidate.held": (
        f'{{"hold_id":"{_ID}","legal_reference":"r","expires_at":"2026-02-01T00:00:00Z"}}'
    ),
    "candidate.hold-released": f'{{"hold_id":"{_ID}"}}',
    "candidate.erasure-requested": (
        f'{{"erasure_id":"{_ID}","legal_basis":"b","basis_version":"1","purposes":["contact"]}}'
    ),
    "candidate.erased": (
        f'{{"erasure_id":"{_ID}","purposes":["contact","evaluation","self-identification"]}}'
    ),
    "impact-report.published": (
        f'{{"report_id":"{_ID}","position":9,"checkpoint":"c","policy":"p","policy_version":"1",'
        '"json_sha256":"j","csv_sha256":"s","html_sha256":"h","smallest_group":10}'
    ),
    "job.opened": (
        '{"title":"t","department":"d","location":"l","openings":2,"hiring_managers":["k"]}'
    ),
    "job.stages-defined": '{"stages":["A","B"]}',
    "job.stages-changed": '{"from_stages":["A","B"],"to_stages":["A"]}',
    "job.hiring-managers-changed": ('{"from_hiring_managers":["k"],"to_hiring_managers":[]}'),
    "job.closed": "{}",
    "job.reopened": "{}",
    "self-identification.stated": '{"candidate_id":"s","answers":"s"}',
    "read-model.rebuild-begun": (
        '{"model":"m","model_version":1,"rebuild":2,"as_of":"2026-01-01T00:00:00Z",'
        '"as_of_by":"recorded"}'
    ),
    "read-model.rebuild-paused": '{"model":"m","model_version":1,"rebuild":2}',
    "read-model.rebuild-resumed": '{"model":"m","model_version":1,"rebuild":2}',
    "read-model.rebuild-abandoned": '{"model":"m","model_version":1,"rebuild":2}',
    "read-model.switched-back": '{"model":"m","model_version":1,"build":2}',
    "read-model.build-dropped": '{"model":"m","model_version":1,"build":2}',
    "read-model.parked-retried": f'{{"model":"m","model_version":1,"stream":"{_ID}"}}',
    "read-model.parked-skipped": (
        f'{{"model":"m","model_version":1,"stream":"{_ID}","topic":"job.closed","position":9}}'
    ),
}
# Lines of before a field was added.
OLDER = [
    ("job.opened", '{"title":"t","department":"d","location":"l","openings":2}'),
    ("candidate.contacted", f'{{"message_id":"m","channel":"email","application_id":"{_ID}"}}'),
    ("candidate.noted", f'{{"application_id":"{_ID}","text":"x"}}'),
    ("candidate.reinstated", f'{{{_OF},"stage":"A"}}'),
    ("candidate.returned-to-pool", f'{{"pool":"p",{_OF},"stage":"A"}}'),
    ("candidate.consent-granted", '{"purpose":"outreach","expires_at":"2026-02-01T00:00:00Z"}'),
    ("candidate.consent-withdrawn", '{"purpose":"retention"}'),
]

# What a field holds where the stored event does not tell; a changed default would alter history.
DEFAULTS: dict[str, dict[str, Any]] = {
    "candidate.profile-updated": {"removed": ()},
    "job.opened": {"openings": 1},
}


# Topics and bytes


def test_every_event_has_its_topic_for_ever() -> None:
    topics = [event_class.TOPIC for event_class in CLASSES]
    assert topics == sorted(STORED)


def test_no_two_events_share_a_topic() -> None:
    bases: list[type[Happened]] = [Happened]
    for base in bases:
        bases += [each for each in base.__subclasses__() if each not in bases]
    topics = [base.TOPIC for base in bases if "TOPIC" in vars(base)]
    assert len(topics) == len(set(topics))


@pytest.mark.parametrize(("topic", "line"), [*STORED.items(), *OLDER])
def test_what_is_on_record_is_read_and_would_be_stored_the_same(topic: str, line: str) -> None:
    state = f'{{"event":{line},"metadata":{STORED_METADATA}}}'.encode()
    event, metadata = decode(topic, state)
    assert topic == event.TOPIC
    assert metadata == METADATA
    if type(event).class_version == 1:
        assert json.loads(encode(event, metadata)) == json.loads(state)


def test_the_digest_of_a_command_is_stored_where_there_is_one() -> None:
    digest = "AAAAAAAAAAAAAAAAAAAAAA"
    line = STORED_METADATA.replace('"occurred_at"', f'"command_digest":"{digest}","occurred_at"')
    state = f'{{"event":{STORED["job.closed"]},"metadata":{line}}}'.encode()
    metadata = structs.replace(METADATA, command_digest=digest)
    assert decode("job.closed", state)[1] == metadata
    assert encode(JobClosed(), metadata) == state
    assert b"command_digest" not in encode(JobClosed(), METADATA)


@EACH_CLASS
def test_every_field_is_in_the_newest_line_of_its_event(event_class: type[Happened]) -> None:
    assert set(json.loads(STORED[event_class.TOPIC])) == set(event_class.__struct_fields__)


@EACH_CLASS
def test_fields_keep_their_order_which_answers_show(event_class: type[Happened]) -> None:
    line = list(json.loads(STORED[event_class.TOPIC]))
    assert [name for name in event_class.__struct_fields__ if name in line] == line


@EACH_CLASS
@pytest.mark.parametrize("full", [True, False], ids=["full", "sparse"])
def test_an_event_comes_back_as_it_went(event_class: type[Happened], full: bool) -> None:  # noqa: FBT001
    event = example(event_class, full=full)
    metadata = by(
        on_behalf_of="hiring team",
        reason='"Ünïcode" 🙂\n',
        command_digest="AAAAAAAAAAAAAAAAAAAAAA",
        correlation_id="c",
        causation_id="d",
        provenance="import b7",
        broken_rules=("unknown-stage", "no-offer"),
    )
    assert decode(event.TOPIC, encode(event, metadata)) == (event, metadata)


@EACH_CLASS
def test_what_was_left_out_reads_as_it_always_did(event_class: type[Happened]) -> None:
    event = example(event_class, full=False)
    assert {
        field.name: value
        for field in structs.fields(event_class)
        if not field.required and (value := getattr(event, field.name)) is not None
    } == DEFAULTS.get(event_class.TOPIC, {})


def test_sparse_metadata_reads_as_it_always_did() -> None:
    assert (METADATA.provenance, METADATA.broken_rules) == ("api", ())
    unset = (METADATA.on_behalf_of, METADATA.reason, METADATA.command_digest)
    assert (*unset, METADATA.correlation_id, METADATA.causation_id) == (None,) * 5


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Origin, ["sourced", "applied", "referred", "agency", "internal", "university"]),
        (Channel, ["email", "phone", "sms", "social", "in-person", "post"]),
        (ConsentPurpose, ["outreach", "retention"]),
        (RejectionType, ["we-rejected", "candidate-withdrew", "unspecified"]),
        (Purpose, ["contact", "evaluation"]),
    ],
)
def test_words_that_are_on_record_stay_readable(kind: type[StrEnum], words: list[str]) -> None:
    assert [kind(word).value for word in words] == words


def test_an_unknown_topic_and_bytes_that_are_no_such_event_are_told_apart() -> None:
    state = encode(sourced(), METADATA)
    with pytest.raises(UnknownTopic):
        decode("candidate.promoted", state)
    for other in (b"", b"{}", state[:-1], state.replace(b"source", b"sauce")):
        with pytest.raises(DecodeError):
            decode("candidate.sourced", other)


def test_an_event_never_changes() -> None:
    with pytest.raises(AttributeError):
        sourced().source = "elsewhere"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        METADATA.actor = "someone"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("candidate.returned-to-pool", "returned-to-pool"),
        ("candidate.sourced", "sourced"),
        ("job.closed", "job-closed"),
        ("job.stages-changed", "job-stages-changed"),
    ],
)
def test_the_wire_name_of_a_job_s_event_says_so(topic: str, name: str) -> None:
    assert {each.TOPIC: each.wire_name() for each in CLASSES}[topic] == name


# Upcasting


class Promoted(Happened):
    """An event that had one `title` first, then `old` and `new`, and since then a `grade` too."""

    TOPIC: ClassVar[str] = "test.promoted"
    class_version: ClassVar[int] = 3

    old: str | None
    new: str
    grade: int

    @staticmethod
    def upcast_v1_v2(fields: dict[str, Any]) -> dict[str, Any]:
        """The old title was not kept."""
        return {"old": None, "new": fields["title"]}

    @staticmethod
    def upcast_v2_v3(fields: dict[str, Any]) -> dict[str, Any]:
        """Nobody had a grade."""
        return {**fields, "grade": 0}


class Moved(Happened):
    """An event whose field got another name in version 2."""

    TOPIC: ClassVar[str] = "test.moved"
    class_version: ClassVar[int] = 2

    to: str

    @staticmethod
    def upcast_v1_v2(fields: dict[str, Any]) -> dict[str, Any]:
        """It was `destination` first."""
        return {"to": fields["destination"]}


def stored(event: str, version: int | None = None) -> bytes:
    suffix = f',"class_version":{version}' if version else ""
    return f'{{"event":{event},"metadata":{STORED_METADATA}{suffix}}}'.encode()


def test_an_event_of_an_older_version_of_its_class_is_upcast() -> None:
    assert decode("test.moved", stored('{"destination":"Rome"}')) == (Moved(to="Rome"), METADATA)


def test_every_step_to_the_present_version_is_taken_and_none_twice() -> None:
    versions = [
        stored('{"title":"Lead"}'),
        stored('{"old":null,"new":"Lead"}', 2),
        stored('{"old":null,"new":"Lead","grade":0}', 3),
    ]
    for state in versions:
        assert decode("test.promoted", state) == (Promoted(old=None, new="Lead", grade=0), METADATA)


def test_an_event_is_stored_with_the_version_of_its_class() -> None:
    event = Promoted(old="Junior", new="Senior", grade=2)
    assert json.loads(encode(event, METADATA))["class_version"] == 3
    assert decode("test.promoted", encode(event, METADATA)) == (event, METADATA)


def test_an_older_event_that_fits_no_upcast_is_no_such_event() -> None:
    with pytest.raises(ValidationError):
        decode("test.moved", stored('{"destination":"Rome"}', 2))


def test_an_event_of_a_newer_class_version_is_not_read_as_an_older_one() -> None:
    state = f'{{"event":{{"message_id":"m"}},"metadata":{STORED_METADATA},"class_version":7}}'
    with pytest.raises(NewerEvent, match="install the newer hirelog"):
        decode("candidate.opened", state.encode())


@pytest.mark.parametrize("missing", ["command_id", "occurred_at", "recorded_at", "actor"])
def test_metadata_that_lacks_who_which_or_when_is_no_event(missing: str) -> None:
    metadata = {k: v for k, v in json.loads(STORED_METADATA).items() if k != missing}
    state = json.dumps({"event": {"message_id": "m"}, "metadata": metadata})
    with pytest.raises(ValidationError, match=missing):
        decode("candidate.opened", state.encode())


# Moments


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 5, 9)  # noqa: DTZ001
    with pytest.raises(ValueError, match="occurred_at must have a zone"):
        encode(sourced(), by(occurred_at=naive))
    granted = e.ConsentGranted(purpose=ConsentPurpose.OUTREACH, expires_at=naive)
    with pytest.raises(ValueError, match="expires_at must have a zone"):
        encode(granted, METADATA)
    state = encode(sourced(), METADATA).replace(b"09:00:00Z", b"09:00:00")
    with pytest.raises(ValidationError, match="timezone"):
        decode("candidate.sourced", state)


@pytest.mark.parametrize(
    "given",
    ["2026-01-10T18:00:00+09:00", "2026-01-10T03:30:00-05:30", "2026-01-10T09:00:00Z"],
)
def test_a_moment_of_another_zone_is_kept_in_utc(given: str) -> None:
    state = encode(sourced(), by(occurred_at=datetime.fromisoformat(given)))
    assert json.loads(state)["metadata"]["occurred_at"] == "2026-01-10T09:00:00Z"
    for each in (state, state.replace(b"2026-01-10T09:00:00Z", given.encode())):
        occurred_at = decode("candidate.sourced", each)[1].occurred_at
        assert (occurred_at, occurred_at.tzinfo) == (day(5), UTC)


@pytest.mark.parametrize("given", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_utc_cannot_hold_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="within the years 1 to 9999"):
        encode(sourced(), by(occurred_at=datetime.fromisoformat(given)))
    state = encode(sourced(), METADATA).replace(b"2026-01-05T09:00:00Z", given.encode())
    with pytest.raises(ValueError, match="within the years 1 to 9999"):
        decode("candidate.sourced", state)
