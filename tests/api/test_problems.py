"""The published list of problems: complete, the same wherever it is shown, and closed."""

from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import httpx
import pytest

import domain
import projections
from api.problem_documents import problem
from api.problems import PUBLISHED
from domain.errors import DoesNotFit, NotOnRecord, Refusal
from tests.api.talk import Json, get

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"


def refusals(kind: type[Refusal] = Refusal) -> set[type[Refusal]]:
    below = set(kind.__subclasses__())
    return below.union(*map(refusals, below))


def test_every_refusal_is_published() -> None:
    for package in domain, projections:
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    ours = {each for each in refusals() if each.__module__.startswith(("domain.", "projections."))}
    codes = {each.code for each in ours - {NotOnRecord, DoesNotFit}}
    assert len(codes) > 40
    assert codes <= PUBLISHED.keys()
    assert all(each.meaning for each in PUBLISHED.values())


def test_no_other_code_is_answered() -> None:
    with pytest.raises(LookupError):
        problem(409, "made-up", "No.")
    with pytest.raises(LookupError):
        problem(400, "not-found", "No.")


def test_the_list_is_the_same_wherever_it_is_shown(http: httpx.Client, promised: Json) -> None:
    listed = get(http, "/v1/problems")["items"]
    assert listed == [vars(each) for each in PUBLISHED.values()]
    code = promised["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["enum"] == sorted(PUBLISHED)
    rows = [f"| `{each['code']}` | {each['status']} | {each['meaning']} |" for each in listed]
    shown = [each for each in PAGE.read_text("utf-8").splitlines() if each.startswith("| `")]
    assert shown == rows, "\n".join(rows)
