"""Several scores of the same responses, by row, by item and by system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length, take
from evalhub.stats.correlation.coefficients import rounded


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that have every score.

    Args:
        scores: (k, n) finite numbers, each column rounded to 12 digits.
        items: (n,) codes of items.
        systems: (n,) codes of systems.
        clusters: (n,) codes of clusters.
        missing: Rows that lack a score.
        lost_items: Items without a complete row.
        lost_systems: Systems without a complete row.
    """

    scores: tuple[Floats, ...]
    items: Ints
    systems: Ints
    clusters: Ints
    missing: int
    lost_items: int
    lost_systems: int

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.items)

    @property
    def cluster_count(self) -> int:
        """Number of clusters."""
        return int(self.clusters.max(initial=-1)) + 1

    @property
    def system_count(self) -> int:
        """Number of systems."""
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
        scores: (n,) columns by name. None, NaN and infinite are missing.
        items: (n,) item ids.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one. None = the items.

    Returns:
        The rows.

    Raises:
        InputError: The columns differ in length, or a score is not a number.
    """
    clusters = items if clusters is None else clusters
    same_length({**scores, "items": items, "systems": systems, "clusters": clusters})
    columns = [floats(column) for column in scores.values()]
    present = np.all([~np.isnan(column) for column in columns], axis=0)
    (item, item_count), (system, system_count) = codes(items), codes(systems)
    item_codes, item = np.unique(item[present], return_inverse=True)
    system_codes, system = np.unique(system[present], return_inverse=True)
    return Rows(
        scores=tuple(rounded(column[present]) for column in columns),
        items=item.astype(np.int64),
        systems=system.astype(np.int64),
        clusters=codes(take(clusters, present))[0],
        missing=int(np.sum(~present)),
        lost_items=item_count - len(item_codes),
        lost_systems=system_count - len(system_codes),
    )
