"""The relationship: events to candidates with counters, pools, consent and warmth; touchpoints."""

import itertools
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from domain.candidate import events as e
from domain.recorded import Happened
from domain.values import Channel, ConsentPurpose, Origin
from projections.crm_engagement import CRM_ENGAGEMENT, warmth
from projections.crm_engagement.rows import (
    CANDIDATES,
    POOL_MEMBERS,
    TOUCHPOINTS,
    Candidate,
    PoolMember,
    Touchpoint,
)
from tests.scenario import (
    ACTOR,
    CANDIDATE,
    Told,
    applied,
    contacted,
    day,
    forward,
    hired,
    in_pool,
    log,
    offer_accepted,
    offer_declined,
    offered,
    pooled,
    project,
    reinstated,
    rejected,
    rows,
    sourced,
    withdrawn,
)

SECOND = UUID("a0000000-0000-4000-8000-000000000002")
OUTREACH, RETENTION = ConsentPurpose.OUTREACH, ConsentPurpose.RETENTION
OPENED, CLICKED = e.Opened(message_id="m1"), e.Clicked(message_id="m1")
REPLIED = e.Replied(message_id="m1", channel=Channel.EMAIL)


def relationship(*history: Told) -> Candidate:
    (row,) = rows(CRM_ENGAGEMENT, CANDIDATES, log(*history))
    assert isinstance(row, Candidate)
    return row


def points(row: Candidate, at: float) -> float:
    return warmth.at(row.warmth_log2, day(at))


def test_whatever_is_recorded_of_a_person_is_an_update() -> None:
    late = {"occurred_at": day(-9), "recorded_at": day(30)}
    assert relationship(sourced(), (e.Noted(text="?"), late)).updated_at == day(30)
    slow = relationship(sourced(), (contacted(), late), (OPENED, {"recorded_at": day(29)}))
    assert slow.updated_at == day(30)


# Counters


def test_a_person_who_is_only_on_record_is_a_cold_prospect() -> None:
    told = log(sourced(source="Meetup", origin=Origin.REFERRED, name="contact:c2"), position=9)
    assert rows(CRM_ENGAGEMENT, CANDIDATES, told) == [
        Candidate(
            candidate_id=CANDIDATE,
            name="contact:c2",
            origin="referred",
            source="Meetup",
            status="prospect",
            active_applications=[],
            ended_applications=[],
            hired_applications=[],
            erased=[],
            pools=[],
            consent_outreach=None,
            consent_outreach_since=None,
            consent_outreach_until=None,
            consent_retention=None,
            consent_retention_since=None,
            consent_retention_until=None,
            unsubscribed=[],
            unsubscribed_since=[],
            touches=1,
            messages=0,
            opens=0,
            clicks=0,
            replies=0,
            first_touch_at=day(0),
            last_touch_at=day(0),
            last_engagement_at=None,
            warmth_log2=warmth.COLD,
            recent_warmth_log2=warmth.COLD,
            updated_at=day(0),
            first_position=9,
        )
    ]


def test_messages_and_what_comes_back_are_counted_each() -> None:
    row = relationship(
        sourced(), contacted("m1"), contacted("m2"), OPENED, OPENED, OPENED, CLICKED, REPLIED
    )
    assert (row.messages, row.opens, row.clicks, row.replies) == (2, 3, 1, 1)
    assert row.touches == 8
    assert (row.first_touch_at, row.last_touch_at) == (day(0), day(7))
    assert row.last_engagement_at == day(7)


def test_a_note_a_move_or_a_profile_update_is_no_touch() -> None:
    row = relationship(
        applied("A"), e.Noted(text="?"), forward("A", "B"), e.ProfileUpdated(email="x@example.org")
    )
    assert (row.touches, row.last_touch_at) == (1, day(0))


def test_what_we_do_is_no_engagement() -> None:
    row = relationship(sourced(), contacted("m1"), rejected())
    assert (row.last_engagement_at, row.warmth_log2) == (None, warmth.COLD)


