"""The difference between two points of a history is what leads from one to the other."""

from hypothesis import given as each_of
from hypothesis import strategies as some

from domain.candidate import events as e
from domain.candidate import state
from domain.candidate.difference import (
    BEGINNING,
    Change,
    Point,
    apply,
    difference,
    fields_of,
    texts_of,
    view,
)
from domain.recorded import Recorded
from domain.values import Channel, ConsentPurpose, Origin
from tests.projections.random_logs import LOGS, PEOPLE
from tests.scenario import (
    APPLICATION,
    applied,
    candidate,
    day,
    forward,
    in_pool,
    log,
    offered,
    rejected,
    sourced,
)

HISTORIES = some.builds(
    lambda log, person: [each for each in log if each.originator_id == person],
    LOGS,
    some.sampled_from(PEOPLE),
)
MOMENTS = some.none() | some.integers(-1, 120).map(day)
POINTS = some.builds(Point, some.none() | some.integers(0, 40), MOMENTS, MOMENTS)


def said(changes: object) -> dict[str, tuple[object, object]]:
    assert isinstance(changes, list)
    return {each.field: (each.before, each.after) for each in changes}


def test_each_field_says_what_it_was_and_is_and_the_events_that_made_it_so() -> None:
    history = log(
        sourced(name="Ada"), applied("A"), forward("A", "B"), e.ProfileUpdated(removed=("name",))
    )
    found = difference(history, Point(version=2), Point())
    at = f"applications.{APPLICATION}"
    assert found.changes == [
        Change(f"{at}.stage", "A", "B", history[1], history[2]),
        Change("details.name", "Ada", None, history[0], history[3]),
    ]
    assert (found.only_before, found.only_after) == ([], [3, 4])
    back = difference(history, Point(), Point(version=2))
    assert said(back.changes) == {f"{at}.stage": ("B", "A"), "details.name": (None, "Ada")}
    assert back.changes[0].before_by == history[2]
    assert (back.only_before, back.only_after) == ([3, 4], [])


def test_every_part_of_the_state_has_fields() -> None:
    consent = e.ConsentGranted(purpose=ConsentPurpose.RETENTION, expires_at=day(500))
    known = candidate(
        sourced(name="Ada"),
        applied("A"),
        offered(1, expires_at=day(30)),
        rejected("A"),
        in_pool("X.Y"),
        consent,
        e.Unsubscribed(),
    )
    fields = fields_of(known)
    at = f"applications.{APPLICATION}"
    assert {
        "status": "prospect",
        "origin": Origin.SOURCED,
        "pools": ("X.Y",),
        "details.name": "Ada",
        f"{at}.status": "rejected",
        f"{at}.ended_at": "2026-01-08T09:00:00Z",
        f"{at}.offers.1.expires_at": "2026-02-04T09:00:00Z",
        "consents.retention.granted": True,
        "consents.retention.since": "2026-01-10T09:00:00Z",
        "unsubscribed.all": "2026-01-11T09:00:00Z",
    }.items() <= fields.items()


def test_what_was_written_is_a_change_of_the_event_that_holds_it() -> None:
    history = log(
        sourced(name="Ada"),
        e.Noted(text="Kind."),
        e.Contacted(message_id="m1", channel=Channel.EMAIL, subject="Hello", text="Dear Ada"),
        e.Noted(text=None),
    )
    found = difference(history, Point(version=1), Point())
    assert found.changes == [
        Change("texts.2.text", None, "Kind.", None, history[1]),
        Change("texts.3.subject", None, "Hello", None, history[2]),
        Change("texts.3.text", None, "Dear Ada", None, history[2]),
    ]


def test_what_was_learned_late_was_true_and_not_known() -> None:
    late = (forward("A", "B"), {"occurred_at": day(2), "recorded_at": day(50)})
    history = log(applied("A"), sourced(), late)
    at = f"applications.{APPLICATION}.stage"
    believed = difference(history, Point(as_of=day(10), known_at=day(10)), Point(as_of=day(10)))
    assert said(believed.changes) == {at: ("A", "B")}
    assert believed.changes[0].after_by == history[2]


@each_of(HISTORIES, POINTS, POINTS)
def test_a_difference_leads_from_one_point_to_the_other_and_back(
    history: list[Recorded], one: Point, two: Point
) -> None:
    before, after = view(history, one), view(history, two)
    there, back = difference(history, one, two), difference(history, two, one)
    assert apply(before.fields, there.changes) == after.fields
    assert apply(after.fields, back.changes) == before.fields
    assert [(each.after, each.before) for each in there.changes] == [
        (each.before, each.after) for each in back.changes
    ]
    for each in there.changes:
        assert each.before is None or each.before_by is not None
        assert each.after is None or each.after_by is not None
        assert each.after_by is None or two.holds(each.after_by)


@each_of(HISTORIES, POINTS)
def test_the_difference_of_equal_points_is_empty(history: list[Recorded], point: Point) -> None:
    found = difference(history, point, point)
    assert (found.changes, found.only_before, found.only_after) == ([], [], [])


@each_of(HISTORIES)
def test_the_differences_step_by_step_give_the_last_state(history: list[Recorded]) -> None:
    fields = view(history, BEGINNING).fields
    for version in range(1, len(history) + 1):
        step = difference(history, Point(version=version - 1), Point(version=version))
        assert {each.after_by for each in step.changes} <= {history[version - 1]}
        fields = apply(fields, step.changes)
    texts = {name: value for each in history for name, value in texts_of(each).items()}
    assert fields == fields_of(state.fold(None, history)) | texts
