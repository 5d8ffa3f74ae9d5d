"""The journal: what was acknowledged stays, whatever happens to the last bytes.

Row 23: a journal that is cut or zeroed at any byte of its last lines loses what was torn and nothing else.
"""

import os
from pathlib import Path

import pytest

from evalhub.errors import StorageError
from evalhub.records import Completion, Record
from evalhub.store import Journal, read_journal
from evalhub.store.journal import decode, encode


def record(number: int) -> Completion:
    return Completion(f"key-{number}", "model", "[]", text=f'text {number} é\n"quoted"', logprobs={"A": -0.5})


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal-0001.jsonl"
    with Journal(path) as opened:
        for number in range(8):
            opened.append(record(number))
    return path


def keys(path: Path) -> list[str]:
    return [record.key for record in read_journal(path) if isinstance(record, Completion)]


def test_what_is_written_is_read(journal: Path) -> None:
    assert list(read_journal(journal)) == [record(number) for number in range(8)]
    with Journal(journal) as opened:
        opened.append(record(8))
    assert list(read_journal(journal)) == [record(number) for number in range(9)]


@pytest.mark.parametrize("damage", ["cut", "zeroed"])
def test_a_tail_torn_at_any_byte_loses_only_what_it_tore(
    journal: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
    content = journal.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    for place in range(ends[4], len(content) + 1):
        journal.write_bytes(content[:place] + b"\0" * (len(content) - place if damage == "zeroed" else 0))
        n_records = sum(end <= place for end in ends)
        assert keys(journal) == [f"key-{number}" for number in range(n_records)]
        with Journal(journal) as opened:
            opened.append(record(99))
        assert keys(journal) == [*(f"key-{number}" for number in range(n_records)), "key-99"]
        assert journal.read_bytes() == content[: ends[n_records - 1]] + encode(record(99))


def test_a_damaged_line_costs_itself_alone(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    for place in range(0, len(lines[3]) - 1, 7):
        damaged = bytearray(lines[3])
        damaged[place] ^= 0x01
        journal.write_bytes(b"".join([*lines[:3], bytes(damaged), *lines[4:]]))
        with Journal(journal) as opened:
            opened.append(record(8))
        assert keys(journal) == [f"key-{number}" for number in (0, 1, 2, 4, 5, 6, 7, 8)]


def test_a_damaged_line_end_costs_the_two_lines_that_it_joins(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    joined = lines[3][:-1] + b"\x0b"
    journal.write_bytes(b"".join([*lines[:3], joined, *lines[4:]]))
    with Journal(journal) as opened:
        opened.append(record(8))
    assert keys(journal) == [f"key-{number}" for number in (0, 1, 2, 5, 6, 7, 8)]


def test_every_flipped_bit_of_a_line_is_noticed() -> None:
    line = encode(record(1))
    assert decode(line) == record(1)
    for place in range(len(line)):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[place] ^= 1 << bit
            assert decode(bytes(damaged)) is None, (place, bit)


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}\n", b'{"crc":0,}\n', b'{"crc":12\n', b"null\n", b"\xff\xfe\n"]
)
def test_what_is_no_line_is_none(line: bytes) -> None:
    assert decode(line) is None


def test_a_short_write_is_a_full_disk(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = journal.read_bytes()
    write = os.write
    with Journal(journal) as opened:
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        with pytest.raises(StorageError, match=r"journal-0001\.jsonl: .*disk is full.*free some room"):
            opened.append(record(8))
        assert journal.read_bytes() == before
        monkeypatch.undo()
        opened.append(record(9))
    assert keys(journal) == [*(f"key-{number}" for number in range(8)), "key-9"]


def test_a_refused_write_and_a_refused_sync(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with Journal(journal) as opened:
        with monkeypatch.context() as full:
            full.setattr(os, "write", refuse)
            with pytest.raises(StorageError, match="No space left on device") as error:
                opened.append(record(8))
            assert error.value.exit_code == 4
        with monkeypatch.context() as full:
            full.setattr(os, "fdatasync", refuse)
            with pytest.raises(StorageError, match="No space left on device"):
                opened.sync()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        Journal(tmp_path / "nowhere" / "journal-0001.jsonl")


def test_lines_are_synced_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    clock = iter(range(1000))
    monkeypatch.setattr(os, "fdatasync", synced.append)
    monkeypatch.setattr("evalhub.store.journal.SYNC_SECONDS", 60.0)
    monkeypatch.setattr("evalhub.store.journal.time.monotonic", lambda: float(next(clock)))
    with Journal(tmp_path / "j") as opened:
        for number in range(200):
            opened.append(record(number))
        assert len(synced) == 3
    assert len(synced) == 4


def test_added_lines_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    write = os.write
    with Journal(tmp_path / "j") as opened:
        monkeypatch.setattr(os, "write", lambda file, data: writes.append(file) or write(file, data))
        for number in range(5):
            opened.add(record(number))
        assert keys(tmp_path / "j") == []
        opened.write()
        assert len(keys(tmp_path / "j")) == 5
        opened.write()
        opened.add(record(5))
    assert len(writes) == 2
    assert len(keys(tmp_path / "j")) == 6


def test_every_record_is_one_line() -> None:
    record: Record = Completion("k", "m", "[]", text="a\nb\r\u2028c")
    assert encode(record).count(b"\n") == 1
    assert decode(encode(record)) == record


def test_a_long_write_goes_on_where_the_system_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call takes 2 GiB at most."""
    write = os.write
    with Journal(tmp_path / "j") as opened:
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
        for number in range(5):
            opened.add(record(number))
        opened.write()
        assert keys(tmp_path / "j") == [f"key-{number}" for number in range(5)]
        opened.append(record(5))
    assert len(keys(tmp_path / "j")) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    assert decode(encode(Completion("k", "m", "[]", text="NaN and Infinity", logprobs={"a": -0.5})))
    with pytest.raises(ValueError, match="logprobs is not finite"):
        encode(Completion("k", "m", "[]", logprobs={"a": value}))
    with pytest.raises(ValueError, match="values is not finite"):
        encode(Completion("k", "m", "[]", values=(0.5, value)))
