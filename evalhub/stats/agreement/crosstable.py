"""Two columns of categories as one table of counts for each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.stats.agreement.ratings import coded
from evalhub.stats.clusters import Column, Floats, Ints, Texts, categories, codes, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Ends, Options, with_ends


@dataclass(frozen=True, slots=True)
class CrossTable:
    """The rows that have both, as codes.

    Args:
        first: (n,) codes of the judge's categories.
        second: (n,) codes of the labels' categories.
        members: (n,) cluster codes.
        k: Number of categories.
        clusters: Number of clusters.
        left_out: Rows that lack one of the two.
        names: (k,) categories by code; empty where the caller gave the levels.
    """

    first: Ints
    second: Ints
    members: Ints
    k: int
    clusters: int
    left_out: int
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

    def estimate(self, value: float | None, ends: Ends, options: Options) -> Estimate:
        """Return an estimate about the rows."""
        return with_ends(
            value, ends, level=options.level, n=self.n, clusters=self.clusters, left_out=self.left_out
        )


def cross_table(
    judge: Column,
    labels: Column,
    clusters: Column,
    levels: Sequence[object] | None,
    *,
    numbers: bool = False,
) -> CrossTable | str:
    """Read the rows that have both; without any, why.

    Args:
        judge: (n,) categories; None = no verdict.
        labels: (n,) categories; None = no label.
        clusters: (n,) cluster ids.
        levels: All categories, lowest first; None = those that occur.
        numbers: Whether categories are numbers, in their order.
    """
    n = same_length({"judge": judge, "labels": labels, "clusters": clusters})
    columns: list[Floats] | list[Texts]
    if numbers:
        columns = [floats(judge), floats(labels)]
        both = ~np.isnan(columns[0] + columns[1])
    elif levels is not None:
        columns = [coded(column, levels)[0] for column in (judge, labels)]
        both = ~np.isnan(columns[0] + columns[1])
    else:
        (said, has_verdict), (true, has_label) = categories(judge), categories(labels)
        columns, both = [said, true], has_verdict & has_label
    if not both.any():
        return "no row has both a verdict and a label"
    names, code = np.unique(np.stack([column[both] for column in columns]), return_inverse=True)
    code = code.reshape(2, -1).astype(np.int64)
    k = len(names)
    found: tuple[str, ...] = ()
    if levels is not None:
        code, k = names.astype(np.int64)[code], len(levels)
    else:
        found = tuple(map(str, names))
    members, count = codes(np.asarray(clusters)[both])
    return CrossTable(code[0], code[1], members, k, count, int(n - both.sum()), found)
