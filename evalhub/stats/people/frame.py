"""Labelled samples: rows of verdicts of which some have a label of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import (
    Bools,
    Column,
    Floats,
    Ints,
    codes,
    floats,
    same_length,
    take,
    within_bounds,
)

MIN_INCLUSION = 0.05
MIN_LABELLED = 25
FEW_LABELLED = f"fewer than {MIN_LABELLED} labelled clusters"


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that have a verdict, of which some have a label.

    Attributes:
        labels: (n,) labels. 0 where there is none.
        verdicts: (n,) verdicts, finite.
        shares: (n,) weight of each labelled row, summing to 1. 0 where there is no label.
        members: (n,) cluster codes.
        clusters: Number of clusters.
        labelled_clusters: Clusters with a label.
        n_excluded: Rows without a verdict.
        reason: Why nothing can be estimated. None otherwise.
    """

    labels: Floats
    verdicts: Floats
    shares: Floats
    members: Ints
    clusters: int
    labelled_clusters: int
    n_excluded: int
    reason: str | None

    @property
    def labelled(self) -> Bools:
        """(n,) True where a label is present."""
        return self.shares > 0

    @property
    def outside(self) -> float:
        """Share of the rows whose verdict lies outside the range of the labelled verdicts."""
        range_of = self.verdicts[self.labelled]
        return float(np.mean((self.verdicts < range_of.min()) | (self.verdicts > range_of.max())))


def read_frame(labels: Column, judge: Column, clusters: Column, inclusion: Column | None = None) -> Frame:
    """Read the columns, and find the labels that count.

    Args:
        labels: (n,) labels of people. None = not labelled.
        judge: (n,) verdicts. None = no verdict, the row is left out.
        clusters: (n,) cluster ids.
        inclusion: (n,) probability with which each row was sampled for labelling, in [.05, 1], stored with
            the label. It is read on labelled rows only. None = all rows had the same probability.

    Returns:
        The labelled sample.

    Raises:
        InputError: The columns differ in length, or an inclusion probability lies outside [.05, 1].
    """
    columns = {"labels": labels, "judge": judge, "clusters": clusters}
    n = same_length(columns if inclusion is None else columns | {"inclusion": inclusion})
    truth, verdicts = floats(labels), floats(judge)
    has_verdict = ~np.isnan(verdicts)
    usable = ~np.isnan(truth) & has_verdict
    weights, missing = _weights(inclusion, usable)
    members, count = codes(take(clusters, has_verdict))
    total = float(weights.sum())
    shares = (weights / total if total > 0 else weights)[has_verdict]
    labelled_clusters = len(np.unique(members[shares > 0]))
    reason = missing or _reason(bool(has_verdict.any()), bool((~np.isnan(truth)).any()), labelled_clusters)
    return Frame(
        np.where(usable, truth, 0.0)[has_verdict],
        verdicts[has_verdict],
        shares,
        members,
        count,
        labelled_clusters,
        n - int(has_verdict.sum()),
        reason,
    )


def check_bounds(frame: Frame, bounds: tuple[float, float] | None) -> None:
    """Refuse labels that lie outside their bounds.

    Raises:
        InputError: A label lies outside.
    """
    if bounds is not None:
        within_bounds(frame.labels[frame.labelled], bounds, "label")


def _reason(verdicts: bool, labels: bool, clusters: int) -> str | None:
    if not verdicts:
        return "no verdict was given"
    if not clusters:
        return "no row has both a verdict and a label" if labels else "nothing was labelled"
    return "fewer than 3 labelled clusters" if clusters < 3 else None


def _weights(inclusion: Column | None, labelled: Bools) -> tuple[Floats, str | None]:
    """Return 1 / probability on labelled rows, and the reason where some of them lack it."""
    if inclusion is None:
        return labelled.astype(np.float64), None
    chance = floats(inclusion)
    present = chance[labelled & ~np.isnan(chance)]
    strange = present[(present < MIN_INCLUSION - 1e-12) | (present > 1 + 1e-12)]
    if strange.size:
        raise InputError(
            "an inclusion probability is out of range",
            value=float(strange[0]),
            allowed=f"{MIN_INCLUSION} to 1",
        )
    if (labelled & np.isnan(chance)).any():
        return np.zeros(len(labelled)), "a label lacks the probability with which its row was sampled"
    return np.where(labelled, 1 / np.where(labelled, chance, 1.0), 0.0), None
