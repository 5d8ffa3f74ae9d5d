"""Labels beside the runs: nothing is lost, nothing counts twice, torn lines are skipped.

Row 32: labels are only appended, each with who gave it and when, and an undo is a line of its own.
"""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import InputError, StorageError
from evalhub.scales import Order, Winner
from evalhub.store import (
    Decision,
    LabelEntry,
    LabelFile,
    labels_folder,
    labels_hash,
    read_entries,
    read_label_table,
    read_labels,
    write_label_table,
)

ROOT = Path(__file__).resolve().parent.parent.parent


def entry(number: int = 1, **changes: Any) -> LabelEntry:
    values: dict[str, Any] = {
        "annotator": "ann", "dataset": "d", "item_id": f"i{number}", "criterion": "overall", "system_a": "k",
        "system_b": "m", "winner": Winner.A, "shown": Order.BA, "probability": 0.25, "uniform": False,
        "confidence": 2, "note": "a note", "seconds": 3.5, "guideline": "v2", "time": "2026-11-29T00:00:00",
    }  # fmt: skip
    return LabelEntry(**{**values, **changes})


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    stored = [entry(1), entry(2, winner=None, decision=Decision.CANNOT_DECIDE, note="\u202e<b>\n=1+1")]
    LabelFile(tmp_path / "labels", "ann").append(*stored)
    assert read_entries(tmp_path / "labels") == stored


def test_the_last_line_counts_and_an_undo_takes_it_back(tmp_path: Path) -> None:
    file = LabelFile(tmp_path, "ann")
    file.append(entry(1), entry(2), entry(1, winner=Winner.B), entry(2, decision=Decision.UNDO, winner=None))
    (label,) = read_labels(tmp_path, ["d"])
    assert (label.item_id, label.winner) == ("i1", Winner.B)
    assert len(file.entries()) == 4
    file.append(entry(2))
    assert len(read_labels(tmp_path, ["d"])) == 2
    assert read_labels(tmp_path, ["other"]) == []


@pytest.mark.parametrize(
    "changes",
    [{"blind": False}, {"is_review": True}, {"repeat": 1},
     {"decision": Decision.CANNOT_DECIDE, "winner": None}],
)  # fmt: skip
def test_what_is_no_blind_first_decision_is_no_label(tmp_path: Path, changes: dict[str, Any]) -> None:
    LabelFile(tmp_path, "ann").append(entry(1, **changes))
    assert read_labels(tmp_path, ["d"]) == []
    assert len(read_entries(tmp_path)) == 1


def test_torn_and_damaged_lines_are_skipped_and_the_next_label_is_whole(tmp_path: Path) -> None:
    file = LabelFile(tmp_path, "ann")
    file.append(entry(1), entry(2))
    content = file.path.read_bytes()
    file.path.write_bytes(content.replace(b'"i1"', b'"iX"') + content[:40])
    file.append(entry(3))
    assert [stored.item_id for stored in file.entries()] == ["i2", "i3"]


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "a b", "x" * 101, "\u202eann"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot name an annotator"):
        LabelFile(tmp_path, name)


def test_a_full_disk_is_said_and_earlier_labels_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LabelFile(tmp_path, "ann")
    file.append(entry(1))
    write = os.write
    monkeypatch.setattr(os, "write", lambda number, data: write(number, bytes(data)[:5]))
    with pytest.raises(StorageError, match="the label cannot be stored"):
        file.append(entry(2))
    monkeypatch.undo()
    file.append(entry(3))
    assert [stored.item_id for stored in file.entries()] == ["i1", "i3"]


