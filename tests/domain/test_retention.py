"""How long a candidate's records are kept follows from the events and the policies alone."""

from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import given as each_of
from hypothesis import strategies as some

from domain.candidate import events as e
from domain.recorded import Recorded
from domain.retention import (
    Finding,
    Period,
    UnknownJurisdiction,
    facts_of,
    find,
    policies,
)
from domain.values import Channel, ConsentPurpose
from tests.scenario import (
    APPLICATION,
    Told,
    applied,
    contacted,
    day,
    event_classes,
    forward,
    hired,
    log,
    reinstated,
    rejected,
    sourced,
)

LAW = policies()
DAY = date(2026, 11, 23)


def finding(history: list[Recorded], *jurisdictions: str, held: str | None = None) -> Finding:
    facts = facts_of(history, LAW.starting(), datetime(2026, 11, 23, tzinfo=UTC))
    assert facts is not None
    if held:
        facts = type(facts)(**{**vars(facts), "held": held})
    return find(facts, LAW.applying(DAY, jurisdictions), LAW.clocks())


def found(*told: Told, where: str, **options: Any) -> Finding:
    return finding(log(*told), where, **options)


def granted(**more: Any) -> e.ConsentGranted:
    return e.ConsentGranted(purpose=ConsentPurpose.RETENTION, **more)


REPLIED = e.Replied(message_id="m1", channel=Channel.EMAIL)


def test_policies_name_events_that_there_are_and_only_texts_of_law() -> None:
    known = {each.wire_name() for each in event_classes()}
    assert LAW.starting() <= known
    assert "opened" not in LAW.starting()
    assert {policy.starts for policy in LAW.policy} <= LAW.clocks().keys()
    assert {*chain(*LAW.within.values())} <= {p.jurisdiction for p in LAW.policy}
    for policy in LAW.policy:
        assert policy.legal_reference
        assert policy.valid_from <= DAY
        assert policy.verified is None or policy.verified.on >= policy.valid_from


def test_the_time_runs_from_the_event_that_the_policy_names() -> None:
    """Six months from the rejection in Germany, a year from the last record in the US."""
    end = found(applied("A"), rejected("A"), where="DE")
    assert (end.terms[0].start.type, end.terms[0].start.version) == ("rejected", 2)
    assert end.due_at == datetime(2026, 7, 6, 9, tzinfo=UTC)
    assert not end.is_due(datetime(2026, 7, 6, 8, 59, tzinfo=UTC))
    assert end.is_due(datetime(2026, 7, 6, 9, tzinfo=UTC))

    note = e.Noted(application_id=APPLICATION, text="Well spoken.")
    us = found(applied("A"), rejected("A"), note, where="US")
    assert [term.policy.name for term in us.terms] == ["us-federal-contractor", "us-eeoc"]
    assert us.terms[0].start.type == "noted"
    assert us.due_at == datetime(2028, 1, 7, 9, tzinfo=UTC)
    assert us.terms[1].due_at == datetime(2027, 1, 7, 9, tzinfo=UTC)


@pytest.mark.parametrize("where", ["DE", "GB", "FR", "US"])
def test_what_only_a_mail_program_or_we_do_restarts_nothing(where: str) -> None:
    ended = applied("A"), rejected("A")
    before = found(*ended, where=where)
    later = found(*ended, contacted(), e.Opened(message_id="m1"), sourced(), where=where)
    assert later.due_at == before.due_at
    assert later.terms == before.terms


@pytest.mark.parametrize("where", ["DE", "GB", "FR", "US"])
@pytest.mark.parametrize("event", [REPLIED, e.Clicked(message_id="m1")], ids=["reply", "click"])
def test_an_answer_of_the_person_restarts_the_clock(where: str, event: Told) -> None:
    ended = applied("A"), rejected("A"), contacted()
    again = found(*ended, event, where=where)
    assert again.terms[0].start.version == 4
    before, after = found(*ended, where=where).due_at, again.due_at
    assert before
    assert after
    assert after > before


def test_a_move_to_another_stage_restarts_the_clock() -> None:
    history = applied("A"), rejected("A"), reinstated("A"), forward("A", "B"), rejected("B")
    assert found(*history, where="FR").terms[0].start.version == 5
    assert found(*history[:4], where="FR").kept == "an application is active"


def test_a_late_fact_counts_from_when_it_happened() -> None:
    """An import that tells of an older reply does not make the records younger."""
    late = (REPLIED, {"occurred_at": day(-30), "recorded_at": day(50)})
    end = found(applied("A"), rejected("A"), late, where="DE")
    assert end.terms[0].start.type == "rejected"


