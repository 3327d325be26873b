"""Laws that hold for every log: batching, re-reading, interleaving, parking, and one truth."""

import copy
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import asdict

from domain import job as jobs
from domain.candidate import events as e
from domain.candidate import state
from domain.candidate.state import Candidate
from domain.errors import Refusal
from domain.job import Job
from domain.job_events import JobClosed, JobEvent, JobOpened
from domain.recorded import Recorded
from domain.values import REDACTED, ConsentPurpose
from projections import READ_MODELS
from projections.ats_pipeline import ATS_PIPELINE
from projections.ats_pipeline import rows as ats
from projections.crm_engagement import CRM_ENGAGEMENT
from projections.crm_engagement import rows as crm
from projections.runtime.batch import Rows, Unreadable, fold_batch
from projections.runtime.contract import ReadModel, Row, Table
from tests.projections.dict_store import Store, cut, projected
from tests.projections.random_logs import (
    JOBS,
    LAWFUL_LOGS,
    LOGS,
    PEOPLE,
    STEPS,
    Step,
    of_the_erased,
    placed,
    take,
)
from tests.scenario import CANDIDATE, contacted, in_pool, log, sourced

law = settings(max_examples=50, deadline=None, database=None, derandomize=True)
every_model = pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)

# Where a log is cut into batches.
CUTS = st.lists(st.integers(0, 60), max_size=6).map(sorted)


# The laws


@every_model
@law
@for_all(recorded=LOGS, at=CUTS)
def test_any_batching_gives_the_same_rows(
    model: ReadModel, recorded: list[Recorded], at: list[int]
) -> None:
    whole = projected(model, recorded)
    assert whole.parked == []
    assert projected(model, *cut(recorded, at)) == whole


@every_model
@law
@for_all(recorded=LOGS, at=CUTS, again=st.lists(st.integers(0, 60), min_size=7, max_size=7))
def test_what_is_read_again_changes_nothing(
    model: ReadModel, recorded: list[Recorded], at: list[int], again: list[int]
) -> None:
    """As when a projector follows several read models of which one is behind."""
    store, read = Store(model), 0
    for end, back in zip([*at, len(recorded)], again, strict=False):
        store.project(recorded[max(read - back, 0) : end])
        read = end
    assert store == projected(model, recorded)


@every_model
@law
@for_all(recorded=LOGS, data=st.data())
def test_the_interleaving_of_streams_shows_only_in_positions(
    model: ReadModel, recorded: list[Recorded], data: st.DataObject
) -> None:
    streams: dict[UUID, list[Recorded]] = {}
    for each in recorded:
        streams.setdefault(each.originator_id, []).append(each)
    order = data.draw(st.permutations([each.originator_id for each in recorded]))
    queues = {stream: iter(events) for stream, events in streams.items()}
    shuffled = placed(next(queues[stream]) for stream in order)
    assert without_positions(projected(model, shuffled)) == without_positions(
        projected(model, recorded)
    )


def without_positions(store: Store) -> dict[Table, list[str]]:
    return {
        table: sorted(
            repr(
                {
                    column: value
                    for column, value in asdict(row).items()
                    if not column.endswith("position")
                }
            )
            for row in rows.values()
        )
        for table, rows in store.rows.items()
    }


@law
@for_all(recorded=LOGS, at=CUTS)
def test_a_stream_folds_the_same_from_any_snapshot(recorded: list[Recorded], at: list[int]) -> None:
    for person in PEOPLE:
        history = [each for each in recorded if each.originator_id == person]
        candidate: Candidate | None = None
        for chunk in cut(history, [min(end, len(history)) for end in at]):
            candidate = state.fold(copy.deepcopy(candidate), chunk)
        assert candidate == state.fold(None, history)
    for job_id in JOBS:
        history = [each for each in recorded if each.originator_id == job_id]
        job: Job | None = None
        for chunk in cut(history, [min(end, len(history)) for end in at]):
            job = jobs.fold(copy.deepcopy(job), chunk)
        assert job == jobs.fold(None, history)


@law
@for_all(recorded=LOGS, asked=STEPS)
def test_a_fact_is_kept_always_and_marked_exactly_where_a_command_is_refused(
    recorded: list[Recorded], asked: Step
) -> None:
    kept = take(asked, recorded, as_fact=True)
    broken = kept[0].metadata.broken_rules
    if broken:
        with pytest.raises(Refusal) as refused:
            take(asked, recorded, as_fact=False)
        assert refused.value.code == broken[0]
    else:
        assert take(asked, recorded, as_fact=False) == kept


