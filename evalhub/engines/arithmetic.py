"""The default type of the numbers that a model is computed in on a processor."""

from __future__ import annotations

from pathlib import Path

from evalhub.models import ResolvedModel

_CPUINFO = Path("/proc/cpuinfo")
# What x86 processors (flags) and ARM processors (Features) call instructions for bfloat16.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def choose_dtype(model: ResolvedModel) -> str:
    """Return bfloat16 on a processor, or float32 on one that has no instructions for bfloat16.

    Such a processor emulates bfloat16, and reads a prompt in four times the time that float32 takes.
    Quantized weights stay with bfloat16: their kernels compute in integers or take half precision alone.

    Args:
        model: Whose weights are computed with.
    """
    return "float32" if not model.quantized and not has_bfloat16() else "bfloat16"


def has_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16. True where it is unknown."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return True
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return not _BFLOAT16.isdisjoint(flags.split())
    return True


def expand_weights(model: ResolvedModel, dtype: str) -> float:
    """Return the bytes that one byte of the weight files takes in memory.

    Args:
        model: Whose files are read.
        dtype: The type that the engine computes in.
    """
    return 2.0 if dtype == "float32" and not model.quantized and model.dtype != "float32" else 1.0
