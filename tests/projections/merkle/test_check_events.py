"""An event that was altered by hand is detected and located."""

from uuid import uuid4

import pytest

from api.wiring import System
from domain.candidate.events import Sourced
from domain.values import Origin
from projections.compliance_audit.merkle.findings import Report
from projections.compliance_audit.merkle.stored import Altered
from tests.databases import Database
from tests.projections.merkle.sealed import AT, FLIP, SIZES, Sealed, insert, renumber, swap
from tests.projections.poison import append
from tests.projections.rebuilding import add_garbage


def test_a_log_that_nobody_touched_is_intact(sealed: Sealed) -> None:
    report = sealed.check(*sealed.kept)
    assert report.findings == []
    assert (report.events, report.sealed, report.checkpoints) == (530, 530, 4)
    assert [each.size for each in sealed.kept] == SIZES


def test_events_that_no_read_model_can_take_are_sealed_as_all_others(
    system: System, sealed: Sealed
) -> None:
    append(system, person := uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 2)
    position = add_garbage(sealed.database, person)
    covered = sealed.seal()
    assert covered is not None
    assert covered.size == position
    assert sealed.found() == []


def test_an_empty_log_is_not_signed(database: Database) -> None:
    empty = Sealed(database, [])
    assert empty.seal() is None
    assert empty.check() == Report()


ALTERED = "the event was altered or replaced"


@pytest.mark.parametrize("position", [1, 3, 4, 5, 256, 257, 300, 301, 529, 530])
def test_a_flipped_bit_is_located(sealed: Sealed, position: int) -> None:
    sealed.by_hand(FLIP + AT, 77, 77, position)
    report = sealed.check()
    assert [str(each) for each in report.findings] == [f"position {position}: {ALTERED}"]
    assert report.sealed == max(size for size in [0, *SIZES] if size < position)


@pytest.mark.parametrize(
    "change",
    [
        "topic = 'candidate.noted'",
        "topic = topic || ' '",
        "originator_id = '00000000-0000-0000-0000-000000000001'",
        "originator_version = originator_version + 7000",
        "originator_version = -1",
        "state = ''",
        "state = state || '\\x00'",
    ],
)
def test_every_column_is_covered(sealed: Sealed, change: str) -> None:
    sealed.by_hand(f"UPDATE hirelog.events SET {change}" + AT, 42)
    assert sealed.found() == [f"position 42: {ALTERED}"]


@pytest.mark.parametrize("position", [1, 4, 256, 529])
def test_a_deleted_event_is_located(sealed: Sealed, position: int) -> None:
    sealed.by_hand("DELETE FROM hirelog.events" + AT, position)
    assert sealed.found() == [f"position {position}: the event is missing"]


@pytest.mark.parametrize("position", [1, 250, 528])
def test_an_event_that_closes_its_gap_does_not_hide_a_deletion(
    sealed: Sealed, position: int
) -> None:
    sealed.by_hand("DELETE FROM hirelog.events" + AT, position)
    renumber(sealed, position, -1)
    found = sealed.check().findings
    assert (found[0].first, found[0].what) == (position, ALTERED)
    assert (found[-1].first, found[-1].what) == (530, "the event is missing")


@pytest.mark.parametrize("position", [1, 250, 530])
def test_an_inserted_event_is_located(sealed: Sealed, position: int) -> None:
    renumber(sealed, position - 1, 1)
    insert(sealed, position)
    found = sealed.check().findings
    assert (found[0].first, found[0].what) == (position, ALTERED)


@pytest.mark.parametrize("position", [0, -5])
def test_an_event_before_the_first_is_located(sealed: Sealed, position: int) -> None:
    insert(sealed, position)
    assert sealed.found() == [f"position {position}: an event was inserted before the first"]


def test_an_event_far_beyond_the_last_is_no_append(sealed: Sealed) -> None:
    insert(sealed, 2**62)
    assert sealed.found() == [f"positions 531 to {2**62 - 1}: events are missing"]
    insert(sealed, 533)
    assert sealed.found() == ["positions 531 to 532: events are missing"]
    with pytest.raises(Altered, match="position 531 is missing"):
        sealed.seal()


@pytest.mark.parametrize(("a", "b"), [(1, 2), (3, 4), (17, 400), (529, 530)])
def test_two_that_changed_places_are_located(sealed: Sealed, a: int, b: int) -> None:
    swap(sealed, a, b)
    assert sealed.found() == [f"position {each}: {ALTERED}" for each in (a, b)]


def test_a_truncated_log_is_located_and_not_continued(system: System, sealed: Sealed) -> None:
    sealed.by_hand("DELETE FROM hirelog.events WHERE notification_id > 527")
    assert sealed.found() == [f"position {each}: the event is missing" for each in (528, 529, 530)]
    with pytest.raises(Altered, match="ends at position 527, but 530 events were signed"):
        sealed.seal()
    append(system, uuid4(), 1, *[Sourced(origin=Origin.SOURCED, source="Fair")] * 5)
    sealed.seal()  # of new events alone
    assert sealed.found() == [f"position {each}: {ALTERED}" for each in (528, 529, 530)]


def test_two_events_at_one_position_are_located(sealed: Sealed) -> None:
    sealed.by_hand("DROP INDEX hirelog.events_notification_id_idx")
    insert(sealed, 42)
    assert "position 42: there are two events at this position" in sealed.found()
