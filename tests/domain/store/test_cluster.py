"""What the embedded server is given of the machine."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from domain import machine
from domain.store import cluster


@pytest.mark.parametrize(
    ("gigabytes", "limit", "megabytes"),
    [
        (1, None, 256),
        (8, None, 512),
        (64, None, 1024),
        (64, "max\n", 1024),
        (64, "1073741824\n", 256),
        (8, "9223372036854771712\n", 512),
    ],
)
def test_holds_in_memory_what_the_machine_or_container_can_spare(
    gigabytes: int,
    limit: str | None,
    megabytes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "limit"
    if limit is not None:
        file.write_text(limit)
    monkeypatch.setattr(machine, "_MEMORY_LIMITS", (file,))
    memory = SimpleNamespace(total=gigabytes << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert cluster.shared_buffers() == megabytes