def test_a_killed_annotator_loses_no_label_and_doubles_none(tmp_path: Path) -> None:
    """The process says a number when its label is stored, and is killed at random moments."""
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from evalhub.store import LabelEntry, LabelFile
        from evalhub.scales import Winner
        file = LabelFile(Path(sys.argv[1]), "ann")
        for n in range(int(sys.argv[2]), 100000):
            file.append(LabelEntry(annotator="ann", dataset="d", item_id=f"i{n}", criterion="c",
                                   system_a="k", system_b="m", winner=Winner.A, note="x" * 500))
            print(n, flush=True)
        """
    )
    rng = random.Random(3)
    confirmed: list[int] = []
    for _ in range(6):
        start = confirmed[-1] + 1 if confirmed else 0
        command = [sys.executable, "-c", code, str(tmp_path), str(start)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split()
        confirmed += [start, *(int(number) for number in rest if number.isdigit())]
        confirmed = sorted(set(confirmed))
    numbers = [int(label.item_id[1:]) for label in read_labels(tmp_path, ["d"])]
    assert set(confirmed) <= set(numbers)
    assert len(set(numbers)) == len(numbers)


def test_the_hash_depends_on_the_labels_and_not_on_their_order() -> None:
    labels = [label for number in (1, 2) if (label := entry(number).as_label())]
    assert labels_hash(labels) == labels_hash(labels[::-1])
    assert labels_hash(labels) != labels_hash([labels[0], replace(labels[1], winner=Winner.B)])


def test_labels_lie_beside_the_runs(tmp_path: Path) -> None:
    assert labels_folder(tmp_path / "runs") == tmp_path / "labels"


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_what_is_exported_is_imported_again(tmp_path: Path, ending: str) -> None:
    stored = [
        entry(1, note="=cmd()", item_id="-i1"),
        entry(2, note='two\nlines, "quoted"'),
        entry(3, system_a=None, system_b=None, system="k", winner=None, value=2.5, uniform=None, shown=None),
    ]
    path = tmp_path / f"labels{ending}"
    assert write_label_table(path, stored) == 3
    assert list(read_label_table(path, {})) == stored
    if ending == ".csv":
        assert "'=cmd()" in path.read_text()


def test_a_pair_may_be_named_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("item_id,system_a,system_b,winner,shown\ni1,m,k,m,ab\ni2,m,k,a,\ni3,m,k,tie,\n")
    defaults = {"annotator": "ann", "dataset": "d", "criterion": "c"}
    entries = list(read_label_table(path, defaults))
    assert [(label.system_a, label.system_b, label.winner) for label in entries] == [
        ("k", "m", Winner.B), ("k", "m", Winner.B), ("k", "m", Winner.TIE),
    ]  # fmt: skip
    assert entries[0].shown is Order.BA


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "item_id,system,value,colour\ni,k,1,red\n", "unknown column"),
        ("x.csv", "item_id,system,value\ni,k,one\n", "this is no value"),
        ("x.csv", "item_id,system_a,system_b,winner\ni,k,m,c\n", "this is no winner"),
        ("x.csv", "item_id,system_a,system_b,winner\ni,k,k,a\n", "a pair needs two systems"),
        ("x.csv", "item_id,system_a,system_b\ni,k,m\n", "the pair has no winner"),
        ("x.csv", "item_id,system\ni,k\n", "the response has no value"),
        ("x.csv", "item_id,value\ni,1\n", "neither one response nor a pair"),
        ("x.csv", "system,value\nk,1\n", "the row has no item_id"),
        ("x.csv", "item_id,system,system_a,value\ni,k,m,1\n", "neither one response nor a pair"),
        ("x.jsonl", "[1]\n", "the line is no JSON object"),
        ("x.jsonl", "{\n", "the line is no JSON"),
        ("x.xlsx", "", "this is no file of labels"),
        ("x.csv", "item_id,system,value\ni,k,nan\n", "the value is not finite"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        list(read_label_table(path, {"annotator": "ann", "dataset": "d", "criterion": "c"}))


def test_a_file_that_is_no_utf8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"item_id\n\xff\xfe\n")
    with pytest.raises(InputError, match="no UTF-8"):
        list(read_label_table(path, {}))


def test_a_review_does_not_replace_a_blind_label(tmp_path: Path) -> None:
    LabelFile(tmp_path, "ann").append(entry(1), entry(1, is_review=True, blind=False, winner=Winner.B))
    (label,) = read_labels(tmp_path, ["d"])
    assert label.winner is Winner.A


def test_a_later_decision_in_another_queue_counts_also_if_it_is_none(tmp_path: Path) -> None:
    file = LabelFile(tmp_path, "ann")
    file.append(entry(1, queue="one"))
    file.append(entry(1, queue="two", decision=Decision.CANNOT_DECIDE, winner=None))
    assert read_labels(tmp_path, ["d"]) == []
    file.append(entry(1, queue="two", decision=Decision.UNDO, winner=None))
    assert len(read_labels(tmp_path, ["d"])) == 1


@pytest.mark.parametrize(
    "changes", [{"system_a": "m", "system_b": "k"}, {"probability": 1.3}, {"probability": 0.0}]
)
def test_an_entry_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        entry(1, **changes)


def test_a_line_of_another_version_is_said_and_not_skipped(tmp_path: Path) -> None:
    from evalhub.store.labels import _encode

    line = _encode(entry(1)).replace(b'"decision":"label"', b'"decision":"later"')
    body = b"{" + line.partition(b",")[2][:-1]
    (tmp_path / "ann.jsonl").write_bytes(b'{"crc":%d,' % zlib.crc32(body) + body[1:] + b"\n")
    with pytest.raises(StorageError, match="another version"):
        read_labels(tmp_path, ["d"])


def test_sides_and_names_of_systems_are_told_apart(tmp_path: Path) -> None:
    stored = [entry(1, system_a="b", system_b="c", winner=Winner.B, note="one\u2028two\u0085three")]
    path = tmp_path / "x.jsonl"
    write_label_table(path, stored)
    assert list(read_label_table(path, {})) == stored
