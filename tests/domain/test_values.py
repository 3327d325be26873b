"""The id of a name is that of the standard."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from domain.values import named


@given(st.uuids(), st.text())
def test_a_name_has_the_id_of_version_5_that_others_give_it(namespace: UUID, name: str) -> None:
    made = named(namespace, name)
    assert made == uuid5(namespace, name)
    assert made.version == 5
