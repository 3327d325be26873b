"""Pools: who enters them, with an application or without, and who leaves."""

from domain import errors
from domain.candidate import intents as i
from tests.scenario import (
    APPLICATION,
    applied,
    candidate,
    given,
    hired,
    in_pool,
    offer_accepted,
    offered,
    pooled,
    sourced,
)


def test_a_prospect_enters_a_pool_and_so_does_an_applicant_whose_application_goes_on() -> None:
    given(sourced()).when(i.ReturnToPool(pool="Silver medalists")).then(in_pool())
    given(applied()).when(i.ReturnToPool(pool="Silver medalists")).then(in_pool())
    assert candidate(applied(), in_pool()).status == "applicant"


def test_an_active_application_that_is_named_ends_also_when_the_pool_is_not_new() -> None:
    return_it = i.ReturnToPool(pool="Silver medalists", application_id=APPLICATION)
    given(applied()).when(return_it).then(pooled(from_status="active"))
    given(applied(), in_pool()).when(return_it).then(pooled(from_status="active"))
    assert candidate(applied(), pooled()).status == "prospect"


def test_nobody_enters_the_same_pool_twice() -> None:
    given(sourced(), in_pool()).when(i.ReturnToPool(pool="Silver medalists")).then_refused(
        errors.AlreadyInPool, containing="is in pool 'Silver medalists' already"
    )
    given(applied(), pooled()).when(
        i.ReturnToPool(pool="Silver medalists", application_id=APPLICATION)
    ).then_refused(errors.AlreadyInPool, containing="already")


def test_a_hire_takes_the_person_out_of_the_pools() -> None:
    history = (applied(), in_pool(), offered(), offer_accepted(), hired())
    given(*history).when(i.ReturnToPool(pool="Silver medalists")).then(in_pool())
