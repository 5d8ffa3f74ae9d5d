"""The p-value of an estimate that has a standard error, where no test of its own exists."""

from __future__ import annotations

from evalhub.stats.estimate import MIN_CLUSTERS, Estimate


def wald_p(estimate: Estimate, null: float = 0.0) -> float | None:
    """Return the two-sided p-value of an estimate against a value, by its standard error.

    Choose a permutation test where there is one: this one holds as far as the estimate is close to normal.

    Args:
        estimate: The estimate.
        null: The value under the hypothesis, in the unit of the estimate.

    Returns:
        The p-value in (0, 1], from Student's t with the clusters minus one as degrees of freedom. None
        without a standard error above 0, or below 3 clusters.

    Source: Wald, Transactions of the AMS 54, 1943, 426-482. Bell & McCaffrey, Survey Methodology 28(2), 2002.

    Example:
        >>> share = Estimate(0.7, 0.5, 0.9, 0.95, "wilson", 20, 20, 0, None, standard_error=0.1)
        >>> round(wald_p(share, 0.5), 3)
        0.06
    """
    from scipy import special

    error = estimate.standard_error
    if estimate.estimate is None or not error or estimate.clusters < MIN_CLUSTERS:
        return None
    distance = abs(estimate.estimate - null) / error
    p = 2 * float(special.stdtr(estimate.clusters - 1, -distance))
    return max(p, 5e-324)
