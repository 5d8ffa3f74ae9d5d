"""Lets the model libraries import where media packages were built for another torch."""

from __future__ import annotations

import sys
from importlib import metadata

_MEDIA = ("torchvision", "torchaudio", "torchcodec")


def hide_broken_media() -> tuple[str, ...]:
    """Make media packages look absent where torch is a CPU build and they are not.

    A CPU build of torch beside a CUDA build of torchvision breaks `import vllm` and parts of
    transformers. Call this before the first such import, in every process that needs one.

    Returns:
        The names of the hidden packages, empty where none is broken.
    """
    if not _version("torch").endswith("+cpu"):
        return ()
    hidden_names = tuple(
        name
        for name in _MEDIA
        if name not in sys.modules and _version(name) and not _version(name).endswith("+cpu")
    )
    for name in hidden_names:
        sys.modules[name] = None  # type: ignore[assignment]
    return hidden_names


def _version(name: str) -> str:
    """Return the installed version of a distribution, or nothing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
