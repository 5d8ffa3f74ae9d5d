"""Files of records: every record comes back as it went in, and a changed byte is found.

Row 7: any text comes back. Row 26: `verify` finds each of 100 flipped bits.
"""

import errno
import math
import random
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.errors import StorageError
from evalhub.files import file_sha256
from evalhub.records import KINDS, Completion, Record, sort_key
from evalhub.store import Run, read_records, verify, write_records
from evalhub.store.journal import decode, encode
from evalhub.store.parquet import in_storage_order

from ..by_hand import HandWriter

TEXT = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of one field's type."""
    if isinstance(hint, types.UnionType):
        return st.one_of(
            *(st.none() if option is type(None) else strategy(option) for option in typing.get_args(hint))
        )
    origin = typing.get_origin(hint)
    if origin is tuple:
        return st.lists(strategy(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(TEXT, NUMBERS, max_size=3)
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: strategy(kind) for name, kind in hints.items()})
    kinds: dict[type, st.SearchStrategy[Any]] = {
        str: TEXT, bool: st.booleans(), float: NUMBERS, int: st.integers(-(2**63), 2**63 - 1),
    }  # fmt: skip
    return kinds[hint]


def records(kind: str) -> st.SearchStrategy[Record]:
    hints = typing.get_type_hints(KINDS[kind])
    return st.builds(
        KINDS[kind], **{field.name: strategy(hints[field.name]) for field in fields(KINDS[kind])}
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_every_record_comes_back(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.lists(records(kind), max_size=5))
    path = tmp_path_factory.mktemp("file") / "0001.parquet"
    assert write_records(path, kind, rows) == file_sha256(path)
    assert list(read_records(path, kind)) == in_storage_order(rows)
    if kind != "completions":
        assert in_storage_order(rows) == sorted(rows, key=sort_key)
    for record in rows:
        assert decode(encode(record)) == record


def test_the_same_records_make_the_same_bytes(tmp_path: Path) -> None:
    rows = [Completion(f"k{n}", "m", "[]", text="t" * n, logprobs={"A": -n / 7}) for n in range(50)]
    sha256 = write_records(tmp_path / "a.parquet", "completions", rows)
    assert write_records(tmp_path / "b.parquet", "completions", rows[::-1]) == sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    writer = HandWriter.create(tmp_path)
    for number in range(40):
        writer.append(Completion(f"k{number}", "m", "[]", text="some text", logprobs={"A": -1.5, "B": -0.25}))
    writer.seal()
    writer.close()
    return Run(writer.path)


def test_verify_finds_every_flipped_bit(run: Run) -> None:
    (path,) = [file.path for file in run.files("completions")]
    content = path.read_bytes()
    record, finding = verify(run)
    assert (record.problem, finding.problem) == (None, None)
    assert finding.rows == 40
    rng = random.Random(5)
    for _ in range(100):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        _, finding = verify(run)
        assert finding.path == str(path.relative_to(run.path))
        assert "sha256" in (finding.problem or "")
    path.unlink()
    _, finding = verify(run)
    assert finding.problem == "the file is missing"


def test_reading_a_damaged_file_never_crashes(run: Run) -> None:
    (path,) = [file.path for file in run.files("completions")]
    content = path.read_bytes()
    rng = random.Random(6)
    refused = []
    for _ in range(100):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            list(read_records(path, "completions"))
        except StorageError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(path.name in sentence and "verify" in sentence for sentence in refused)
    for broken in (b"", content[:100], content[:-1], b"no parquet at all"):
        path.write_bytes(broken)
        with pytest.raises(StorageError):
            list(read_records(path, "completions"))


def test_a_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evalhub.files.sync", refuse)
    with pytest.raises(StorageError, match=r"0001\.parquet: .*No space left on device"):
        write_records(tmp_path / "0001.parquet", "completions", [Completion("k", "m", "[]")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_in_a_list_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    completion = Completion("k", "m", "[]", values=(0.5, value))
    with pytest.raises(ValueError, match="values is not finite"):
        write_records(tmp_path / "c.parquet", "completions", [completion])
    assert not (tmp_path / "c.parquet").exists()
