"""Means and proportions of clustered observations.

The rule for the interval:

- values with bounds, all of them at a bound, one row per cluster: Wilson ("wilson");
- other values with bounds: Wilson with the effective number of observations m(1 - m) / v, where v is the
  cluster-robust variance CR2, and Student's t ("wilson-cluster-t"). If a mean at a bound has no variance, the
  clusters count as the observations of Wilson's interval;
- values without bounds: mean ± t · sqrt(CR2) ("cluster-t").

Degrees of freedom are Bell and McCaffrey's, or fewer where a handful of clusters make up the variance. At 30
clusters this covers 95% where the percentile bootstrap and the plain t interval fall to 80% near a bound.
"""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length, take, within_bounds
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    no_ends,
    spread_freedom,
    t_quantile,
    wilson,
    with_ends,
    z_quantile,
)


def mean_estimate(
    values: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate a mean over rows that come in clusters: a win rate, an accuracy, a mean score.

    Give `bounds` wherever the values have them: the interval then stays within them and covers better.

    Args:
        values: (n,) numbers. None, NaN and infinite are missing, left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest possible value. None = no bounds.
        confidence: Level of the interval, in (0, 1).

    Returns:
        The mean of the rows, in the values' own unit, its interval within `bounds`. None without any value.

    Raises:
        InputError: The columns differ in length, or a value lies outside `bounds`.

    Source: Wilson, JASA 22, 1927. Bell & McCaffrey, Survey Methodology 28(2), 2002 (CR2 and its degrees of
        freedom). Korn & Graubard, Survey Methodology 24(2), 1998 (effective number of observations).

    Example:
        >>> win = mean_estimate([1, 1, 0, 1], ["q1", "q2", "q3", "q4"], bounds=(0, 1))
        >>> win.estimate, round(win.low, 3), round(win.high, 3), win.method
        (0.75, 0.301, 0.954, 'wilson')
    """
    same_length({"values": values, "clusters": clusters})
    numbers = floats(values)
    present = ~np.isnan(numbers)
    n_excluded = int(len(numbers) - present.sum())
    numbers = numbers[present]
    if bounds is not None:
        numbers = within_bounds(numbers, bounds)
    members, count = codes(take(clusters, present))
    if not len(numbers):
        return Estimate.none("nothing was measured", n_excluded=n_excluded)
    ends = _ends(numbers, members, bounds, confidence)
    return with_ends(
        float(numbers.mean()),
        ends,
        n=len(numbers),
        clusters=count,
        n_excluded=n_excluded,
        confidence=confidence,
    )


def _ends(values: Floats, members: Ints, bounds: tuple[float, float] | None, confidence: float) -> Ends:
    clusters = int(members.max()) + 1
    if clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    variance, freedom = cluster_variance(values, members)
    if variance <= (NOISE * max(1.0, float(np.abs(values).max()))) ** 2:
        variance = 0.0
    if bounds is not None:
        return _bounded(values, members, bounds, (variance, freedom), confidence)
    if variance == 0.0:
        return no_ends(NO_WIDTH)
    mean, half = float(values.mean()), t_quantile(confidence, freedom) * variance**0.5
    return Ends(mean - half, mean + half, "cluster-t", error=variance**0.5)


def _bounded(
    values: Floats,
    members: Ints,
    bounds: tuple[float, float],
    spread: tuple[float, float],
    confidence: float,
) -> Ends:
    """Return Wilson's interval of values with bounds, from their variance and its degrees of freedom."""
    low, high = bounds
    scale = high - low
    clusters = int(members.max()) + 1
    share = float(np.clip((values.mean() - low) / scale, 0.0, 1.0))
    variance, freedom = spread[0] / scale**2, spread[1]
    binary = bool(np.all((values == low) | (values == high)))
    if variance == 0.0 and min(share, 1 - share) > NOISE:
        return no_ends(NO_WIDTH)
    if variance == 0.0 or (binary and clusters == len(values)):
        ends, method = wilson(share, clusters, z_quantile(confidence)), "wilson"
    else:
        effective = share * (1 - share) / variance
        ends, method = wilson(share, effective, t_quantile(confidence, freedom)), "wilson-cluster-t"
    error = spread[0] ** 0.5 if variance > 0 else None
    return Ends(low + scale * ends[0], low + scale * ends[1], method, error=error)


def cluster_variance(values: Floats, members: Ints) -> tuple[float, float]:
    """Estimate the variance of a mean from the sums of residuals in each cluster (CR2).

    Args:
        values: (n,) finite numbers.
        members: (n,) cluster codes 0 … k-1, k at least 2.

    Returns:
        The variance of the mean, and its degrees of freedom in (0, k - 1]: Bell-McCaffrey's, or 2 v² / var(v)
        by the kurtosis of the clusters' sums where that is less. With clusters of equal size this is the
        variance of the cluster means over k.

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002, for a regression on a constant. Satterthwaite,
        Biometrics Bulletin 2(6), 1946 (degrees of freedom by the variance of a variance).

    Example:
        >>> variance, freedom = cluster_variance(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]))
        >>> round(variance, 6), round(freedom, 6)
        (0.333333, 2.0)
    """
    n = len(values)
    sizes = np.bincount(members).astype(np.float64)
    residuals = np.bincount(members, weights=values - values.mean()).astype(np.float64)
    inflation = 1 / (1 - sizes / n)
    variance = float(np.sum(inflation * residuals**2)) / n**2
    cross = inflation * sizes**2 / n**2
    # tr(K)^2 / tr(K^2) with K the covariance of the adjusted residual sums, times n in each factor.
    trace = float(np.sum((sizes / n) ** 2) + cross.sum() ** 2 - np.sum(cross**2))
    return variance, min(1 / trace, spread_freedom(residuals))