def test_older_news_that_come_later_do_not_turn_the_clock_back() -> None:
    row = relationship(sourced(), contacted("m1"), REPLIED, (OPENED, {"occurred_at": day(-5)}))
    assert (row.first_touch_at, row.last_touch_at) == (day(-5), day(2))
    assert row.last_engagement_at == day(2)


def test_the_first_origin_and_the_latest_name_stay() -> None:
    row = relationship(sourced(source="Meetup", name="1"), applied(name="2"))
    assert (row.origin, row.source, row.name) == ("sourced", "Meetup", "2")
    assert relationship(sourced(name="1"), e.ProfileUpdated(removed=("name",))).name is None


# Status, pools, consent


@pytest.mark.parametrize(
    ("history", "status", "hires"),
    [
        ([sourced()], "prospect", 0),
        ([applied()], "applicant", 0),
        ([applied(), rejected()], "prospect", 0),
        ([applied(), withdrawn()], "prospect", 0),
        ([applied(), pooled()], "prospect", 0),
        ([applied(), in_pool()], "applicant", 0),
        ([applied(), rejected(), reinstated()], "applicant", 0),
        ([applied(), hired()], "hired", 1),
        ([applied(), hired(), applied(application_id=SECOND)], "applicant", 1),
        ([applied(), applied(application_id=SECOND), rejected()], "applicant", 0),
        ([applied(), rejected(), hired()], "prospect", 0),
        ([applied(), hired(), hired()], "hired", 1),
    ],
)
def test_status_follows_the_applications(history: list[Happened], status: str, hires: int) -> None:
    row = relationship(*history)
    assert (row.status, len(row.hired_applications)) == (status, hires)


def test_applications_are_counted_and_the_active_ones_known() -> None:
    row = relationship(applied(), rejected(), applied(application_id=SECOND))
    assert len(row.ended_applications) == 1
    assert row.active_applications == [SECOND]
    again = relationship(applied(), rejected(), reinstated())
    assert (len(again.active_applications), again.ended_applications) == (1, [])


def test_pools_are_those_where_the_person_is_now() -> None:
    assert relationship(sourced(), in_pool("Java"), in_pool("Rust")).pools == ["Java", "Rust"]
    assert relationship(sourced(), in_pool("Java"), in_pool("Java")).pools == ["Java"]
    assert relationship(applied(), pooled("Java")).pools == ["Java"]
    assert relationship(applied(), in_pool("Java"), hired()).pools == []


def test_members_of_a_pool_are_known_by_pool_and_their_rows_stay_when_they_leave() -> None:
    history = (applied(), in_pool("Java"), in_pool("Rust"), in_pool("Java"))
    there = [PoolMember(pool, CANDIDATE, is_member=True) for pool in ("Java", "Rust")]
    assert rows(CRM_ENGAGEMENT, POOL_MEMBERS, log(*history)) == there
    gone = [replace(row, is_member=False) for row in there]
    assert rows(CRM_ENGAGEMENT, POOL_MEMBERS, log(*history, hired())) == gone
    back = rows(CRM_ENGAGEMENT, POOL_MEMBERS, log(*history, hired(), in_pool("Rust")))
    assert back == [gone[0], there[1]]


def test_consent_is_unknown_then_what_was_said_last_for_each_purpose() -> None:
    grant, withdraw = e.ConsentGranted(purpose=OUTREACH), e.ConsentWithdrawn(purpose=OUTREACH)
    kept = e.ConsentGranted(purpose=RETENTION)
    for history, consent in (
        ((), (None, None)),
        ((grant,), (True, None)),
        ((grant, withdraw), (False, None)),
        ((withdraw, grant), (True, None)),
        ((kept,), (None, True)),
        ((kept, grant, e.ConsentWithdrawn(purpose=RETENTION)), (True, False)),
    ):
        row = relationship(sourced(), *history)
        assert (row.consent_outreach, row.consent_retention) == consent


def test_channels_that_were_left_are_known_until_outreach_is_allowed_again() -> None:
    left = (sourced(), e.Unsubscribed(channel=Channel.SMS), e.Unsubscribed())
    assert relationship(*left).unsubscribed == ["sms", "all"]
    assert relationship(*left, e.ConsentGranted(purpose=RETENTION)).unsubscribed == ["sms", "all"]
    assert relationship(*left, e.ConsentGranted(purpose=OUTREACH)).unsubscribed == []


