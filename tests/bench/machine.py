"""Names the machine: figures mean nothing without it."""

import os
import platform
from pathlib import Path

import psutil

from api.wiring import System
from tests.bench.result import Figure


def describe(system: System) -> dict[str, Figure]:
    """The processor, memory, versions, and how busy the machine was with other things."""
    with system.pool.connection() as connection:
        version = connection.info.parameter_status("server_version")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": version,
        "load_average": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
