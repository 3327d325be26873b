"""`hirelog impact compute` on tables that somebody else made."""

import csv
import json
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from tests.api.cli.processes import Shell

PEOPLE = "sex,race,hired\nF,A,yes\nF,A,no\nF,B,yes\nM,A,yes\nM,B,yes\nM,,no\nF,I decline,no\n"


def computed(shell: Shell, file: Path, *options: object) -> dict[str, Any]:
    report: dict[str, Any] = shell.result("impact", "compute", file, *options)
    return report


def given(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "given.csv"
    file.write_text(text, encoding="utf-8")
    return file


def groups(report: dict[str, Any], table: int = 0) -> dict[str, Any]:
    return {
        "/".join(each["group"]): each for each in report["sections"][0]["tables"][table]["groups"]
    }


def test_people_line_by_line(shell: Shell, tmp_path: Path) -> None:
    report = computed(
        shell, given(tmp_path, PEOPLE), "--selected", "hired", "--by", "sex", "--by", "race"
    )
    by_sex, by_race, by_both = report["sections"][0]["tables"]
    assert groups(report)["F"]["rate"] == {"exact": "1/2", "value": 0.5}
    assert groups(report)["M"]["impact_ratio"]["exact"] == "1"
    assert (by_race["unknown"], by_race["declined"]) == (1, 1)
    assert by_both["attributes"] == ["sex", "race"]
    assert by_sex["unknown"] == 0
    assert report["policy"]["version"] == "1"
    assert report["wording"] == {"version": "1", "valid_from": "1978-01-01"}
    assert len(report["about"]["SHA-256 of the file"]) == 64


def test_a_published_table_with_percent_signs_and_thousands(shell: Shell, tmp_path: Path) -> None:
    text = (
        "Sex;Race;# of Applicants;Selection Rate;Impact Ratio\n"
        "Male;*;1,390;48%;1.00\nFemale;*;1,181;47%;0.979\n*;Asian;616;49%;1.00\n"
    )
    report = computed(shell, given(tmp_path, text), "--policy", "us-nyc-ll144")
    assert groups(report)["Female"]["impact_ratio"]["exact"] == "47/48"
    assert groups(report)["Female"]["applicants"] == 1181
    assert list(groups(report, 1)) == ["Asian"]
    assert "fisher_two_sided" not in groups(report)["Female"]


def test_scores_count_above_the_median(shell: Shell, tmp_path: Path) -> None:
    text = "sex,score\nF,1\nF,2.5\nM,3\nM,4\n"
    report = computed(shell, given(tmp_path, text), "--policy", "us-nyc-ll144")
    assert report["sections"][0]["median_score"]["exact"] == "11/4"
    assert groups(report)["F"]["selected"] == 0
    assert groups(report)["M"]["selected"] == 2


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", (), "which columns tell the groups"),
        ("sex,applicants\nF,1\n", (), "no column tells who was selected"),
        ("sex,applicants,selected\nF,10,11\n", (), "line 2 has more selected than applicants"),
        ("sex,applicants,selected\nF,1e9999999,1\n", (), "'applicants' has no number"),
        ("sex,applicants,selected\nF,1/0,1\n", (), "'applicants' has no number"),
        ("sex,applicants,selected\nF,2.5,1\n", (), "must count people"),
        ("sex,applicants,selected\nF,-2,1\n", (), "must count people"),
        ("sex,applicants,selected\nF,2\n", (), "another number of columns"),
        ("sex,rate\nF,140%\n", (), "lies between 0 and 1"),
        ("sex,selected\nAda Ruiz,maybe\n", (), "neither yes nor no"),
        ("sex,selected\nF,yes\n", ("--selected-value", "Yess"), "no line says 'yess'"),
        (
            "sex,selected\nF,yes\n",
            ("--by", "gender"),
            "no column 'gender'; there are sex, selected",
        ),
        ("sex,selected\n", (), "no rows"),
        ("sex,selected\nF,yes\n", ("--policy", "mars"), "there is no policy 'mars'"),
        ("sex,selected\nF,yes\n", ("--out", "x.pdf"), "must end with .html, .csv, .json"),
    ],
)
def test_a_table_that_makes_no_report_is_one_line_that_quotes_nobody(
    shell: Shell, tmp_path: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    refused = shell.run("impact", "compute", given(tmp_path, text), *options)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "Ruiz" not in refused.stderr


def test_the_files_say_the_same_and_run_nothing(shell: Shell, tmp_path: Path) -> None:
    text = (
        "group,applicants,selected\n<script>alert(1)</script>,100,60\n=1+1,100,45\nC,100,48\n,7,1\n"
    )
    files = [tmp_path / f"report{suffix}" for suffix in (".html", ".csv", ".json")]
    outs = [option for file in files for option in ("--out", str(file))]
    made = shell.run("impact", "compute", given(tmp_path, text), *outs)
    assert made.returncode == 0, made.stderr
    html, table, loaded = (file.read_text("utf-8") for file in files)

    lines = {line["group"]: line for line in csv.DictReader(table.splitlines())}
    assert lines["'=1+1"]["below_four_fifths"] == "True"  # a spreadsheet takes it for text
    assert float(lines["C"]["impact_ratio"]) == 0.8
    assert lines["C"]["below_four_fifths"] == "False"
    assert lines["(unknown)"]["applicants"] == "7"
    assert groups(json.loads(loaded))["C"]["impact_ratio"]["exact"] == "4/5"

    assert "<script" not in html
    assert "0.750" in html
    assert not re.search(r"""(src|href)=|url\(|@import|http""", html)
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    (chart,) = map(fromstring, charts)
    assert len(chart.findall("rect")) == 3
    (limit,) = (float(line.attrib["x1"]) for line in chart.findall("line"))
    *labels, _ = chart.findall("text")  # the last one is the line's own
    for label in labels:  # the line crosses none of them
        assert (limit > float(label.attrib["x"])) == (label.get("text-anchor") == "end")

    again = shell.run("impact", "compute", given(tmp_path, text), *outs)
    assert again.returncode == 2
    assert "File exists" in again.stderr


def test_the_policies_are_listed_with_their_law(shell: Shell) -> None:
    listed = shell.result("impact", "policies")
    assert {each["name"] for each in listed} == {"us-ugesp", "us-nyc-ll144"}
    assert all(each["legal_reference"] and each["valid_from"] for each in listed)