def test_who_never_applied_is_a_prospect_from_the_first_event_on() -> None:
    end = found(sourced(), contacted(), where="EU")
    assert [(term.policy.name, term.start.version) for term in end.terms] == [("eu-prospect", 1)]
    assert found(sourced(), contacted(), REPLIED, where="EU").terms[0].start.version == 3
    assert found(sourced(), where="US").kept == "no policy says anything of such records"


def test_a_consent_keeps_until_it_expires_or_is_withdrawn() -> None:
    until = granted(expires_at=day(1_000))
    history: tuple[Told, ...] = (applied("A"), rejected("A"), until)
    assert finding(log(*history), "DE", "EU").due_at == day(1_000)
    taken_back = e.ConsentWithdrawn(purpose=ConsentPurpose.RETENTION)
    assert finding(log(*history, taken_back), "DE", "EU").due_at == datetime(
        2026, 7, 6, 9, tzinfo=UTC
    )
    forever = finding(log(sourced(), granted()), "EU")
    assert forever.due_at == datetime(2028, 1, 6, 9, tzinfo=UTC)


def test_the_law_of_the_union_holds_in_its_member_states() -> None:
    ended = (rejected("A"), {"occurred_at": datetime(2024, 3, 1, tzinfo=UTC)})
    begun = (applied("A"), {"occurred_at": datetime(2024, 2, 1, tzinfo=UTC)})
    until = datetime(2030, 1, 1, tzinfo=UTC)
    kept = (granted(expires_at=until), {"occurred_at": datetime(2024, 3, 2, tzinfo=UTC)})
    assert sum(within == ("EU",) for within in LAW.within.values()) == 27
    for state in LAW.within:
        assert found(begun, ended, kept, where=state).due_at == until, state
    assert found(begun, ended, kept, where="GB").due_at == datetime(2024, 9, 1, tzinfo=UTC)
    for state in "DE", "ES":
        assert found(sourced(), where=state).terms[0].policy.name == "eu-prospect"
    alone = found(begun, ended, where="ES")
    assert alone.kept == "no policy says anything of such records", "Spain's own law is not in it"


def test_nothing_is_due_of_who_is_under_way_hired_or_held() -> None:
    assert found(applied("A"), where="DE").kept == "an application is active"
    assert "hired" in str(found(applied("A"), hired("A"), where="DE").kept)
    held = found(applied("A"), rejected("A"), where="DE", held="charge 12-345")
    assert held.kept == "legal hold: charge 12-345"
    for each in found(applied("A"), where="DE"), held:
        assert not each.is_due(day(100_000))


def test_a_jurisdiction_that_no_policy_is_of_is_said() -> None:
    with pytest.raises(UnknownJurisdiction, match=r"of AT, BE, .*, DE, .*, EU, "):
        LAW.applying(DAY, ["XX"])
    assert {each.jurisdiction for each in LAW.applying(DAY)} >= {"US", "DE", "FR"}
    assert not LAW.applying(date(1970, 1, 1))


MOMENTS = some.datetimes(timezones=some.just(UTC))
PERIODS = some.builds(Period, some.integers(0, 2_000), some.integers(0, 10_000))


@each_of(MOMENTS, MOMENTS, PERIODS)
def test_what_starts_later_is_over_no_earlier(one: datetime, two: datetime, period: Period) -> None:
    first, second = sorted([one, two])
    assert first <= period.after(first) <= period.after(second)


def test_a_month_later_is_the_same_day_or_the_last() -> None:
    end = datetime(2027, 12, 31, 23, 30, tzinfo=UTC)
    assert Period(2, 0).after(end) == datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
    assert Period(12, 0).after(end) == datetime(2028, 12, 31, 23, 30, tzinfo=UTC)
    assert Period(0, 1).after(end) == datetime(2028, 1, 1, 23, 30, tzinfo=UTC)


@each_of(some.permutations(["DE", "EU", "FR", "GB", "US"]), some.integers(1, 5))
def test_more_policies_never_make_records_due_earlier(order: list[str], number: int) -> None:
    history = log(applied("A"), rejected("A"), granted(expires_at=day(400)))
    some_of_them = finding(history, *order[:number]).due_at
    more = finding(history, *order[: number + 1]).due_at
    assert some_of_them is None or (more is not None and more >= some_of_them)


@each_of(some.lists(some.sampled_from([REPLIED, e.Opened(message_id="m1"), sourced()]), max_size=8))
def test_more_history_never_makes_records_due_earlier(more: list[Told]) -> None:
    """Of events that come in the order in which they happened."""
    history = log(applied("A"), rejected("A"), contacted(), *more)
    due = [finding(history[:number], "DE").due_at for number in range(3, len(history) + 1)]
    assert due == sorted(each or datetime.max.replace(tzinfo=UTC) for each in due)
    assert all(each and each - day(1) >= timedelta(days=181) for each in due)
