"""Sourcing, the profile and notes."""

from uuid import UUID

import pytest

from domain import errors
from domain.candidate import events as e
from domain.candidate import intents as i
from domain.values import Origin
from tests.scenario import (
    APPLICATION,
    CANDIDATE,
    JOB,
    TITLE,
    applied,
    closed_job,
    given,
    rejected,
    sourced,
)

UNKNOWN = UUID(int=404)
WHO = {
    "name": "Ada Byron",
    "email": "ada@example.org",
    "phone": "+44 1",
    "location": "London",
    "headline": "Analyst",
    "url": "https://example.org/ada",
}


def test_a_person_is_put_on_record_with_all_details_that_were_given() -> None:
    given().when(i.Source(source="LinkedIn", **WHO)).then(sourced(**WHO))


def test_a_person_is_sourced_for_a_job_whose_title_the_event_keeps() -> None:
    given().when(i.Source(source="Agency X", origin=Origin.AGENCY, job_id=JOB)).then(
        sourced(source="Agency X", origin=Origin.AGENCY, job_id=JOB, job_title=TITLE)
    )


def test_one_source_again_is_refused_for_the_same_but_not_for_another_job() -> None:
    once = given(sourced())
    once.when(i.Source(source="LinkedIn")).then_refused(
        errors.AlreadySourced, containing=f"{CANDIDATE} was sourced from 'LinkedIn'"
    )
    once.when(i.Source(source="Meetup")).then(sourced(source="Meetup"))
    once.when(i.Source(source="LinkedIn", job_id=JOB)).then(sourced(job_id=JOB, job_title=TITLE))
    given(sourced(job_id=JOB)).when(i.Source(source="LinkedIn", job_id=JOB)).then_refused(
        errors.AlreadySourced, containing="already"
    )


def test_nobody_is_sourced_for_a_job_that_is_unknown_or_closed() -> None:
    given().when(i.Source(source="LinkedIn", job_id=UNKNOWN)).then_refused(
        errors.UnknownJob, containing=f"job {UNKNOWN} was never opened; open it first"
    )
    given(jobs=[closed_job()]).when(i.Source(source="LinkedIn", job_id=JOB)).then_refused(
        errors.JobIsClosed, containing="re-open it first"
    )


def test_a_profile_update_records_only_what_changes() -> None:
    given(sourced(name="Ada Byron", email="ada@example.org")).when(
        i.UpdateProfile(name="Ada Lovelace", email="ada@example.org", phone="+44 1")
    ).then(e.ProfileUpdated(name="Ada Lovelace", phone="+44 1"))


def test_a_profile_update_takes_away_only_what_is_there() -> None:
    given(sourced(email="ada@example.org")).when(i.UpdateProfile(removed=("email", "phone"))).then(
        e.ProfileUpdated(removed=("email",))
    )


def test_what_was_taken_away_can_be_set_again() -> None:
    given(sourced(url="u"), e.ProfileUpdated(removed=("url",))).when(i.UpdateProfile(url="u")).then(
        e.ProfileUpdated(url="u")
    )


@pytest.mark.parametrize(
    "intent",
    [
        i.UpdateProfile(),
        i.UpdateProfile(name="Ada Lovelace"),
        i.UpdateProfile(removed=("email", "url")),
    ],
)
def test_an_update_that_changes_nothing_is_refused(intent: i.UpdateProfile) -> None:
    given(sourced(name="Ada Byron"), e.ProfileUpdated(name="Ada Lovelace")).when(
        intent
    ).then_refused(errors.NothingToUpdate, containing="has exactly these details")


def test_a_note_is_written_on_the_candidate_or_on_an_application_also_an_ended_one() -> None:
    given(sourced()).when(i.Note(text="Spoke at PyCon")).then(e.Noted(text="Spoke at PyCon"))
    given(applied(), rejected()).when(i.Note(text="Close", application_id=APPLICATION)).then(
        e.Noted(text="Close", application_id=APPLICATION, job_id=JOB, job_title="Engineer")
    )


def test_a_note_on_an_unknown_application_is_refused() -> None:
    given(sourced()).when(i.Note(text="?", application_id=UNKNOWN)).then_refused(
        errors.UnknownApplication, containing="use an id that an applied has returned"
    )
