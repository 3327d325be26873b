"""Where the rules have an edge: which side of it a number falls on."""

from datetime import date
from fractions import Fraction

import pytest

from projections.adverse_impact.analysis import Finding, Group, findings, one_person_flips
from projections.adverse_impact.answers import Silence, wording, wordings
from projections.adverse_impact.policies import NoPolicy, policies, policy
from projections.adverse_impact.report import CannotCompute, Row, Table, build
from projections.adverse_impact.significance import difference, fisher_exact

UGESP = policy("us-ugesp", date(2026, 11, 23))
LL144 = policy("us-nyc-ll144", date(2026, 11, 23))
WORDING = wording(date(2026, 11, 23))


def by_name(table: Table) -> dict[str, Finding]:
    return {" ".join(finding.group.answers): finding for finding in table.findings}


def of(**groups: tuple[int, int]) -> dict[str, Finding]:
    made = [Group.counted((name,), *counts) for name, counts in groups.items()]
    return {finding.group.answers[0]: finding for finding in findings(made, UGESP)}


def test_exactly_four_fifths_is_not_flagged_and_a_hair_less_is() -> None:
    # As floats (3/5) / (6/8) is 0.7999999999999999.
    groups = of(men=(8_000, 6_000), women=(5_000, 3_000), others=(5_000, 2_999))
    assert groups["women"].ratio == Fraction(4, 5)
    assert groups["women"].below_four_fifths is False
    assert groups["others"].below_four_fifths is True
    assert groups["men"].below_four_fifths is None


def test_exactly_two_standard_deviations_are_not_beyond_two() -> None:
    gap = difference(50, 20, 50, 30)
    assert gap is not None
    assert gap.standard_deviations == -2
    assert not gap.beyond(Fraction(2))
    assert gap.beyond(Fraction(199, 100))


def test_a_group_below_two_percent_has_a_rate_but_no_ratio_and_is_nobodys_reference() -> None:
    groups = of(men=(500, 100), women=(481, 96), few=(19, 19))
    assert groups["few"].share == Fraction(19, 1000)
    assert groups["few"].excluded
    assert groups["few"].group.rate == 1
    assert groups["few"].ratio is None
    assert groups["men"].is_reference
    assert not of(men=(500, 100), women=(480, 96), few=(20, 20))["few"].excluded


def test_one_different_person_can_take_a_group_below_as_well() -> None:
    just_above = Group.counted(("women",), 10, 4), Group.counted(("men",), 10, 5)
    assert one_person_flips(*just_above, Fraction(4, 5))
    far_above = Group.counted(("women",), 1000, 500), Group.counted(("men",), 1000, 500)
    assert not one_person_flips(*far_above, Fraction(4, 5))


def test_nobody_selected_gives_no_ratio_and_no_trouble() -> None:
    groups = of(men=(10, 0), women=(10, 0), nobody=(0, 0))
    assert [finding.ratio for finding in groups.values()] == [None, None, None]


def test_everybody_selected_has_no_standard_deviation() -> None:
    groups = of(men=(10, 10), women=(10, 10))
    assert groups["women"].ratio == 1
    assert groups["women"].standard_deviations is None
    assert groups["women"].fisher_two_sided == 1


def test_a_million_applicants_are_tested_as_exactly_as_ten() -> None:
    exact = fisher_exact(120_000, 380_000, 121_000, 379_000)
    # The normal approximation, good to a few parts in a thousand at this size.
    gap = difference(500_000, 120_000, 500_000, 121_000)
    assert gap is not None
    assert gap.standard_deviations == pytest.approx(-2.3381, abs=1e-4)
    assert exact.two_sided == pytest.approx(0.01946, abs=1e-4)


def test_declined_is_not_unknown_and_both_are_counted_apart() -> None:
    rows = [
        Row(("female", "asian"), 10, 5),
        Row(("male", "white"), 10, 5),
        Row(("male", "Prefer not to say"), 3, 1),
        Row(("", "I don't wish to answer"), 2, 1),
        Row(("N/A", "white"), 4, 2),
    ]
    (section,) = build(rows, ["sex", "race"], UGESP, WORDING).sections
    sex, race, both = section.tables
    assert [(table.unknown, table.declined) for table in (sex, race, both)] == [
        (6, 0),
        (0, 5),
        (6, 3),
    ]
    assert by_name(sex)["male"].group.counts == (13, 6)
    assert by_name(race)["white"].group.counts == (14, 7)
    assert set(by_name(both)) == {"female asian", "male white"}


