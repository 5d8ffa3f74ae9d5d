"""Two columns of categories as one table of counts for each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.stats.agreement.ratings import coded
from evalhub.stats.clusters import Column, Floats, Ints, Texts, categories, codes, floats, same_length, take
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Ends, with_ends


@dataclass(frozen=True, slots=True)
class CrossTable:
    """The rows that have both categories, as codes.

    Args:
        first: (n,) codes of the judge's categories.
        second: (n,) codes of the labels' categories.
        members: (n,) cluster codes.
        k: Number of categories.
        clusters: Number of clusters.
        n_excluded: Rows that lack one of the two.
        names: (k,) categories by code. Empty where the caller passed the levels.
    """

    first: Ints
    second: Ints
    members: Ints
    k: int
    clusters: int
    n_excluded: int
    names: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.first)

    def cells(self) -> Floats:
        """Return the (clusters, k, k) counts."""
        cell = (self.members * self.k + self.first) * self.k + self.second
        counts = np.bincount(cell, minlength=self.clusters * self.k**2)
        return counts.reshape(self.clusters, self.k, self.k).astype(np.float64)

    def estimate(self, value: float | None, ends: Ends) -> Estimate:
        """Return an estimate with the counts of the rows."""
        return with_ends(value, ends, n=self.n, clusters=self.clusters, n_excluded=self.n_excluded)


def cross_table(
    judge: Column,
    labels: Column,
    clusters: Column,
    levels: Sequence[object] | None,
    *,
    numbers: bool = False,
) -> CrossTable | str:
    """Read the rows that have both categories, or return the reason why there is no such row.

    Args:
        judge: (n,) categories. None = no verdict.
        labels: (n,) categories. None = no label.
        clusters: (n,) cluster ids.
        levels: All categories, lowest first. None = those that occur.
        numbers: Whether categories are numbers, in their order.
    """
    n = same_length({"judge": judge, "labels": labels, "clusters": clusters})
    columns: list[Floats] | list[Texts]
    if numbers:
        columns = [floats(judge), floats(labels)]
        complete = ~np.isnan(columns[0] + columns[1])
    elif levels is not None:
        columns = [coded(column, levels)[0] for column in (judge, labels)]
        complete = ~np.isnan(columns[0] + columns[1])
    else:
        (verdicts, has_verdict), (truth, has_label) = categories(judge), categories(labels)
        columns, complete = [verdicts, truth], has_verdict & has_label
    if not complete.any():
        return "no row has both a verdict and a label"
    values, code = np.unique(np.stack([column[complete] for column in columns]), return_inverse=True)
    code = code.reshape(2, -1).astype(np.int64)
    k = len(values)
    names: tuple[str, ...] = ()
    if levels is not None:
        code, k = values.astype(np.int64)[code], len(levels)
    else:
        names = tuple(map(str, values))
    members, count = codes(take(clusters, complete))
    return CrossTable(code[0], code[1], members, k, count, int(n - complete.sum()), names)
