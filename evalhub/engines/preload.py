"""The allocator that a CPU engine is started with, which decides whether its large buffers are kept."""

from __future__ import annotations

import ctypes.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

TCMALLOC = "tcmalloc"
MALLOC = "malloc variables"

# glibc hands large buffers back to the kernel after each step. These make it keep them.
_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}
_NAMES = ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib")


def find_tcmalloc() -> str | None:
    """Return the path or name of a tcmalloc that the loader finds. None without one."""
    folders = [Path(sys.prefix) / "lib"]
    for root in map(Path, _FOLDERS):
        folders += [root, *root.glob("*-linux-gnu*")]
    for name in _NAMES:
        for folder in folders:
            if (folder / name).is_file():
                return str(folder / name)
    return ctypes.util.find_library("tcmalloc_minimal") or ctypes.util.find_library("tcmalloc")


def preload(environment: Mapping[str, str], tcmalloc: str | None) -> dict[str, str]:
    """Return the variables that give a process the better allocator.

    Args:
        environment: The variables of the process. Its own values win.
        tcmalloc: The library, or None where there is none.

    Example:
        >>> preload({}, "/lib/libtcmalloc_minimal.so.4")
        {'LD_PRELOAD': '/lib/libtcmalloc_minimal.so.4'}
    """
    loaded = environment.get("LD_PRELOAD", "")
    if "malloc" in loaded:
        return {}
    if tcmalloc:
        return {"LD_PRELOAD": f"{tcmalloc}:{loaded}".rstrip(":")}
    return {name: value for name, value in _MALLOC.items() if name not in environment}


def allocator_in_use() -> str | None:
    """Return which allocator this very process was given."""
    maps = Path("/proc/self/maps")
    if maps.exists() and TCMALLOC in maps.read_text(encoding="utf-8", errors="replace"):
        return TCMALLOC
    return MALLOC if all(name in os.environ for name in _MALLOC) else None