@pytest.mark.parametrize(
    ("said", "silence"),
    [
        ("White (Not Hispanic or Latino)", None),
        ("None", None),  # of a religion, a disability
        ("false", None),
        ("Refugee", None),
        ("Decline To Self Identify", Silence.DECLINED),
        ("I do not wish to answer.", Silence.DECLINED),
        ("MÖCHTE ICH NICHT SAGEN", Silence.DECLINED),
        ("Keine Angabe", Silence.DECLINED),
        ("Je préfère ne pas répondre", Silence.DECLINED),
        ("Je pre\u0301fe\u0300re ne pas répondre", Silence.DECLINED),
        ("Prefiero no decirlo", Silence.DECLINED),
        ("Preferisco non rispondere", Silence.DECLINED),
        ("Prefiro não responder", Silence.DECLINED),
        ("Zeg ik liever niet", Silence.DECLINED),
        ("Wolę nie odpowiadać", Silence.DECLINED),
        ("  ", Silence.UNKNOWN),
        ("n/a", Silence.UNKNOWN),
        ("Not Specified", Silence.UNKNOWN),
        ("Non renseigné", Silence.UNKNOWN),
    ],
)
def test_answers_as_forms_word_them(said: str, silence: Silence | None) -> None:
    assert WORDING.silence(said) is silence


def test_the_same_answer_is_one_group_as_most_people_wrote_it() -> None:
    rows = [
        Row(("male",), 3, 1),
        Row(("Male",), 10, 5),
        Row((" MALE ",), 1, 1),
        Row(("Non  Binary",), 4, 2),
        Row(("non binary",), 4, 1),
    ]
    (section,) = build(rows, ["sex"], UGESP, WORDING).sections
    found = {name: finding.group.counts for name, finding in by_name(section.tables[0]).items()}
    assert found == {"Male": (14, 7), "Non Binary": (8, 3)}
    to_the_letter = WORDING.model_copy(update={"same_but_for": frozenset()})
    (section,) = build(rows, ["sex"], UGESP, to_the_letter).sections
    assert len(section.tables[0].findings) == 5


def test_the_wording_is_the_version_that_held_on_the_day() -> None:
    days = [each.valid_from for each in wordings()]
    assert days == sorted(set(days))
    assert [wording(day).valid_from for day in days] == days
    assert wording(date(1900, 1, 1)) == wordings()[0]


def test_a_score_counts_when_it_is_above_the_median_of_all_unknown_ones_included() -> None:
    scores = {"female": (50, 60, 70), "male": (60, 80, 90), "": (95,)}
    rows = [Row((sex,), 1, score=Fraction(score)) for sex in scores for score in scores[sex]]
    (section,) = build(rows, ["sex"], LL144, WORDING).sections
    assert section.median == 70
    found = by_name(section.tables[0])
    assert found["female"].group.counts == (3, 0)  # 70 is the median, not above it
    assert found["male"].group.counts == (3, 2)
    assert section.tables[0].unknown == 1


def test_stages_jobs_and_periods_stand_apart_and_stages_are_not_added_up() -> None:
    rows = [
        Row(("f",), 10, 4, job="Cook", period="2026"),
        Row(("f",), 10, 5, job="Waiter", period="2025"),
        Row(("f",), 10, 9, stage="Phone", job="Cook", period="2026"),
    ]
    report = build(rows, ["sex"], UGESP, WORDING)
    counts = {
        (section.scope, section.name): section.tables[0].findings[0].group.counts
        for section in report.sections
    }
    assert counts == {
        ("whole process", None): (20, 9),
        ("stage", "Phone"): (10, 9),
        ("job", "Cook"): (10, 4),
        ("job", "Waiter"): (10, 5),
        ("period", "2025"): (10, 5),
        ("period", "2026"): (10, 4),
    }


def test_rates_of_two_rows_are_not_added_up() -> None:
    rows = [Row(("f",), rate=Fraction(1, 2)), Row(("f",), rate=Fraction(1, 3))]
    with pytest.raises(CannotCompute, match="cannot be added up"):
        build(rows, ["sex"], UGESP, WORDING)


def test_a_policy_is_the_version_that_held_on_the_day() -> None:
    for each in policies():
        assert policy(each.name, each.valid_from).valid_from == each.valid_from
        assert each.legal_reference
    with pytest.raises(NoPolicy, match="holds from 2023-07-05 on"):
        policy("us-nyc-ll144", date(2023, 7, 4))
    with pytest.raises(NoPolicy, match="there are us-nyc-ll144, us-ugesp"):
        policy("eu", date(2026, 1, 1))


def test_new_york_asks_for_ratios_alone() -> None:
    groups = [Group.counted(("m",), 100, 50), Group.counted(("f",), 100, 30)]
    (_, female) = findings(groups, LL144)
    assert female.ratio == Fraction(3, 5)
    assert female.below_four_fifths is None
    assert female.fisher_two_sided is None
    assert female.standard_deviations is None
