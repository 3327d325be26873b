"""The benchmarks run on a small log and print what programs expect; how fast, no test says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import append, bulk, growth, http, lag, rebuild
from tests.bench.bench import environ

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench", "--events", "500", "--seconds", "0.02"]
    command += ["--grown", "5000"]
    ended = subprocess.run(
        [*command, "--json"],
        env=environ(tmp_path_factory.mktemp("unused")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_the_machine_is_named(printed: dict[str, Any]) -> None:
    assert {"cpu", "cores", "memory_gib", "python", "postgresql"} <= printed["machine"].keys()


def test_ratios_are_numbers_by_name(printed: dict[str, Any]) -> None:
    ratios = printed["ratios"]
    measured = {
        name for name, pair in rebuild.RATIOS.items() if {*pair} <= rebuild.MEASUREMENTS.keys()
    }
    meanwhile = {"appends_during_rebuild_vs_before"}
    appended = {*append.RATIOS, "long_vs_short_stream", *bulk.RATIOS, *growth.RATIOS}
    appended |= {*http.RATIOS}
    assert ratios.keys() == measured | meanwhile | set(lag.RATIOS) | appended
    assert all(isinstance(ratio, float) and ratio > 0 for ratio in ratios.values())


def test_figures_hold_what_was_measured(printed: dict[str, Any]) -> None:
    rebuilt, lags = printed["figures"]["rebuild"], printed["figures"]["lag"]
    for name in (*rebuild.MEASUREMENTS, "appends"):
        assert rebuilt[f"{name}_events"] > 0
        assert rebuilt[f"{name}_events_per_second"] > 0
        assert rebuilt[f"{name}_peak_bytes"] > 0
    for rate in lag.RATES:
        assert (
            0 < lags[f"p50_ms_at_{rate}"] <= lags[f"p99_ms_at_{rate}"] <= lags[f"max_ms_at_{rate}"]
        )
        assert lags[f"reached_per_second_at_{rate}"] > 0


def test_appends_are_measured_for_each_contender_and_number_of_writers(
    printed: dict[str, Any],
) -> None:
    figures = printed["figures"]["append"]
    for contender in append.CONTENDERS:
        for writers in append.CREWS:
            name = f"{contender}_{writers}"
            assert figures[f"{name}_appends_per_second"] > 0
            assert 0 < figures[f"{name}_p50_ms"] <= figures[f"{name}_p99_ms"]
    assert figures["long_stream_ms"] > 0
    assert figures["short_stream_ms"] > 0


def test_an_import_is_measured_as_a_whole(printed: dict[str, Any]) -> None:
    figures = printed["figures"]["import"]
    assert figures["events"] >= 500
    assert figures["import_peak_bytes"] > 0
    assert 0 < figures["import_seconds_first_to_last"] < figures["import_seconds"]
    for contender in bulk.TITLES:
        assert figures[f"{contender}_events_per_second"] > 0


def test_a_log_is_filled_to_two_sizes(printed: dict[str, Any]) -> None:
    figures = printed["figures"]["growth"]
    assert (figures["events_100k"], figures["events_5m"]) == (100, 5_000)
    for contender in ("ours", "control"):
        for writers in growth.WRITERS:
            for size in ("100k", "5m"):
                assert figures[f"{contender}_writers{writers}_appends_per_second_{size}"] > 0


def test_requests_are_measured_beside_constants_of_their_size(printed: dict[str, Any]) -> None:
    figures = printed["figures"]["http"]
    for name in http.TITLES:
        assert figures[f"{name}_bytes"] > 100
        for title in (name, f"{name}_constant"):
            assert figures[f"{title}_requests_per_second"] > 0
            assert 0 < figures[f"{title}_p50_ms"] <= figures[f"{title}_p99_ms"]
            assert figures[f"{title}_errors"] == 0
