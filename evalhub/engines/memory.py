"""How much memory this process may still take."""

from __future__ import annotations

import contextlib
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_bytes() -> int | None:
    """Return the free memory in bytes, within the limit of a container. None where it is unknown."""
    limits = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        limits.append(1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")))
    for limit, usage in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(limit).read_text()) - _memory_in_use(int(Path(usage).read_text())))
    return max(0, min(limits)) if limits else None


def _memory_in_use(usage: int) -> int:
    """Return a container's use without the file cache, which is given up on demand."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/sys/fs/cgroup/memory.stat").read_text(encoding="ascii").splitlines():
            name, value = line.split()
            if name == "file":
                return max(0, usage - int(value))
    return usage