@law
@example(recorded=of_the_erased())
@for_all(recorded=st.one_of(LAWFUL_LOGS, LOGS))
def test_read_models_tell_what_decisions_rest_on(recorded: list[Recorded]) -> None:
    """Also where facts have broken the rules."""
    engagement = projected(CRM_ENGAGEMENT, recorded).rows
    people = engagement.get(crm.CANDIDATES, {})
    members = [asdict(row) for row in engagement.get(crm.POOL_MEMBERS, {}).values()]
    pipeline = projected(ATS_PIPELINE, recorded).rows
    for person in PEOPLE:
        known = state.fold(None, [each for each in recorded if each.originator_id == person])
        row = people.get((person,))
        if known is None:
            assert row is None
            continue
        assert isinstance(row, crm.Candidate)
        assert (row.status, row.origin, row.source) == (known.status, known.origin, known.source)
        name = known.details.get("name")
        assert (set(row.pools), row.name) == (known.pools, None if name == REDACTED else name)
        assert {
            each["pool"] for each in members if each["candidate_id"] == person and each["is_member"]
        } == known.pools
        applications = (
            *row.active_applications,
            *row.ended_applications,
            *row.hired_applications,
        )
        assert sorted(applications) == sorted(known.applications)
        left = {channel or "all": since for channel, since in known.unsubscribed.items()}
        assert dict(zip(row.unsubscribed, row.unsubscribed_since, strict=True)) == left
        said = {
            purpose: (consent.granted, consent.since, consent.expires_at)
            for purpose, consent in known.consents.items()
        }
        nothing = None, None, None
        outreach = row.consent_outreach, row.consent_outreach_since, row.consent_outreach_until
        assert outreach == said.get(ConsentPurpose.OUTREACH, nothing)
        retention = row.consent_retention, row.consent_retention_since, row.consent_retention_until
        assert retention == said.get(ConsentPurpose.RETENTION, nothing)
        for application in known.applications.values():
            _assert_shown(pipeline, person, application)
    for job_id in JOBS:
        job = jobs.fold(None, [each for each in recorded if each.originator_id == job_id])
        shown = pipeline[ats.JOBS][(job_id,)]
        assert job
        assert isinstance(shown, ats.Job)
        assert (shown.title, tuple(shown.stages)) == (job.title, job.stages)
        assert (shown.status == "open", shown.closed_at) == (job.is_open, job.closed_at)


def _assert_shown(pipeline: Rows, person: UUID, application: state.JobApplication) -> None:
    shown = pipeline[ats.APPLICATIONS][person, application.id]
    assert isinstance(shown, ats.Application)
    assert (shown.status, shown.stage) == (application.status, application.stage)
    assert (shown.applied_at, shown.ended_at) == (application.applied_at, application.ended_at)
    assert shown.offers == len(application.offers)
    assert shown.offer_status == (application.offer.status if application.offer else None)
    visits = [row for key, row in pipeline[ats.STAGE_VISITS].items() if key[0] == application.id]
    still_there = [
        visit for visit in visits if isinstance(visit, ats.StageVisit) and not visit.exited_at
    ]
    assert len(visits) == shown.stage_visit
    assert [visit.visit for visit in still_there] == (
        [shown.stage_visit] if application.status == "active" and visits else []
    )


# Parking


class Tally(Row):
    """A row of a read model that is made for these tests."""

    candidate_id: UUID
    versions: list[int]


TALLIES = Table("tallies", Tally)


def _touches(recorded: Recorded) -> tuple[Table, tuple[UUID]]:
    if isinstance(recorded.event, e.ReturnedToPool):
        raise LookupError("nowhere to put this")
    return TALLIES, (recorded.originator_id,)


def _fold(row: Tally | None, recorded: Recorded) -> list[Row]:
    if isinstance(recorded.event, e.Noted):
        raise ValueError("cannot take this")
    versions = row.versions if row else []
    return [Tally(recorded.originator_id, [*versions, recorded.originator_version])]


FRAGILE = ReadModel(
    name="fragile",
    version=1,
    package=__name__,
    tables=(TALLIES,),
    events=(e.CandidateEvent,),
    touches=_touches,
    fold=_fold,
)
OTHER = UUID(int=5)


