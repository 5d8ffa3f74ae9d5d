"""The interval of a coefficient over n independent points, such as the means of a dozen systems.

A bootstrap of so few points is too narrow. Pearson and Spearman: Fisher's z. Kendall: the score interval, all
values of tau from which the observed one is no further than its standard error there allows. Near ±1 Fisher's
z with the usual constant variance falls to 77%. Both assume that the points are drawn from a bivariate normal
distribution, up to a monotone change of scale for the rank coefficients.
"""

from __future__ import annotations

import numpy as np

from evalhub.stats.correlation.coefficients import Coefficient
from evalhub.stats.estimate import CONFIDENCE
from evalhub.stats.intervals import NOISE, Ends, no_ends, z_quantile

LEAST = {Coefficient.PEARSON: 4, Coefficient.SPEARMAN: 6, Coefficient.KENDALL: 6}


def point_interval(kind: Coefficient, value: float, n: int) -> Ends:
    """Make the interval of a coefficient over independent points.

    Args:
        kind: Which coefficient.
        value: The coefficient, in [-1, 1].
        n: Points.

    Returns:
        The ends, method "fisher-z" or, for Kendall, "kendall-score". None below 4 points (Pearson) or 6 (the
        others), nor for a Pearson or Spearman of ±1.

    Source: Bonett & Wright, Psychometrika 65(1), 2000, 23-28 (variances of atanh: 1 / (n - 3) for Pearson,
        (1 + r² / 2) / (n - 3) for Spearman).

    Example:
        >>> ends = point_interval(Coefficient.PEARSON, 0.5, 28)
        >>> round(ends.low, 3), round(ends.high, 3)
        (0.156, 0.736)
    """
    if n < LEAST[kind]:
        return no_ends(f"fewer than {LEAST[kind]} points for an interval of {kind}")
    quantile = z_quantile(CONFIDENCE)
    if kind is Coefficient.KENDALL:
        low, high = (_kendall_end(value, n, side * quantile) for side in (-1, 1))
        return Ends(low, high, "kendall-score")
    if abs(value) >= 1 - NOISE:
        return no_ends("the coefficient is 1 or -1, where the Fisher z interval has no width")
    spread = 1 + value**2 / 2 if kind is Coefficient.SPEARMAN else 1.0
    z, half = np.arctanh(value), quantile * (spread / (n - 3)) ** 0.5
    error = (1 - value**2) * (spread / (n - 3)) ** 0.5
    return Ends(float(np.tanh(z - half)), float(np.tanh(z + half)), "fisher-z", error=error)


def kendall_error(tau: float, n: int) -> float:
    """Return the standard error of Kendall's tau of n draws from a bivariate normal distribution.

    Args:
        tau: The true value, in [-1, 1].
        n: Points, at least 2.

    Returns:
        The exact standard deviation of the observed value, at least 0.

    Source: Esscher, Skandinavisk Aktuarietidskrift 7, 1924, 201-219. Greiner's relation r = sin(π tau / 2).
    """
    inner = np.arcsin(normal_correlation(Coefficient.KENDALL, tau) / 2)
    variance = 2 / (n * (n - 1)) * (1 - tau**2 + 2 * (n - 2) * (1 / 9 - 4 * inner**2 / np.pi**2))
    return float(max(0.0, variance) ** 0.5)


def normal_correlation(kind: Coefficient, value: float) -> float:
    """Return Pearson's correlation of a bivariate normal distribution from another of its coefficients.

    Args:
        kind: Which coefficient `value` is.
        value: The coefficient, in [-1, 1].

    Returns:
        The correlation, in [-1, 1].

    Source: Greiner's relation (Kendall) and Pearson's (Spearman): Kruskal, JASA 53, 1958, 814-861.
    """
    if kind is Coefficient.KENDALL:
        return float(np.sin(np.pi * value / 2))
    return float(2 * np.sin(np.pi * value / 6)) if kind is Coefficient.SPEARMAN else value


def _kendall_end(value: float, n: int, quantile: float) -> float:
    from scipy import optimize

    limit = float(np.sign(quantile))
    if limit * value >= 1 - NOISE:
        return limit
    # At ±1 the standard error is 0. That is a root, but not the end of the interval.
    start = float(np.clip(value, -1 + 1e-9, 1 - 1e-9))
    return float(optimize.brentq(lambda tau: tau - value - quantile * kendall_error(tau, n), start, limit))
