"""Writes the tensors of a GGUF file as one bfloat16 safetensors file, a slice of rows at a time.

Source: the safetensors format (8 bytes of header length, a JSON header, then the bytes).
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import ModelError
from evalhub.models.gguf_header import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SLICE = 1 << 20
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor on its way from the GGUF file to the safetensors file.

    Args:
        name: Its name in the safetensors file.
        tensor: Where it lies in the GGUF file.
        heads: Attention heads whose rotary halves lie interleaved and are put back, else 0.
        shift: Added to each value.
    """

    name: str
    tensor: Tensor
    heads: int = 0
    shift: float = 0.0


def write_weights(gguf: Path, target: Path, tensors: list[Placed]) -> None:
    """Write tensors as bfloat16, rounded to the nearest even.

    Args:
        gguf: The file to read.
        target: The safetensors file to write.
        tensors: What to write, in this order.

    Raises:
        ModelError: A tensor has a type that cannot be read, or reaches behind the file's end.
    """
    header, starts = _layout(tensors)
    with gguf.open("rb") as source, target.open("wb") as out:
        out.write(header)
        out.flush()
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
            jobs = [job for placed in tensors for job in _slices(placed, len(data), gguf.name)]
            workers = min(_WORKERS, os.cpu_count() or 1)
            with ThreadPoolExecutor(workers) as pool:
                done = pool.map(lambda job: _write_slice(job, data, out.fileno(), starts), jobs)
                for _ in done:
                    pass


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some rows of one tensor."""

    placed: Placed
    first: int
    rows: int
    columns: int
    row_bytes: int


def _layout(tensors: list[Placed]) -> tuple[bytes, dict[str, int]]:
    """Return the header's bytes and each tensor's place in the file."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    places: dict[str, int] = {}
    at = 0
    for placed in tensors:
        end = at + 2 * placed.tensor.elements
        entries[placed.name] = {
            "dtype": "BF16",
            "shape": list(placed.tensor.shape),
            "data_offsets": [at, end],
        }
        places[placed.name] = at
        at = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    return len(text).to_bytes(8, "little") + text, {name: start + at for name, at in places.items()}


def _slices(placed: Placed, end: int, where: str) -> Iterator[_Slice]:
    """Cut a tensor into slices of about a million values; one that is permuted stays whole."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    tensor = placed.tensor
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
    step = rows if placed.heads else max(1, _SLICE // columns)
    for first in range(0, rows, step):
        yield _Slice(placed, first, min(step, rows - first), columns, row_bytes)


def _write_slice(job: _Slice, data: mmap.mmap, out: int, starts: dict[str, int]) -> None:
    """Read, restore and write the rows of one slice."""
    import numpy as np
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    placed = job.placed
    at = placed.tensor.offset + job.first * job.row_bytes
    # A copy: a view would keep the mapping from being closed.
    raw = np.frombuffer(data[at : at + job.rows * job.row_bytes], dtype=np.uint8).reshape(
        job.rows, job.row_bytes
    )
    if placed.heads:
        raw = raw[_split_halves(job.rows, placed.heads)]
    values = dequantize(raw, GGMLQuantizationType(placed.tensor.kind))
    if placed.shift:
        values = values + np.float32(placed.shift)
    content = memoryview(to_bfloat16(values).tobytes())
    place = starts[placed.name] + 2 * job.first * job.columns
    while content:
        written = os.pwrite(out, content, place)
        content, place = content[written:], place + written


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
    odd = (bits >> 16) & 1
    odd += 0x7FFF
    odd += bits
    odd >>= 16
    return odd.astype(np.uint16)
