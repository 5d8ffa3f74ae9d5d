"""Rows of verdicts of which some carry a label of people: read, checked, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Ints, codes, floats, same_length

MIN_INCLUSION = 0.05
MIN_LABELLED = 25
FEW_LABELLED = f"fewer than {MIN_LABELLED} labelled clusters"


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that have a verdict, and which of them are asked about and labelled.

    Attributes:
        labels: (n,) labels; 0 where there is none.
        verdicts: (n,) verdicts, finite.
        asked: (n,) True where the row is of the system that is estimated.
        shares: (n,) weight of each labelled row, summing to 1; 0 where there is no label to use.
        members: (n,) cluster codes.
        clusters: Number of clusters.
        labelled_clusters: Clusters with a label to use.
        left_out: Rows of the system without a verdict, and rows of other systems.
        transported: Why labels of other systems stand in; None where the labels are the system's own.
        reason: Why nothing can be estimated; None otherwise.
    """

    labels: Floats
    verdicts: Floats
    asked: Bools
    shares: Floats
    members: Ints
    clusters: int
    labelled_clusters: int
    left_out: int
    transported: str | None
    reason: str | None

    @property
    def labelled(self) -> Bools:
        """(n,) True where a label is used."""
        return self.shares > 0

    @property
    def outside(self) -> float:
        """Share of the rows asked about whose verdict lies outside the range of the labelled ones."""
        seen, asked = self.verdicts[self.labelled], self.verdicts[self.asked]
        return float(np.mean((asked < seen.min()) | (asked > seen.max())))


@dataclass(frozen=True, slots=True)
class Labelling:
    """Where the labels come from.

    Args:
        inclusion: (n,) probability with which each row was sampled for labelling, in [.05, 1], stored with
            the label; read on labelled rows alone. None = every row had the same.
        systems: (n,) the system whose answer each row is; None = all are of one system.
        target: The system to estimate; needed exactly with `systems`.

    Raises:
        InputError: One of `systems` and `target` is given without the other.
    """

    inclusion: Column | None = None
    systems: Column | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        if (self.systems is None) != (self.target is None):
            raise InputError("systems and target are given together or not at all", value=self.target)


PLAIN = Labelling()


def read_frame(labels: Column, judge: Column, clusters: Column, design: Labelling) -> Frame:
    """Read the columns and find the labels that may be used.

    Args:
        labels: (n,) labels of people; None = not labelled.
        judge: (n,) verdicts; None = none, such a row is left out.
        clusters: (n,) cluster ids.
        design: Where the labels come from.

    Returns:
        The frame; labels of other systems are used only where the target has none, and that is flagged.

    Raises:
        InputError: The columns differ in length, or an inclusion probability lies outside [.05, 1].

    Example:
        >>> frame = read_frame([1, None, 0], [1, 1, None], ["a", "b", "c"], PLAIN)
        >>> frame.labelled.tolist(), frame.left_out
        ([True, False], 1)
    """
    columns = {"labels": labels, "judge": judge, "clusters": clusters}
    given = {"inclusion": design.inclusion, "systems": design.systems}
    n = same_length(columns | {name: column for name, column in given.items() if column is not None})
    true, said = floats(labels), floats(judge)
    names = np.full(n, "") if design.systems is None else np.asarray(design.systems).astype(np.str_)
    own = names == (design.target or "")
    usable = ~np.isnan(true) & ~np.isnan(said)
    transported = None
    if (usable & own).any() or not usable.any():
        usable &= own
    else:
        others = ", ".join(sorted(set(names[usable].tolist()))[:3])
        transported = f"no labels of {design.target}: those of {others} stand in"
    weights, missing = _weights(design.inclusion, usable)
    kept = ~np.isnan(said) & (own | usable)
    members, count = codes(np.asarray(clusters)[kept])
    total = float(weights.sum())
    shares = (weights / total if total > 0 else weights)[kept]
    few = len(np.unique(members[shares > 0]))
    reason = missing or _reason(bool((own & kept).any()), bool((~np.isnan(true)).any()), few)
    return Frame(
        np.where(usable, true, 0.0)[kept],
        said[kept],
        own[kept],
        shares,
        members,
        count,
        few,
        n - int(kept.sum()),
        transported,
        reason,
    )


def check_bounds(frame: Frame, bounds: tuple[float, float] | None) -> None:
    """Refuse labels that lie outside their bounds.

    Args:
        frame: The rows.
        bounds: Lowest and highest label there can be; None = not known.

    Raises:
        InputError: A label lies outside.
    """
    used = frame.labels[frame.labelled]
    if bounds is not None and used.size and not bounds[0] <= used.min() <= used.max() <= bounds[1]:
        strange = used[(used < bounds[0]) | (used > bounds[1])]
        raise InputError("a label lies outside its bounds", value=float(strange[0]), allowed=str(bounds))


def _reason(asked: bool, labels: bool, clusters: int) -> str | None:
    if not asked:
        return "no verdict was given"
    if not clusters:
        return "no row has both a verdict and a label" if labels else "nothing was labelled"
    return "fewer than 3 labelled clusters" if clusters < 3 else None


def _weights(inclusion: Column | None, labelled: Bools) -> tuple[Floats, str | None]:
    """Return 1 / probability on labelled rows, and the reason where some of them lack it."""
    if inclusion is None:
        return labelled.astype(np.float64), None
    chance = floats(inclusion)
    given = chance[labelled & ~np.isnan(chance)]
    strange = given[(given < MIN_INCLUSION - 1e-12) | (given > 1 + 1e-12)]
    if strange.size:
        raise InputError(
            "an inclusion probability is out of range",
            value=float(strange[0]),
            allowed=f"{MIN_INCLUSION} to 1",
        )
    if (labelled & np.isnan(chance)).any():
        return np.zeros(len(labelled)), "a label lacks the probability with which its row was sampled"
    return np.where(labelled, 1 / np.where(labelled, chance, 1.0), 0.0), None
