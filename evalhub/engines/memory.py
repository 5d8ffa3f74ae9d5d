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
    """Return the free memory in bytes, within the limit of a container. None where nobody says."""
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        found.append(1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")))
    for limit, used in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):
            found.append(int(Path(limit).read_text()) - _held(int(Path(used).read_text())))
    return max(0, min(found)) if found else None


def _held(used: int) -> int:
    """Return a container's use without the file cache, which is given up on demand."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/sys/fs/cgroup/memory.stat").read_text(encoding="ascii").splitlines():
            name, value = line.split()
            if name == "file":
                return max(0, used - int(value))
    return used
