"""A queue file is read whole or refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import InputError, StorageError
from evalhub.store import (
    LabelEntry,
    hash_texts,
    new_queue_path,
    queues_folder,
    read_queue,
    write_queue,
)

PAIR: dict[str, Any] = {
    "dataset": "d", "item_id": "i1", "system_a": "k", "system_b": "m", "sample": 0, "criterion": "overall",
    "probability": 0.25, "uniform": False, "prompt": "What?", "context": [], "response_a": "This.",
    "response_b": None,
}  # fmt: skip
RATING: dict[str, Any] = {
    "dataset": "d", "item_id": "i1", "system": "k", "sample": 1, "criterion": "quality", "probability": 1.0,
    "uniform": True, "prompt": "What?", "context": ["A document"], "response": "This.",
    "references": ["That."], "team": "a column of somebody",
}  # fmt: skip


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("row", [PAIR, RATING])
def test_what_is_written_is_read_again(tmp_path: Path, row: dict[str, Any]) -> None:
    path = tmp_path / "new folder" / "first queue.jsonl"
    write_queue(path, [row, {**row, "item_id": "i2"}])
    queue = read_queue(path)
    assert (queue.name, len(queue.units)) == ("first queue", 2)
    unit = queue.units[0]
    assert queue.is_pairwise == ("system_a" in row)
    names = ("dataset", "item_id", "criterion", "system", "system_a", "system_b", "sample")
    entry = LabelEntry(annotator="ann", **{name: getattr(unit, name) for name in names})
    assert unit.key == entry.unit
    assert unit.texts == hash_texts(unit.responses)
    with pytest.raises(InputError, match="the file exists already"):
        write_queue(path, [row])


def test_texts_become_valid(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({**PAIR, "prompt": "a\ud800b", "context": None}))
    unit = read_queue(path).units[0]
    assert (unit.prompt, unit.context) == ("a\ufffdb", ())


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "the queue is empty"),
        (["{"], "q.jsonl:1: the line is no JSON"),
        (["[1]"], "the line is no JSON object"),
        ([PAIR, without(PAIR, "dataset")], "q.jsonl:2:dataset: this key is required"),
        ([without(PAIR, "prompt")], "prompt: this key is required"),
        ([without(PAIR, "response_b")], "the line has no response_b"),
        ([without(RATING, "response")], "the line has no response"),
        ([without(PAIR, "system_b")], "names neither one response (system) nor a pair"),
        ([{**PAIR, "system": "k"}], "names neither one response (system) nor a pair"),
        ([{**PAIR, "system_a": "z"}], "the systems of a pair are not in their order"),
        ([{**PAIR, "probability": 0}], "probability"),
        ([{**PAIR, "uniform": "maybe"}], "uniform"),
        ([PAIR, PAIR], "q.jsonl:2: the queue has this line twice"),
        ([PAIR, {**PAIR, "criterion": "style"}], "a queue is about one criterion"),
        ([PAIR, {**RATING, "criterion": "overall"}], "of pairs or of responses"),
    ],
)
def test_a_bad_queue_is_refused_in_one_sentence(tmp_path: Path, lines: list[Any], sentence: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    with pytest.raises(InputError) as refused:
        read_queue(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the queue cannot be read"):
        read_queue(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="the queue cannot be read"):
        read_queue(tmp_path)
    (tmp_path / "q.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no UTF-8"):
        read_queue(tmp_path / "q.jsonl")


def test_a_queue_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the queue cannot be written"):
        write_queue(tmp_path / "file" / "q.jsonl", [PAIR])


def test_new_queues_have_names_of_their_own(tmp_path: Path) -> None:
    assert queues_folder(tmp_path / "runs") == tmp_path / "queues"
    first = new_queue_path(tmp_path, "a/b", "../overall", "2026-11-30")
    assert first == tmp_path / "a-b-..-overall-2026-11-30.jsonl"
    write_queue(first, [PAIR])
    assert new_queue_path(tmp_path, "a/b", "../overall", "2026-11-30").stem.endswith("-2")
