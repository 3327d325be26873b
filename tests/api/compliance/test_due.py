"""What is due by the read models is what the candidates' own events say."""

from uuid import uuid5

import pytest
from msgspec import structs

from api.compliance import due as dues
from api.compliance.due import Asked, confirmed, due
from api.wiring import System
from domain.candidate import events as e
from domain.recorded import Recorded
from domain.retention import facts_of, policies
from domain.values import NAMESPACE, ConsentPurpose
from tests.databases import wait_until_projected
from tests.projections.random_logs import PEOPLE, logged, step
from tests.scenario import day, log, sourced

LAW = policies()
MOMENTS = [day(number) for number in (0, 150, 200, 250, 300, 366, 400, 450, 500, 731, 800, 2_000)]


def histories() -> list[list[Recorded]]:
    """Of sixty people each of whom somebody else's commands and facts happened to."""
    made = []
    for salt in range(20):
        whole = logged(step(salt, seed, may_be_fact=True) for seed in range(50))
        for person in PEOPLE:
            stream = uuid5(person, str(salt))
            mine = [each for each in whole if each.originator_id == person]
            made.append([structs.replace(each, originator_id=stream) for each in mine])
    granted = e.ConsentGranted(purpose=ConsentPurpose.RETENTION, expires_at=day(250))
    made.append(log(sourced(), granted, stream=uuid5(NAMESPACE, "kept")))
    for number, history in enumerate(made[::3]):
        note = (e.Noted(text="?"), {"occurred_at": day(500 + number)})
        stream = uuid5(NAMESPACE, f"noted {number}")
        told = [(each.event, {"occurred_at": each.metadata.occurred_at}) for each in history]
        made.append(log(*told, note, stream=stream))
    return [history for history in made if history]


def test_the_read_models_find_what_the_events_say(
    projected: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dues, "PAGE", 7)
    people = histories()
    for history in people:
        projected.recruiting.append(history)
    wait_until_projected(projected.conninfo)
    numbers = set()
    for where in ((), ("DE",), ("US", "FR"), ("EU",)):
        for moment in MOMENTS:
            asked = Asked(LAW, moment, where)
            facts = [facts_of(history, LAW.starting(), moment) for history in people]
            expected = [asked.find(each) for each in facts if each]
            expected = [each for each in expected if each.is_due(moment)]
            with projected.pool.connection() as connection:
                found = list(due(connection, asked))
            assert found == sorted(expected, key=lambda each: each.candidate_id), (where, moment)
            numbers.add(len(found))
            assert list(confirmed(projected, asked, found, at_once=7)) == found
    assert len(numbers) > 5
    assert max(numbers) < len(people)


def test_a_note_long_after_hides_nobody_whose_policy_does_not_count_it(projected: System) -> None:
    noted = (e.Noted(text="Still at the same firm."), {"occurred_at": day(500)})
    history = log(sourced(), noted, stream=uuid5(NAMESPACE, "noted long after"))
    projected.recruiting.append(history)
    wait_until_projected(projected.conninfo)
    with projected.pool.connection() as connection:
        (found,) = due(connection, Asked(LAW, day(800), ("EU",)))
    assert found.candidate_id == history[0].originator_id
    assert found.terms[0].start.type == "sourced"
