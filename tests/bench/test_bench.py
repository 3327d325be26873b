"""The benchmarks run on a small log and print what programs expect; how fast, no test says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import lag, rebuild
from tests.bench.bench import environ

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench", "--events", "500", "--seconds", "0.2"]
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
    assert ratios.keys() == measured | meanwhile | set(lag.RATIOS)
    assert all(isinstance(ratio, float) and ratio > 0 for ratio in ratios.values())


def test_figures_hold_what_was_measured(printed: dict[str, Any]) -> None:
    rebuilt, lags = printed["figures"]["rebuild"], printed["figures"]["lag"]
    for name in rebuild.MEASUREMENTS:
        assert rebuilt[f"{name}_events"] > 0
        assert rebuilt[f"{name}_events_per_second"] > 0
        assert rebuilt[f"{name}_peak_bytes"] > 0
    for rate in lag.RATES:
        assert (
            0 < lags[f"p50_ms_at_{rate}"] <= lags[f"p99_ms_at_{rate}"] <= lags[f"max_ms_at_{rate}"]
        )
        assert lags[f"reached_per_second_at_{rate}"] > 0
