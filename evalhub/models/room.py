"""Says how much memory a model needs, and whether there is room."""

from __future__ import annotations

from evalhub.errors import ModelError
from evalhub.models.resolution import ResolvedModel

# Python, torch and the engine themselves, and the largest activations of one step.
ENGINE_BYTES = 3 * 2**29
# Weights are copied or repacked tensor by tensor while they are loaded.
_WEIGHTS = 1.15


def bytes_needed(model: ResolvedModel, *, expansion: float = 1.0, kv_cache_bytes: int = 2**31) -> int:
    """Return the memory that an engine with this model takes, in bytes.

    Args:
        model: The model, whose weight files are counted.
        expansion: Bytes in memory for each byte of the weight files.
        kv_cache_bytes: Size of the key-value cache.

    Returns:
        Weights, cache and the engine itself. An estimate on the safe side.
    """
    return int(model.weight_bytes * expansion * _WEIGHTS) + kv_cache_bytes + ENGINE_BYTES


def check_room(
    model: ResolvedModel, free_bytes: int, *, expansion: float = 1.0, kv_cache_bytes: int = 2**31
) -> None:
    """Check that a model fits into memory.

    Args:
        model: The model, whose weight files are counted.
        free_bytes: Memory that is free, on the device that will hold the model.
        expansion: Bytes in memory for each byte of the weight files.
        kv_cache_bytes: Size of the key-value cache.

    Raises:
        ModelError: There is no room.
    """
    required_bytes = bytes_needed(model, expansion=expansion, kv_cache_bytes=kv_cache_bytes)
    if required_bytes > free_bytes:
        raise ModelError(
            "no room for the model",
            where=model.id,
            value=f"{free_bytes / 2**30:.1f} GiB free",
            allowed=f"{required_bytes / 2**30:.1f} GiB or more",
            fix="free memory, give the engine a smaller key-value cache, or take a smaller model"
            f"{'; dtype: bfloat16 halves the weights' if expansion > 1 else ''}",
        )
