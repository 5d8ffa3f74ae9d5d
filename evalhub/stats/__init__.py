"""Estimates that say their n, clusters, interval and what was left out; pure functions of arrays."""

from evalhub.stats.agreement.kappa import accuracy, cohen_kappa
from evalhub.stats.bias.askings import Askings, Kind
from evalhub.stats.bias.biases import Bias, controlled, controlled_beyond_people, judge_biases, raw_rate
from evalhub.stats.bias.trivial import always_first, balanced_orders, coin, longer
from evalhub.stats.correlation.coefficients import Coefficient
from evalhub.stats.correlation.levels import Correlation, Level, correlate
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Interval, Options
from evalhub.stats.logit.effects import Effect
from evalhub.stats.logit.pooled import conditional_logit, pooled_logit, pooled_logit_difference
from evalhub.stats.means import mean_estimate
from evalhub.stats.paired import paired_difference
from evalhub.stats.people.calibration import Bin, brier, recalibrated, reliability
from evalhub.stats.people.cascade import (
    Cascade,
    Judged,
    Outcome,
    Promise,
    Threshold,
    decided_at,
    disagreement_bound,
    measure,
    set_thresholds,
)
from evalhub.stats.ranking.preference import (
    first_position_rate,
    flip_rate,
    mean_score,
    soft_win_rate,
    win_rate,
    win_values,
)

__all__ = [
    "Askings",
    "Bias",
    "Bin",
    "Cascade",
    "Coefficient",
    "Correlation",
    "Effect",
    "Estimate",
    "Interval",
    "Judged",
    "Kind",
    "Level",
    "Options",
    "Outcome",
    "Promise",
    "Threshold",
    "accuracy",
    "always_first",
    "balanced_orders",
    "brier",
    "cohen_kappa",
    "coin",
    "conditional_logit",
    "controlled",
    "controlled_beyond_people",
    "correlate",
    "decided_at",
    "disagreement_bound",
    "first_position_rate",
    "flip_rate",
    "judge_biases",
    "longer",
    "mean_estimate",
    "mean_score",
    "measure",
    "paired_difference",
    "pooled_logit",
    "pooled_logit_difference",
    "raw_rate",
    "recalibrated",
    "reliability",
    "set_thresholds",
    "soft_win_rate",
    "win_rate",
    "win_values",
]
