"""The p-value of an estimate by its interval, where no test of its own exists."""

from __future__ import annotations

from evalhub.stats.estimate import MIN_CLUSTERS, Estimate

_SMALLEST = 5e-324


def p_from_interval(estimate: Estimate, null: float = 0.0) -> float | None:
    """Return the two-sided p-value of an estimate against a value, by inverting its interval.

    It is below 1 - confidence exactly where the interval leaves the value out. Further out it assumes that
    the distance to the interval's nearer end grows with the quantile as Student's t does. Choose a
    permutation test where there is one.

    Args:
        estimate: The estimate.
        null: The value under the hypothesis, in the unit of the estimate.

    Returns:
        The p-value in (0, 1], from Student's t with the clusters minus one as degrees of freedom. None
        without an interval, below 3 clusters, and where the interval has no width towards the value.

    Source: Casella & Berger, Statistical Inference, 2002, section 9.2 (tests and intervals).

    Example:
        >>> share = Estimate(0.7, 0.5, 0.9, 0.95, "wilson", 20, 20, 0, None)
        >>> round(p_from_interval(share, 0.5), 3)
        0.05
    """
    from scipy import special

    value, low, high = estimate.estimate, estimate.low, estimate.high
    if value is None or low is None or high is None or estimate.clusters < MIN_CLUSTERS:
        return None
    reach = value - low if value > null else high - value
    if value == null:
        return 1.0
    if reach <= 0:
        return None
    freedom = estimate.clusters - 1
    critical = float(special.stdtrit(freedom, (1 + estimate.confidence) / 2))
    p = 2 * float(special.stdtr(freedom, -critical * abs(value - null) / reach))
    return max(p, _SMALLEST)
