"""Estimates of several systems from the same clusters, with the influence of each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, Ints, categories, codes, floats, same_length, take


@dataclass(frozen=True, slots=True, eq=False)
class SystemEstimates:
    """One number per system, higher = better, with the influence of each cluster.

    Args:
        systems: Their ids, sorted.
        values: (S,) estimates.
        influence: (G, S) by how much each falls when a cluster is left out. The variance of any weighted sum
            of estimates is the same sum of the columns, squared and summed, times (G - 1) / G.
        entries: (S,) number of clusters of each system.

    Raises:
        InputError: The shapes do not fit, or a number is not finite.
    """

    systems: tuple[str, ...]
    values: Floats
    influence: Floats
    entries: Ints

    def __post_init__(self) -> None:
        size = len(self.systems)
        shapes = (self.values.shape, self.influence.shape[1:], self.entries.shape)
        if self.influence.ndim != 2 or any(shape != (size,) for shape in shapes):
            raise InputError("a value, an influence and an entry per system are needed", value=shapes)
        if not (np.isfinite(self.values).all() and np.isfinite(self.influence).all()):
            raise InputError("the estimates of systems are finite")

    @property
    def covariance(self) -> Floats:
        """(S, S) covariance of the estimates."""
        groups = max(1, len(self.influence))
        return np.asarray(self.influence.T @ self.influence * ((groups - 1) / groups), dtype=np.float64)


def system_means(values: Column, systems: Column, clusters: Column) -> SystemEstimates:
    """Return the mean of each system, such as a win rate against one baseline or a mean score.

    Args:
        values: (n,) numbers, higher = better. None = missing, left out.
        systems: (n,) system ids. None = missing.
        clusters: (n,) cluster ids. Systems share clusters where they answered the same items.

    Returns:
        The estimates of the systems that have a value.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> estimates = system_means([1, 0, 1, 1], ["x", "x", "y", "y"], ["q1", "q2", "q1", "q2"])
        >>> estimates.systems, estimates.values.tolist(), estimates.influence[:, 0].tolist()
        (('x', 'y'), [0.5, 1.0], [0.5, -0.5])
    """
    same_length({"values": values, "systems": systems, "clusters": clusters})
    numbers, (names, has_name) = floats(values), categories(systems)
    present = has_name & ~np.isnan(numbers)
    members, groups = codes(take(clusters, present))
    numbers, (places, size) = numbers[present], codes(names[present])
    cells = members * size + places
    counts = np.bincount(cells, minlength=groups * size).reshape(groups, size)
    sums = np.bincount(cells, weights=numbers, minlength=groups * size).reshape(groups, size)
    total = counts.sum(axis=0)
    means = sums.sum(axis=0) / total
    remaining = np.maximum(total - counts, 1)
    return SystemEstimates(
        tuple(np.unique(names[present]).tolist()),
        means,
        (sums - counts * means) / remaining,
        (counts > 0).sum(axis=0),
    )
