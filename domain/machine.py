"""What the machine has that this runs on."""

from contextlib import suppress
from pathlib import Path

import psutil

# Of a container, in each of the two ways in which kernels tell.
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory() -> int:
    """Bytes that this machine has, or that its container may take of them."""
    found: int = psutil.virtual_memory().total
    for limit in _MEMORY_LIMITS:
        with suppress(OSError, ValueError):  # the other way, or no limit
            found = min(found, int(limit.read_text()))
    return found
