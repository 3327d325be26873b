"""The numbers that others published for their examples come out of ours."""

import csv
import json
import math
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from projections.adverse_impact.analysis import Finding, Group, findings
from projections.adverse_impact.answers import wording
from projections.adverse_impact.policies import policy
from projections.adverse_impact.report import Report, Row, build
from projections.adverse_impact.significance import at_most, fisher_exact, representation

DATA = Path(__file__).parents[4] / "shared/data/adverse_impact"
UGESP = policy("us-ugesp", date(2026, 11, 23))
LL144 = policy("us-nyc-ll144", date(2026, 11, 23))
WORDING = wording(date(2026, 11, 23))

published = pytest.mark.skipif(
    not DATA.exists(), reason=f"the published examples are not at {DATA}"
)


def example(name: str) -> Any:
    examples = json.loads((DATA / "published_examples.json").read_text("utf-8"))["examples"]
    return next(each for each in examples if each["id"] == name)


def compared(groups: Mapping[str, Any]) -> dict[str, Finding]:
    made = [Group.counted((name,), *counts) for name, counts in groups.items()]
    return {finding.group.answers[0]: finding for finding in findings(made, UGESP)}


def found(report: Report, name: str | None = None) -> dict[str, Finding]:
    (section,) = [section for section in report.sections if section.name == name]
    (table,) = section.tables
    return {finding.group.answers[0]: finding for finding in table.findings}


def number(value: Fraction | float | None) -> float:
    assert value is not None
    return float(value)


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


@published
def test_fisher_exact_is_that_of_r() -> None:
    tables = read("fisher_exact_r_vectors.csv")
    assert len(tables) == 17
    for row in tables:
        exact = fisher_exact(*(int(row[cell]) for cell in "abcd"))
        printed = 1e-4 if "4 decimals" in row["source"] else 1e-9
        assert exact.two_sided == pytest.approx(float(row["two_sided"]), rel=printed)
        if row["left_tail"]:
            assert exact.left == pytest.approx(float(row["left_tail"]), rel=1e-9)
            assert exact.right == pytest.approx(float(row["right_tail"]), rel=1e-9)


@published
def test_the_four_groups_of_the_questions_and_answers() -> None:
    given = example("ugesp_qa_four_groups")
    groups = [Group((name,), rate=Fraction(str(rate))) for name, rate in given["rates"].items()]
    by_name = {finding.group.answers[0]: finding for finding in findings(groups, UGESP)}
    for name, ratio in given["expected_ratio"].items():
        assert by_name[name].ratio == Fraction(str(ratio))
    flagged = [name for name, finding in by_name.items() if finding.below_four_fifths]
    assert flagged == given["flag_lt_0_8"]


@published
def test_the_algorithm_of_the_eeoc() -> None:
    given = example("eeoc_2023_algorithm_test")
    groups = compared(given["groups"])
    expected, computed = given["expected"], given["computed"]
    assert groups["white"].group.rate == Fraction(str(expected["white_rate"]))
    assert groups["black"].group.rate == Fraction(str(expected["black_rate"]))
    assert groups["black"].ratio == Fraction(str(expected["ratio"]))
    assert groups["black"].below_four_fifths is expected["flag"]
    assert number(groups["black"].standard_deviations) == pytest.approx(
        computed["z_pooled"], abs=5e-5
    )
    assert number(groups["black"].fisher_two_sided) == pytest.approx(
        computed["fisher_two_sided"], abs=5e-9
    )
    assert groups["black"].beyond_standard_deviations
    assert groups["black"].significant


@published
def test_the_grand_jurors_of_castaneda() -> None:
    given = example("castaneda_2_5_years")
    n, x = given["binomial"]["n"], given["binomial"]["x"]
    share = Fraction(str(given["binomial"]["p"]))
    deviation = representation(n, share, x)
    computed = given["computed"]
    assert float(n * share) == pytest.approx(computed["expected"], abs=5e-3)
    assert math.sqrt(n * share * (1 - share)) == pytest.approx(computed["sd"], abs=5e-4)
    assert deviation.standard_deviations == pytest.approx(computed["z"], abs=5e-3)
    assert deviation.beyond(Fraction(3))
    assert float(at_most(n, share, x)) == pytest.approx(computed["cdf"], rel=1e-3)
    assert at_most(n, share, x) < Fraction(1, 10**25)


