"""Writes the tensors of a GGUF file as one safetensors file, a slice of rows at a time.

Values become bfloat16, or 8-bit integers with one scale a row.

Source: the safetensors format (8 bytes of header length, a JSON header, then the bytes).
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import ModelError
from evalhub.models.gguf.header import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SLICE = 1 << 20
_WORKERS = 8
_BYTES = {"BF16": 2, "F32": 4, "I8": 1}
_SCALE = "_scale"


@dataclass(frozen=True, slots=True)
class TensorPlacement:
    """One tensor on its way from the GGUF file to the safetensors file.

    Args:
        name: Its name in the safetensors file.
        tensor: Its place in the GGUF file.
        heads: Attention heads whose interleaved rotary halves are put back, else 0.
        shift: Added to each value.
        int8: Whether it is written as `int8_rows` does. Its scales get its name with `_scale` behind.
    """

    name: str
    tensor: Tensor
    heads: int = 0
    shift: float = 0.0
    int8: bool = False


def write_weights(gguf: Path, target: Path, tensors: list[TensorPlacement]) -> None:
    """Write tensors as bfloat16, rounded to the nearest even, or as 8-bit integers and scales.

    Args:
        gguf: The file to read.
        target: The safetensors file to write.
        tensors: The tensors in the order of the file.

    Raises:
        ModelError: A tensor has a type that cannot be read, or reaches behind the file's end.
    """
    header, starts = _layout(tensors)
    with gguf.open("rb") as source, target.open("wb") as out:
        out.write(header)
        out.flush()
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
            jobs = [job for placement in tensors for job in _slices(placement, len(data), gguf.name)]
            workers = min(_WORKERS, os.cpu_count() or 1)
            with ThreadPoolExecutor(workers) as pool:
                results = pool.map(lambda job: _write_slice(job, data, out.fileno(), starts), jobs)
                for _ in results:
                    pass


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some rows of one tensor."""

    placement: TensorPlacement
    first: int
    rows: int
    columns: int
    row_bytes: int


def _layout(tensors: list[TensorPlacement]) -> tuple[bytes, dict[str, int]]:
    """Return the header's bytes and each tensor's place in the file."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offsets: dict[str, int] = {}
    offset = 0
    for name, dtype, shape in (entry for placement in tensors for entry in _entries(placement)):
        end = offset + _BYTES[dtype] * math.prod(shape)
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offsets[name] = offset
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    return len(text).to_bytes(8, "little") + text, {name: start + offset for name, offset in offsets.items()}


def _entries(placement: TensorPlacement) -> Iterator[tuple[str, str, list[int]]]:
    """Yield name, type and shape of the written tensors. Scales come first, before bytes."""
    shape = list(placement.tensor.shape)
    if not placement.int8:
        yield placement.name, "BF16", shape
        return
    yield placement.name + _SCALE, "F32", [math.prod(shape[:-1]), 1]
    yield placement.name, "I8", shape


def _slices(placement: TensorPlacement, end: int, where: str) -> Iterator[_Slice]:
    """Cut a tensor into slices of about a million values. A permuted tensor is one slice."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    tensor = placement.tensor
    try:
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.kind)]
    except (ValueError, KeyError):
        raise ModelError(
            "a tensor has an unknown type", where=f"{where}: {tensor.name}", value=tensor.kind
        ) from None
    columns = tensor.shape[-1]
    rows = tensor.elements // columns
    row_bytes = columns // block * size
    if columns % block or tensor.offset + rows * row_bytes > end:
        raise ModelError("a tensor does not fit its file", where=f"{where}: {tensor.name}")
    step = rows if placement.heads else max(1, _SLICE // columns)
    for first in range(0, rows, step):
        yield _Slice(placement, first, min(step, rows - first), columns, row_bytes)


def _write_slice(job: _Slice, data: mmap.mmap, out: int, starts: dict[str, int]) -> None:
    """Read, restore and write the rows of one slice."""
    import numpy as np
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    placement = job.placement
    offset = placement.tensor.offset + job.first * job.row_bytes
    # A copy: a view would keep the mapping from being closed.
    raw = np.frombuffer(data[offset : offset + job.rows * job.row_bytes], dtype=np.uint8).reshape(
        job.rows, job.row_bytes
    )
    if placement.heads:
        raw = raw[_split_halves(job.rows, placement.heads)]
    values = dequantize(raw, GGMLQuantizationType(placement.tensor.kind))
    if placement.shift:
        values = values + np.float32(placement.shift)
    name = placement.name
    if placement.int8:
        values, scales = int8_rows(values)
        _write_at(out, scales.tobytes(), starts[name + _SCALE] + 4 * job.first)
        _write_at(out, values.tobytes(), starts[name] + job.first * job.columns)
    else:
        _write_at(out, to_bfloat16(values).tobytes(), starts[name] + 2 * job.first * job.columns)


def _write_at(out: int, content: bytes, place: int) -> None:
    """Write all of the bytes at a place of the file."""
    remaining = memoryview(content)
    while remaining:
        count = os.pwrite(out, remaining, place)
        remaining, place = remaining[count:], place + count


def _split_halves(rows: int, heads: int) -> NDArray[np.intp]:
    """Return the row order that undoes the interleaving of each head's rotary halves."""
    import numpy as np

    return np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the bits of finite float32 values as bfloat16, rounded to the nearest, ties to even.

    Args:
        values: Finite numbers of any shape.

    Returns:
        As many 16-bit patterns.

    Example:
        >>> import numpy as np
        >>> to_bfloat16(np.array([1.0, -2.0], dtype=np.float32)).tolist()
        [16256, 49152]
    """
    import numpy as np

    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (bits >> 16) & 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    return rounded.astype(np.uint16)


def int8_rows(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row to whole multiples of its largest absolute value / 127.

    Args:
        values: Finite numbers, [rows, columns].

    Returns:
        Integers -127..127 of the same shape, and the rows' scales above 0, [rows, 1].

    Source: symmetric per-channel quantization, Nagel et al., A White Paper on Neural Network
    Quantization, arXiv 2106.08295, section 2.

    Example:
        >>> import numpy as np
        >>> integers, scales = int8_rows(np.array([[1.27, -0.5], [0.0, 0.0]], dtype=np.float32))
        >>> integers.tolist(), [round(float(scale), 4) for scale in scales[:, 0]]
        ([[127, -50], [0, 0]], [0.01, 1.0])
    """
    import numpy as np

    scales = np.abs(values).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(values / scales).astype(np.int8), scales
