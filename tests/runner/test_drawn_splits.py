"""A suite selects a split of a dataset that brings none: the one that training and calibration draw."""

from __future__ import annotations

from typing import Any

import pytest

from evalhub.analysis import Results
from evalhub.analysis.frames.splits import item_splits
from evalhub.errors import SpecError

ITEMS = [{"item_id": f"i{n:02}", "prompt": f"What is {n} plus {n}?", "refs": []} for n in range(40)]
CLUSTER = "'c' || (substr(item_id, 2)::INTEGER // 2) AS cluster"
SELECTED = f"SELECT item_id, prompt, {CLUSTER} FROM items"


def clusters_of_split(desk: Any, seed: int, split: str) -> dict[str, str]:
    """Return the cluster of each item that a suite keeps."""
    desk.suite(datasets=[{"id": "tiny", "split": split, "seed": seed}])
    records = list(desk.run().records("items"))
    assert {record.split for record in records} == {split}
    return {record.item_id: record.cluster for record in records}


@pytest.mark.parametrize("seed", [0, 7])
def test_the_two_halves_are_those_that_training_draws(desk: Any, seed: int) -> None:
    desk.dataset(items=ITEMS, card={"items": SELECTED})
    desk.suite(datasets=["tiny"])
    rows = item_splits(Results(desk.run()), seed).to_pylist()
    dev, test = clusters_of_split(desk, seed, "dev"), clusters_of_split(desk, seed, "test")
    assert set(dev) == {row["item_id"] for row in rows if row["split"] == "dev"}
    assert set(test) == {row["item_id"] for row in rows if row["split"] == "test"}
    assert len(dev) + len(test) == len(ITEMS)
    assert not set(dev.values()) & set(test.values())


def test_splits_of_the_dataset_itself_are_kept(desk: Any) -> None:
    split = "CASE WHEN item_id < 'i04' THEN 'dev' ELSE 'test' END AS split"
    desk.dataset(items=ITEMS, card={"items": SELECTED.replace("FROM", f", {split} FROM")})
    assert set(clusters_of_split(desk, 0, "dev")) == {"i00", "i01", "i02", "i03"}
    assert len(clusters_of_split(desk, 0, "test")) == 36


def test_a_dataset_that_is_named_by_its_path_has_the_halves_of_its_id(desk: Any) -> None:
    path = desk.dataset(items=ITEMS, card={"items": SELECTED})
    by_id = clusters_of_split(desk, 0, "dev")
    desk.suite(datasets=[{"id": str(path), "split": "dev"}])
    assert {record.item_id for record in desk.run().records("items")} == set(by_id)


def test_whole_clusters_are_drawn_and_more_of_them_hold_fewer(desk: Any) -> None:
    desk.dataset(items=ITEMS, card={"items": SELECTED})
    smaller: set[str] = set()
    for number in (1, 3, 7, 100):
        desk.suite(datasets=[{"id": "tiny", "clusters": number, "seed": 2}])
        records = list(desk.run().records("items"))
        clusters = {record.cluster for record in records}
        assert len(clusters) == min(number, 20)
        assert len(records) == 2 * len(clusters)
        assert smaller < clusters
        smaller = clusters


def test_clusters_are_drawn_from_what_split_and_limit_leave(desk: Any) -> None:
    desk.dataset(items=ITEMS, card={"items": SELECTED})
    desk.suite(datasets=[{"id": "tiny", "split": "test", "limit": 6, "clusters": 2}])
    records = list(desk.run().records("items"))
    assert {record.split for record in records} == {"test"}
    assert len({record.cluster for record in records}) == 2


def test_another_split_is_refused(desk: Any) -> None:
    desk.dataset(items=ITEMS, card={"items": SELECTED})
    desk.suite(datasets=[{"id": "tiny", "split": "train"}])
    with pytest.raises(SpecError, match="no item of the dataset is left"):
        desk.run()