@published
def test_a_good_bottom_line_does_not_hide_the_stage_of_connecticut_v_teal() -> None:
    given = example("connecticut_v_teal")["stages"]
    rows = [
        Row((race,), stage[race][0], stage[race][1], stage=stage["stage"])
        for stage in given
        for race in ("black", "white")
    ]
    report = build(rows, ["race"], UGESP, WORDING)
    assert [(section.scope, section.name) for section in report.sections] == [
        ("stage", stage["stage"]) for stage in given
    ]
    written, bottom_line = given
    black = found(report, written["stage"])["black"]
    assert number(black.group.rate) == pytest.approx(written["expected"]["black_rate"], abs=5e-5)
    assert number(black.ratio) == pytest.approx(written["computed"]["ratio"], abs=5e-5)
    assert number(black.standard_deviations) == pytest.approx(written["computed"]["z"], abs=5e-5)
    assert number(black.fisher_two_sided) == pytest.approx(written["computed"]["fisher"], abs=5e-10)
    assert black.below_four_fifths
    hired = found(report, bottom_line["stage"])
    assert hired["black"].is_reference
    assert not hired["black"].below_four_fifths
    assert number(hired["black"].group.rate) == pytest.approx(
        bottom_line["expected"]["black_rate"], abs=5e-4
    )
    assert 1 / number(hired["white"].ratio) == pytest.approx(
        bottom_line["computed"]["ratio_black_over_white"], abs=5e-5
    )


@published
def test_one_different_person_among_small_numbers() -> None:
    given = example("ugesp_qa_small_numbers")
    groups = compared(given["groups"])
    black = groups["black"]
    assert black.ratio == Fraction(str(given["expected"]["ratio"]))
    assert black.below_four_fifths
    assert black.one_person_flips
    assert black.small
    assert not black.significant
    assert not black.beyond_standard_deviations
    assert number(black.standard_deviations) == pytest.approx(given["computed"]["z"], abs=5e-5)
    assert number(black.fisher_two_sided) == pytest.approx(given["computed"]["fisher"], abs=5e-7)


@published
def test_rosen_and_jerdee() -> None:
    given = example("rosen_jerdee_1974")
    rows = [
        Row((each["sex"],), 1, int(each["decision"] == "promoted"))
        for each in read("openintro_sex_discrimination.csv")
    ]
    for groups in (compared(given["groups"]), found(build(rows, ["sex"], UGESP, WORDING))):
        female = groups["female"]
        assert list(female.group.counts or ()) == given["groups"]["female"]
        assert number(female.ratio) == pytest.approx(given["computed"]["ratio"], abs=1e-12)
        assert number(female.fisher_two_sided) == pytest.approx(
            given["computed"]["fisher_two_sided"], rel=1e-9
        )


@published
def test_bertrand_and_mullainathan_by_race_sex_and_both() -> None:
    given = example("bertrand_mullainathan")
    groups = given["groups"]
    rows = [
        Row((race, sex), *groups[f"{race}_{sex[0]}"])
        for race in ("white", "black")
        for sex in ("female", "male")
    ]
    (section,) = build(rows, ["race", "sex"], UGESP, WORDING).sections
    assert [table.attributes for table in section.tables] == [
        ("race",),
        ("sex",),
        ("race", "sex"),
    ]
    by_race, by_sex, by_both = section.tables
    for table in (by_race, by_sex):
        for finding in table.findings:
            assert list(finding.group.counts or ()) == groups[finding.group.answers[0]]
    assert len(by_both.findings) == 4
    black = {finding.group.answers[0]: finding for finding in by_race.findings}["black"]
    assert number(black.ratio) == pytest.approx(
        given["computed"]["race_ratio_black_white"], abs=1e-12
    )


@published
def test_berkeley_is_told_department_by_department_and_pooled() -> None:
    given = example("ucb_admissions")
    rows = [
        Row(
            (each["Gender"].lower(),),
            int(each["Freq"]),
            int(each["Freq"]) if each["Admit"] == "Admitted" else 0,
            job=each["Dept"],
        )
        for each in read("UCBAdmissions.csv")
    ]
    report = build(rows, ["gender"], UGESP, WORDING)
    pooled = found(report)
    assert {name: list(each.group.counts or ()) for name, each in pooled.items()} == given["groups"]
    assert number(pooled["female"].ratio) == pytest.approx(0.682, abs=5e-4)
    departments = [found(report, each)["female"] for each in "ABCDEF"]
    assert sum(each.is_reference for each in departments) == 4


def test_the_scoring_example_of_new_yorks_rule() -> None:
    """6 RCNY 5-301(c), "culture fit": the ratios as the rule prints them."""
    applicants = {
        ("Male", "*"): (92, "0.543", "1.00"),
        ("Female", "*"): (76, "0.447", "0.82"),
        ("*", "Hispanic or Latino"): (28, "0.642", "1.00"),
        ("*", "White"): (40, "0.375", "0.58"),
        ("*", "Black or African American"): (32, "0.500", "0.78"),
        ("*", "Native Hawaiian or Pacific Islander"): (8, "0.625", "0.97"),
        ("*", "Asian"): (24, "0.417", "0.65"),
    }
    rows = [
        Row(answers, count, rate=Fraction(rate)) for answers, (count, rate, _) in applicants.items()
    ]
    (section,) = build(rows, ["sex", "race/ethnicity"], LL144, WORDING).sections
    printed = {
        next(each for each in answers if each != "*"): ratio
        for answers, (_, _, ratio) in applicants.items()
    }
    computed = {
        finding.group.answers[0]: f"{number(finding.ratio):.2f}"
        for table in section.tables
        for finding in table.findings
    }
    assert computed == printed