def test_an_event_that_cannot_be_folded_parks_its_stream_from_there_on_in_order() -> None:
    poisoned = log(sourced(), e.Noted(text="?"), contacted("m1"), contacted("m2"))
    fine = log(sourced(), contacted("m1"), stream=OTHER)
    one, two, three, four = poisoned
    batch = placed([one, fine[0], two, three, fine[1], four])
    store = projected(FRAGILE, batch)
    assert store.parked == [
        (9, "ValueError: cannot take this"),
        (12, "waits behind the event at position 9"),
        (18, "waits behind the event at position 9"),
    ]
    assert store.rows == {
        TALLIES: {(CANDIDATE,): Tally(CANDIDATE, [1]), (OTHER,): Tally(OTHER, [1, 2])}
    }


def test_an_event_that_has_no_place_parks_its_stream_too() -> None:
    batch = placed([*log(sourced(), in_pool(), contacted()), *log(sourced(), stream=OTHER)])
    store = projected(FRAGILE, batch)
    assert store.parked == [
        (6, "LookupError: nowhere to put this"),
        (9, "waits behind the event at position 6"),
    ]
    assert store.rows == {
        TALLIES: {(CANDIDATE,): Tally(CANDIDATE, [1]), (OTHER,): Tally(OTHER, [1])}
    }


def test_a_row_of_no_table_parks_its_stream_and_leaves_no_half() -> None:
    class Stranger(Row):
        candidate_id: UUID

    def fold(row: Tally | None, recorded: Recorded) -> list[Row]:
        return [*_fold(row, recorded), Stranger(recorded.originator_id)]

    store = projected(replace(FRAGILE, fold=fold), log(sourced()))
    assert [position for position, _ in store.parked] == [1]
    assert store.rows == {}


def test_events_that_a_model_does_not_fold_are_never_parked() -> None:
    batch = log(JobOpened(title="t"), JobClosed(), stream=JOBS[0])
    store = Store(FRAGILE, parked_streams={JOBS[0]: 1})
    store.project(batch)
    assert (store.parked, store.rows) == ([], {})
    assert all(isinstance(each.event, JobEvent) for each in batch)


def test_an_event_that_cannot_be_read_parks_what_follows_it_and_nothing_before() -> None:
    one, two, three = placed(log(sourced(), contacted("m1"), contacted("m2")))
    (fine,) = log(sourced(), stream=OTHER, position=10)
    for batches in (
        [[one, unreadable(two), three, fine]],
        [[one], [unreadable(two)], [three, fine]],
    ):
        store = projected(FRAGILE, *batches)
        assert store.parked == [
            (6, "ValidationError"),
            (9, "waits behind the event at position 6"),
        ]
        assert store.rows == {
            TALLIES: {(CANDIDATE,): Tally(CANDIDATE, [1]), (OTHER,): Tally(OTHER, [1])}
        }


def test_what_is_parked_tells_its_topic() -> None:
    note, sent = log(e.Noted(text="?"), contacted("m1"))
    (fine,) = log(sourced(), stream=OTHER)
    parked = fold_batch(FRAGILE, [note, sent, unreadable(fine)], {}, {}).parked
    topics = ["candidate.noted", "candidate.contacted", "candidate.sourced"]
    assert [each.topic for each in parked] == topics


def unreadable(recorded: Recorded) -> Unreadable:
    topic = recorded.event.TOPIC
    return Unreadable(
        recorded.originator_id,
        recorded.originator_version,
        recorded.position,
        topic,
        "ValidationError",
    )


@law
@for_all(recorded=LOGS, at=CUTS, damaged=st.sets(st.integers(0, 60), max_size=3))
def test_any_batching_parks_the_same_events(
    recorded: list[Recorded], at: list[int], damaged: set[int]
) -> None:
    entries = [unreadable(each) if n in damaged else each for n, each in enumerate(recorded)]
    whole = projected(FRAGILE, entries)
    assert projected(FRAGILE, *cut(entries, at)) == whole
    for person in PEOPLE:
        history = [each for each in entries if each.originator_id == person]
        first = next((n for n, each in enumerate(history) if is_poison(each)), len(history))
        tally = whole.rows.get(TALLIES, {}).get((person,))
        assert (tally.versions if isinstance(tally, Tally) else []) == list(range(1, first + 1))
        places = {each.position for each in history[first:]}
        assert places <= {position for position, _ in whole.parked}


def is_poison(entry: Recorded | Unreadable) -> bool:
    return isinstance(entry, Unreadable) or isinstance(entry.event, e.Noted | e.ReturnedToPool)
