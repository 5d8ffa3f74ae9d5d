"""What `datasets/quickstart.yaml` promises about its files, read as plain JSON."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import yaml

DATASETS = Path(__file__).parents[2] / "datasets"
FOLDER = DATASETS / "samples" / "quickstart"
SYSTEMS = ("copyist", "paraphraser", "rambler")
CORRECTNESS = {"padding": 2, "format": 2, "off_topic": 1}
WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+")


def rows(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def unigram_f(response: str, reference: str) -> float:
    """Word overlap as in ROUGE-1 F, with each Chinese character as a word."""
    left, right = (Counter(WORD.findall(text.lower())) for text in (response, reference))
    return 2 * (left & right).total() / (left.total() + right.total())


def overlaps(system: str) -> dict[str, float]:
    return {item: max(unigram_f(TEXTS[item, system], ref) for ref in ITEMS[item]["refs"]) for item in ITEMS}


ITEMS = {row["item_id"]: row for row in rows("items")}
TEXTS = {(row["item_id"], row["system"]): row["text"] for row in rows("responses")}
LABELS = rows("labels")


def test_card_names_the_bytes_that_are_there() -> None:
    card = yaml.safe_load((DATASETS / "quickstart.yaml").read_text(encoding="utf-8"))
    assert {spec["path"] for spec in card["files"].values()} == {path.name for path in FOLDER.iterdir()}
    for spec in card["files"].values():
        content = (FOLDER / spec["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == spec["sha256"]
        keys = {key for line in content.decode().splitlines() for key in json.loads(line)}
        assert keys == set(spec["columns"])


def test_ids_are_unique_and_tasks_and_defects_balanced() -> None:
    assert len(rows("items")) == len(ITEMS) == 66
    assert Counter(item["task"] for item in ITEMS.values()) == {
        "summarization": 22,
        "question-answering": 22,
        "instruction-following": 22,
    }
    assert Counter(item["defect"] for item in ITEMS.values()) == dict.fromkeys(CORRECTNESS, 22)
    by_cell = Counter((item["task"], item["defect"]) for item in ITEMS.values())
    assert len(by_cell) == 9
    assert min(by_cell.values()) >= 7
    assert {"en", "de", "es", "zh", "ar"} == {item["lang"] for item in ITEMS.values()}


def test_every_item_has_references_and_one_response_per_system() -> None:
    assert len(rows("responses")) == len(TEXTS)
    assert set(TEXTS) == {(item, system) for item in ITEMS for system in SYSTEMS}
    assert all(item["refs"] for item in ITEMS.values())
    assert sum(len(item["refs"]) > 1 for item in ITEMS.values()) >= 22
    assert all(item["context"] for item in ITEMS.values() if item["task"] == "summarization")


def test_texts_are_short_and_distinct() -> None:
    for item in ITEMS.values():
        texts = [
            item["prompt"],
            *item["context"],
            *item["refs"],
            *(TEXTS[item["item_id"], s] for s in SYSTEMS),
        ]
        assert all(text == text.strip() and 0 < len(text) <= 1200 for text in texts)
        assert sum(map(len, texts)) <= 2400
        assert len(texts) == len(set(texts))


def test_word_overlap_ranks_the_wrong_answers_above_the_right_ones() -> None:
    right, wrong = overlaps("paraphraser"), overlaps("copyist")
    assert max(right.values()) < 0.5 < 0.7 < min(wrong.values())
    for task in {item["task"] for item in ITEMS.values()}:
        ids = [item_id for item_id, item in ITEMS.items() if item["task"] == task]
        assert mean(right[item_id] for item_id in ids) < 0.4
        assert mean(wrong[item_id] for item_id in ids) > 0.8


def test_padding_is_long_and_the_right_answer_is_not_always_the_shorter_one() -> None:
    for item_id, item in ITEMS.items():
        if item["defect"] == "padding":
            assert len(TEXTS[item_id, "rambler"]) > 2 * len(TEXTS[item_id, "paraphraser"])
    longer = sum(len(TEXTS[item, "paraphraser"]) > len(TEXTS[item, "copyist"]) for item in ITEMS)
    assert 0.4 <= longer / len(ITEMS) <= 0.6


@pytest.mark.parametrize("defect", CORRECTNESS)
def test_labels_are_what_the_construction_implies(defect: str) -> None:
    ids = {item_id for item_id, item in ITEMS.items() if item["defect"] == defect}
    expected = Counter[tuple[Any, ...]]()
    for item in ids:
        expected[item, "overall", "copyist", "paraphraser", "b"] += 1
        expected[item, "overall", "paraphraser", "rambler", "a"] += 1
        if defect == "padding":
            expected[item, "overall", "copyist", "rambler", "b"] += 1
        for system, value in zip(SYSTEMS, (1, 3, CORRECTNESS[defect]), strict=True):
            expected[item, "correctness", system, value] += 1
    assert Counter(tuple(label.values()) for label in LABELS if label["item_id"] in ids) == expected


def test_every_label_names_an_item() -> None:
    assert {label["item_id"] for label in LABELS} == set(ITEMS)
