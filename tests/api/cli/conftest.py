"""A shell, and a data directory to use it on, for each file of tests."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.store.embedded import attach
from migrations.bootstrap import DATABASE, SERVICE
from tests.api.cli.histories import FACTS
from tests.api.cli.processes import ENVIRON, FORKS, Home, Shell, process


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKS],
        env=ENVIRON,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forks:
        yield Shell(forks)


@pytest.fixture(scope="module")
def home(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A data directory with a small import; tests add to it, but not to its two candidates."""
    file = tmp_path_factory.mktemp("facts") / "history.ndjson"
    file.write_text("".join(FACTS))
    data_dir = tmp_path_factory.mktemp("cli") / "data"
    with process("project", "--data-dir", data_dir) as early:
        assert early.wait(20) == 2  # it makes no data directory
    report = shell.result("import", file, "--format", "ndjson", "--data-dir", data_dir)
    assert (report["candidates"], report["interactions"]) == (2, 5)
    assert (report["added_events"], report["repeated"]) == (6, 0)
    assert report["broken_rules"] == [{"type": "advanced", "rule": "unknown-stage", "count": 1}]
    with attached(data_dir) as home:
        yield home


@pytest.fixture(scope="module")
def company(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A data directory with a small demonstration company."""
    data_dir = tmp_path_factory.mktemp("company") / "data"
    shell.done("demo", "--candidates", 120, "--no-serve", "--data-dir", data_dir)
    with attached(data_dir) as home:
        yield home


@contextmanager
def attached(data_dir: Path) -> Iterator[Home]:
    """Its server runs meanwhile; then it is deleted."""
    with attach(data_dir) as server:
        yield Home(data_dir, server.conninfo(SERVICE, DATABASE))
    deadline = time.monotonic() + 20
    while (data_dir / "postgres/postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(data_dir)  # a cluster is too large to keep
