"""Row 17: small files that unpack to much are refused at once, and nothing of them is kept in memory."""

import gzip
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.errors import SpecError
from evalhub.sandbox import expansion
from evalhub.sources import load
from evalhub.specs import load_card

MIB = 1 << 20
GROWTH = 200 * MIB


def packed_line(path: Path) -> None:
    """One line of 300 MB of JSON in a file of 0.3 MB."""
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b'{"text": "')
        for _ in range(300):
            file.write(b"a" * 1_000_000)
        file.write(b'"}\n')


def packed_rows(path: Path) -> None:
    """A million and a half rows of JSON."""
    row = b'{"text": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n'
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(150):
            file.write(row * 10_000)


def repeated_text(path: Path) -> None:
    """A text of 1 MB that a dictionary repeats a million times: 1 TB."""
    codes = pa.array([0] * 1_000_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"text": texts}), path, compression="zstd")


def repeated_list(path: Path) -> None:
    """The same in lists."""
    codes = pa.array([0] * 1_000_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 1_000_000]))
    lists = pa.ListArray.from_arrays(pa.array(range(0, 1_000_001, 10), pa.int32()), texts)
    pq.write_table(pa.table({"text": lists}), path, compression="zstd")


def packed_pages(path: Path) -> None:
    """Texts of 200 MB in pages that zstd makes small."""
    pq.write_table(
        pa.table({"text": ["y" * 200] * 1_000_000}), path, compression="zstd", use_dictionary=False
    )


BOMBS: list[tuple[Callable[[Path], None], str, str, str]] = [
    (packed_line, "t.jsonl.gz", "jsonl", "VARCHAR"),
    (packed_rows, "t.jsonl.gz", "jsonl", "VARCHAR"),
    (repeated_text, "t.parquet", "parquet", "VARCHAR"),
    (repeated_list, "t.parquet", "parquet", "VARCHAR[]"),
    (packed_pages, "t.parquet", "parquet", "VARCHAR"),
]


def resident(pid: int) -> int:
    """Return the memory of a process and of all that it started, in bytes."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(child)) for child in children)


@contextmanager
def watched() -> Iterator[list[int]]:
    """Note the memory of this process's children while the block runs."""
    own, sizes, ended = os.getpid(), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
            sizes.append(max((resident(int(child)) for child in children), default=0))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(("bomb", "name", "form", "kind"), BOMBS, ids=[bomb[0].__name__ for bomb in BOMBS])
def test_a_bomb_is_refused_in_a_second(
    mini: Any, tmp_path: Path, bomb: Callable[[Path], None], name: str, form: str, kind: str
) -> None:
    mini.load()  # the process that starts all others is there
    items = "SELECT 'i' AS item_id, text::VARCHAR AS prompt FROM t"

    def card_of(file: str, content: bytes, table: dict[str, Any]) -> Any:
        table = {"path": file, **table}
        return load_card(str(mini.write({file: content}, files={"t": table}, items=items, responses=None)))

    ordinary = json.dumps({"text": str(tmp_path)}).encode() + b"\n"
    with watched() as usual:
        load(*card_of("ordinary.jsonl", ordinary, {"format": "jsonl", "columns": {"text": "VARCHAR"}}))
    bomb(tmp_path / name)
    card = card_of(name, (tmp_path / name).read_bytes(), {"format": form, "columns": {"text": kind}})
    start = time.monotonic()
    with watched() as sizes, pytest.raises(SpecError, match="unpacks to more than it may"):
        load(*card)
    assert time.monotonic() - start < 3  # 1 s on a quiet machine
    assert max(sizes) - max(usual) < GROWTH  # more than an ordinary file takes


def test_what_grows_within_the_bound_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.gz"
    file.write_bytes(gzip.compress(b"a" * (60 * MIB)))
    expansion.refuse_gzip_bomb(file)
    file.write_bytes(gzip.compress(os.urandom(8 * MIB) + b"a" * (100 * MIB)))
    expansion.refuse_gzip_bomb(file)
