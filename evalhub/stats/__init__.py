"""Estimates that say their n, clusters, interval and what was left out; pure functions of arrays."""

from evalhub.stats.agreement import accuracy, cohen_kappa
from evalhub.stats.coefficients import Coefficient
from evalhub.stats.correlation import Correlation, Level, correlate
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Interval, Options
from evalhub.stats.means import mean_estimate
from evalhub.stats.preference import (
    first_position_rate,
    flip_rate,
    mean_score,
    soft_win_rate,
    win_rate,
    win_values,
)
from evalhub.stats.trivial import always_first, balanced_orders, coin, longer

__all__ = [
    "Coefficient",
    "Correlation",
    "Estimate",
    "Interval",
    "Level",
    "Options",
    "accuracy",
    "always_first",
    "balanced_orders",
    "cohen_kappa",
    "coin",
    "correlate",
    "first_position_rate",
    "flip_rate",
    "longer",
    "mean_estimate",
    "mean_score",
    "soft_win_rate",
    "win_rate",
    "win_values",
]
