"""Differences in length, and the interval of a length-controlled win rate."""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Bools, Column, Floats, Ints, floats, same_length, within_bounds
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS
from evalhub.stats.intervals import NO_WIDTH, NOISE, TOO_FEW, Ends, no_ends, t_quantile, wilson

NO_SPREAD = "the length difference is the same on every item, so its effect cannot be told from strength"
LEAST_EVENTS = 6
FEW_EVENTS = f"wins or losses add up to less than {LEAST_EVENTS}"
ONE_VERDICT = "all verdicts are equal, so the effect of length cannot be told"


def standard_difference(lengths: Column, baseline: Column) -> Floats:
    """Return how much longer a response is than the baseline's, in standard deviations of that difference.

    Args:
        lengths: (n,) lengths, at least 0. None = missing.
        baseline: (n,) lengths of the baseline's responses, likewise.

    Returns:
        (n,) above 0 = longer than the baseline, not centred. NaN = missing. All 0 where the two never differ.
        All NaN where they differ by the same number throughout.

    Raises:
        InputError: The columns differ in length, or a length is negative.

    Example:
        >>> standard_difference([4, 2, 3], [2, 2, 2]).tolist()
        [2.0, 0.0, 1.0]
    """
    same_length({"lengths": lengths, "baseline": baseline})
    columns = [within_bounds(floats(column), (0, np.inf), "length") for column in (lengths, baseline)]
    gap = columns[0] - columns[1]
    present = gap[~np.isnan(gap)]
    spread = float(present.std(ddof=1)) if len(present) > 1 else 0.0
    if spread > NOISE * float(np.abs(present).max(initial=0)):
        return gap / spread
    return np.where(gap == 0, 0.0, np.nan)


def rate_ends(
    rate: float, influence: Floats, members: Ints, wins: Floats, fitted: Bools, *, extra_variance: float = 0.0
) -> Ends:
    """Make the interval of a fitted rate from the influence of each row.

    Args:
        rate: The rate, in [0, 1].
        influence: (n,) by how much each row pulls the rate up, to first order. The sum is about 0.
        members: (n,) cluster codes of the rows.
        wins: (n,) verdicts, in [0, 1].
        fitted: (n,) True where a row was fitted. Their clusters are the degrees of freedom plus 1.
        extra_variance: Variance that the rows cannot show, at least 0.

    Returns:
        Wilson's form with the effective number of observations, "sandwich-wilson-t". None below 3 clusters,
        where all verdicts are equal, and where wins or losses add up to less than `LEAST_EVENTS`.

    Source: Jaeckel, The infinitesimal jackknife, Bell Laboratories, 1972. Wilson, JASA 22, 1927.
    """
    count = len(np.unique(members[fitted]))
    if count < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    verdicts = wins[fitted]
    if np.all(verdicts == verdicts[0]):
        return no_ends(ONE_VERDICT)
    if min(float(verdicts.sum()), float((1 - verdicts).sum())) < LEAST_EVENTS:
        return no_ends(FEW_EVENTS)
    squares = float(np.sum(np.bincount(members, weights=influence) ** 2))
    variance = count / (count - 1) * squares + extra_variance
    room = rate * (1 - rate)
    if variance <= NOISE**2 or room <= NOISE:
        return no_ends(NO_WIDTH)
    low, high = wilson(rate, room / variance, t_quantile(CONFIDENCE, count - 1))
    return Ends(low, high, "sandwich-wilson-t", error=variance**0.5)


def inflated(residuals: Floats, leverage: Floats) -> Floats:
    """Undo the shrinkage of residuals that comes from fitting the same rows: residual / (1 - leverage).

    Args:
        residuals: Any shape.
        leverage: The same shape, in [0, 1): share of each row in its own fitted value.

    Returns:
        The same shape, as in the jackknife.

    Source: MacKinnon & White, Journal of Econometrics 29(3), 1985, 305-325 (HC3).
    """
    return np.asarray(residuals / (1 - np.clip(leverage, 0.0, 0.9)), dtype=np.float64)
