"""Several scores of the same responses: read together, then taken item by item or system by system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.correlation.coefficients import rounded


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that have every score.

    Args:
        scores: (k, n) finite numbers, each column rounded to 12 digits.
        items: (n,) codes of items.
        systems: (n,) codes of systems.
        clusters: (n,) codes of clusters.
        missing: Rows that were given but lack a score.
        items_gone: Items of which no row is left.
        systems_gone: Systems of which no row is left.
    """

    scores: tuple[Floats, ...]
    items: Ints
    systems: Ints
    clusters: Ints
    missing: int
    items_gone: int
    systems_gone: int

    @property
    def count(self) -> int:
        """Rows."""
        return len(self.items)

    @property
    def cluster_count(self) -> int:
        """Different clusters."""
        return int(self.clusters.max(initial=-1)) + 1

    @property
    def system_count(self) -> int:
        """Different systems."""
        return int(self.systems.max(initial=-1)) + 1

    def by_item(self) -> list[Ints]:
        """Return the indices of the rows of each item, in the order of the items' codes."""
        order = np.argsort(self.items, kind="stable")
        starts = np.flatnonzero(np.diff(self.items[order], prepend=-1))
        return np.split(order, starts[1:]) if len(order) else []

    def cluster_of(self, groups: list[Ints]) -> Ints:
        """Return the cluster of each group of rows, which is that of its first row."""
        return np.array([self.clusters[group[0]] for group in groups], dtype=np.int64)

    def system_means(self) -> tuple[Floats, ...]:
        """Return (systems,) means of each score."""
        sizes = np.bincount(self.systems)
        return tuple(rounded(np.bincount(self.systems, weights=column) / sizes) for column in self.scores)


def read_rows(
    scores: Mapping[str, Column], *, items: Column, systems: Column, clusters: Column | None
) -> Rows:
    """Keep the rows that have every score.

    Args:
        scores: (n,) columns by name; None, NaN and infinite = missing.
        items: (n,) item ids.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one; None = the items.

    Returns:
        The rows.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Example:
        >>> scores = {"x": [1, None], "y": [2, 3]}
        >>> kept = read_rows(scores, items=["p", "q"], systems=["s", "s"], clusters=None)
        >>> kept.count, kept.missing, kept.items_gone
        (1, 1, 1)
    """
    clusters = items if clusters is None else clusters
    same_length({**scores, "items": items, "systems": systems, "clusters": clusters})
    columns = [floats(column) for column in scores.values()]
    present = np.all([~np.isnan(column) for column in columns], axis=0)
    given = [codes(ids) for ids in (items, systems)]
    kept = [np.unique(members[present], return_inverse=True) for members, _ in given]
    return Rows(
        scores=tuple(rounded(column[present]) for column in columns),
        items=kept[0][1].astype(np.int64),
        systems=kept[1][1].astype(np.int64),
        clusters=codes(np.asarray(clusters)[present])[0],
        missing=int(np.sum(~present)),
        items_gone=given[0][1] - len(kept[0][0]),
        systems_gone=given[1][1] - len(kept[1][0]),
    )