def test_what_is_learnt_late_ends_no_newer_word() -> None:
    earlier = {"occurred_at": day(-400)}
    granted, refused = e.ConsentGranted(purpose=OUTREACH), e.ConsentWithdrawn(purpose=OUTREACH)
    row = relationship(sourced(), e.Unsubscribed(), (granted, earlier))
    assert (row.unsubscribed, row.consent_outreach) == (["all"], True)
    assert relationship(sourced(), refused, (granted, earlier)).consent_outreach is False
    row = relationship(sourced(), granted, (refused, earlier), (e.Unsubscribed(), earlier))
    assert (row.unsubscribed, row.consent_outreach) == ([], True)


def test_the_first_touch_is_a_touch() -> None:
    told = (e.Noted(text="?"), {"occurred_at": day(50)}), (sourced(), {"occurred_at": day(1)})
    row = relationship(*told)
    assert (row.touches, row.first_touch_at, row.last_touch_at) == (1, day(1), day(1))
    assert relationship(e.Noted(text="?")).last_touch_at is None


# Touchpoints


def test_a_touchpoint_tells_who_turned_to_whom_by_what() -> None:
    message = contacted("m1", sequence="Spring", step=2)
    assert rows(CRM_ENGAGEMENT, TOUCHPOINTS, log(sourced(), message, REPLIED)) == [
        Touchpoint(CANDIDATE, 1, "sourced", "outbound", None, None, None, None, ACTOR, day(0), 1),
        Touchpoint(
            CANDIDATE, 2, "contacted", "outbound", "email", "Spring", 2, "m1", ACTOR, day(1), 2
        ),
        Touchpoint(CANDIDATE, 3, "replied", "inbound", "email", None, None, "m1", ACTOR, day(2), 3),
    ]


@pytest.mark.parametrize(
    ("event", "direction"),
    [
        (sourced(), "outbound"),
        (contacted(), "outbound"),
        (offered(), "outbound"),
        (OPENED, "inbound"),
        (CLICKED, "inbound"),
        (REPLIED, "inbound"),
        (applied(), "inbound"),
        (offer_accepted(), "inbound"),
        (offer_declined(), "inbound"),
        (withdrawn(), "inbound"),
        (e.ConsentGranted(purpose=OUTREACH), "inbound"),
        (e.ConsentWithdrawn(purpose=OUTREACH), "inbound"),
        (e.Unsubscribed(), "inbound"),
        (forward("A", "B"), None),
        (hired(), None),
        (rejected(), None),
        (reinstated(), None),
        (in_pool(), None),
        (e.ProfileUpdated(name="n"), None),
        (e.Noted(text="?"), None),
    ],
    ids=lambda value: value.TOPIC if isinstance(value, Happened) else "",
)
def test_which_events_are_touchpoints(event: Happened, direction: str | None) -> None:
    made = project(CRM_ENGAGEMENT, log(event)).get(TOUCHPOINTS, {})
    assert [row.direction for row in made.values() if isinstance(row, Touchpoint)] == (
        [direction] if direction else []
    )


def test_each_person_has_a_row_of_their_own() -> None:
    other = UUID(int=9)
    found = project(CRM_ENGAGEMENT, log(applied()) + log(sourced(), stream=other, position=2))
    assert {key: asdict(row)["status"] for key, row in found[CANDIDATES].items()} == {
        (CANDIDATE,): "applicant",
        (other,): "prospect",
    }


# Warmth


@pytest.mark.parametrize(
    ("event", "worth"),
    [
        (OPENED, 1),
        (CLICKED, 4),
        (REPLIED, 10),
        (applied(), 12),
        (offer_accepted(), 15),
        (e.ConsentGranted(purpose=OUTREACH), 3),
        (offer_declined(), 0),
        (e.Unsubscribed(), 0),
        (withdrawn(), 0),
    ],
    ids=lambda value: value.TOPIC if isinstance(value, Happened) else "",
)
def test_what_an_act_is_worth_on_its_day(event: Happened, worth: float) -> None:
    assert points(relationship(event), 0) == pytest.approx(worth)


