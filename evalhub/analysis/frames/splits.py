"""Which items of a run are for development and which for tests. Whatever trains a model follows this rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.results import Results
from evalhub.records import digest

if TYPE_CHECKING:
    import pyarrow as pa

DEV = "dev"
TEST = "test"
ALL = "all"
SPLITS = (DEV, TEST, ALL)
"""The splits by which items are selected."""

_ITEMS = f"""
SELECT dataset, item_id, cluster,
  dense_rank() OVER (ORDER BY dataset, cluster) - 1 AS cluster_number,
  bool_and(coalesce(split = '{DEV}', false)) OVER of_cluster AS is_dev,
  bool_and(coalesce(split = '{TEST}', false)) OVER of_cluster AS is_test,
  bool_or(split IS NOT NULL) OVER (PARTITION BY dataset) AS has_split
FROM items
WINDOW of_cluster AS (PARTITION BY dataset, cluster)
ORDER BY dataset, item_id"""


def item_splits(results: Results, seed: int) -> pa.Table:
    """Return the cluster and the split of each item of a run, sorted by dataset and item.

    Where a dataset brings splits, a cluster is `dev` if each of its items is `dev`, `test` if each is `test`,
    and else in no split. Of a dataset without a split about half of the clusters are `dev`, drawn with the
    seed, and the others `test`. The draw of a cluster depends only on its name, its dataset and the seed. The
    split of a cluster is that of the full run, also where a part of it is read.

    Columns: dataset, item_id, cluster, cluster_number (from 0, unique in the run), split (dev, test or
    absent), has_split (whether the dataset brings splits).

    Args:
        results: The run.
        seed: Seed of the draw of clusters.
    """
    import pyarrow as pa

    items = (results.full_run or results).arrow_of(_ITEMS)
    splits: list[str | None] = []
    for batch in items.to_batches(max_chunksize=65_536):
        splits += [
            (DEV if row["is_dev"] else TEST if row["is_test"] else None)
            if row["has_split"]
            else drawn_split(row["dataset"], row["cluster"], seed)
            for row in batch.to_pylist()
        ]
    columns = items.drop_columns(["is_dev", "is_test"])
    return columns.append_column("split", pa.array(splits, pa.string()))


def split_rules(items: pa.Table, seed: int, split: str = DEV) -> dict[str, str]:
    """Return in words how the items of a split were selected, by dataset.

    Args:
        items: As `item_splits` returns them.
        seed: The seed of the draw.
        split: A name in `SPLITS`.
    """
    rows = items.select(["dataset", "has_split"]).group_by(["dataset", "has_split"]).aggregate([]).to_pylist()
    has_split = {str(row["dataset"]): bool(row["has_split"]) for row in rows}
    return {dataset: _rule(split, seed, has_split=has_split[dataset]) for dataset in sorted(has_split)}


def _rule(split: str, seed: int, *, has_split: bool) -> str:
    if split == ALL:
        return "all clusters"
    return f"the split {split}" if has_split else f"about half of the clusters, seed {seed}"


def drawn_split(dataset: str, cluster: str, seed: int) -> str:
    """Return whether a cluster of a dataset that brings no splits is `dev` or `test`.

    Args:
        dataset: The dataset's name in the run.
        cluster: The cluster's name.
        seed: Seed of the draw.
    """
    return DEV if int(digest([seed, dataset, cluster])[:8], 16) % 2 == 0 else TEST