def test_warmth_is_halved_every_thirty_days() -> None:
    row = relationship((REPLIED, {"occurred_at": day(0)}))
    for days_later, left in ((0, 10), (30, 5), (60, 2.5), (15, 10 / 2**0.5), (300, 10 / 1024)):
        assert points(row, days_later) == pytest.approx(left)


def test_warmth_adds_up_over_time() -> None:
    row = relationship((REPLIED, {"occurred_at": day(0)}), (CLICKED, {"occurred_at": day(30)}))
    assert points(row, 30) == pytest.approx(5 + 4)
    assert points(row, 60) == pytest.approx((5 + 4) / 2)


def test_a_cold_relationship_has_no_warmth_at_all() -> None:
    assert points(relationship(sourced()), 0) == 0.0


def test_the_order_of_acts_in_the_log_does_not_matter() -> None:
    acts: list[Told] = [
        (OPENED, {"occurred_at": day(40)}),
        (REPLIED, {"occurred_at": day(3)}),
        (CLICKED, {"occurred_at": day(90)}),
        (applied(), {"occurred_at": day(1)}),
    ]
    warmths = {round(points(relationship(*some), 95), 9) for some in itertools.permutations(acts)}
    assert len(warmths) == 1


ACTS = st.lists(
    st.tuples(st.sampled_from(sorted(warmth.POINTS.values())), st.floats(0, 3650)), max_size=12
)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@for_all(ACTS, st.floats(0, 400))
def test_warmth_is_the_sum_of_what_is_left_of_each_act(
    acts: list[tuple[float, float]], later: float
) -> None:
    """The logarithm is only how it is kept: days of ten years lose nothing that one could see."""
    moment = day(max([at for _, at in acts], default=0) + later)
    log2 = warmth.COLD
    for worth, at in acts:
        log2, _ = warmth.add(log2, warmth.COLD, worth, day(at))
    left = sum(worth * 0.5 ** ((moment - day(at)) / timedelta(days=30)) for worth, at in acts)
    assert warmth.at(log2, moment) == pytest.approx(left, rel=1e-6)


def test_who_is_warmer_stays_warmer_until_something_happens() -> None:
    """So that an index on the logarithm sorts by warmth at any moment."""
    early = relationship((REPLIED, {"occurred_at": day(0)}))
    late = relationship((CLICKED, {"occurred_at": day(50)}))
    assert points(late, 50) > points(early, 50)
    assert late.warmth_log2 > early.warmth_log2
    assert points(late, 500) > points(early, 500)


def test_a_bound_on_points_is_one_on_logarithms() -> None:
    row = relationship((REPLIED, {"occurred_at": day(0)}))
    assert row.warmth_log2 >= warmth.log2_for(4.99, day(30))
    assert row.warmth_log2 < warmth.log2_for(5.01, day(30))


def test_a_moment_long_before_overflows_nothing() -> None:
    row = relationship((REPLIED, {"occurred_at": day(0)}))
    assert points(row, -365 * 2000) > 1e100


def trend(row: Candidate, at: float) -> str:
    return warmth.trend(row.warmth_log2, row.recent_warmth_log2, day(at))


def monthly(weeks: range) -> list[Told]:
    return [(OPENED, {"occurred_at": day(7 * week)}) for week in weeks]


def test_an_even_pace_is_steady_its_end_cools_and_something_new_warms() -> None:
    steady = monthly(range(40))
    assert trend(relationship(*steady), 7 * 39 + 3) == "steady"
    assert trend(relationship(*steady), 7 * 39 + 30) == "cooling"
    warming = [*steady, (REPLIED, {"occurred_at": day(7 * 39 + 30)})]
    assert trend(relationship(*warming), 7 * 39 + 31) == "warming"


def test_the_first_act_warms_and_long_silence_is_cold() -> None:
    row = relationship(REPLIED)
    assert trend(row, 0) == "warming"
    assert trend(row, 199) == "cooling"
    assert trend(row, 200) == "cold"
    assert trend(relationship(sourced()), 0) == "cold"
