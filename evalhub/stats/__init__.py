"""Estimates with their n, clusters, interval and what was left out: pure functions of arrays."""

from evalhub.stats.agreement.alpha import Measurement, gwet_ac1, krippendorff_alpha
from evalhub.stats.agreement.alternative import Alignment, AlternativeTest, alternative_test
from evalhub.stats.agreement.annotators import SLOTS, AgreementMeasure, ceiling, leave_one_out
from evalhub.stats.agreement.dawid_skene import DawidSkene, dawid_skene
from evalhub.stats.agreement.kappa import Weights, accuracy, balanced_accuracy, cohen_kappa
from evalhub.stats.agreement.macro import macro_f1, macro_precision
from evalhub.stats.balanced import balanced_difference
from evalhub.stats.bias.askings import Askings, BiasKind, covariates
from evalhub.stats.bias.baselines import always_first, balanced_orders, coin, longer
from evalhub.stats.bias.biases import controlled, controlled_beyond_people, raw_rate
from evalhub.stats.correlation.coefficients import Coefficient
from evalhub.stats.correlation.difference import correlation_difference
from evalhub.stats.correlation.granularity import Granularity, correlate
from evalhub.stats.correlation.ranking_accuracy import ranking_accuracy, system_accuracy
from evalhub.stats.estimate import Estimate
from evalhub.stats.logit.effects import Effect
from evalhub.stats.logit.pooled import pooled_logit, pooled_logit_difference
from evalhub.stats.means import mean_estimate
from evalhub.stats.paired import paired_difference
from evalhub.stats.people.calibrated import calibrated_mean
from evalhub.stats.people.calibration import (
    brier,
    calibration_map,
    recalibrated,
    reliability,
    squared_error,
    squared_error_change,
)
from evalhub.stats.people.cascade import (
    Promise,
    StageOutcome,
    StageVerdicts,
    decided_at,
    disagreement_bound,
    evaluate_cascade,
    set_thresholds,
)
from evalhub.stats.people.isotonic import IsotonicMap
from evalhub.stats.people.labels_needed import labels_needed, pilot
from evalhub.stats.people.misclassification import corrected_share
from evalhub.stats.people.powered import Powered, powered_difference, powered_mean
from evalhub.stats.people.sampling import labelling_queue
from evalhub.stats.ranking.bands import rank_bands
from evalhub.stats.ranking.beats import p_beats
from evalhub.stats.ranking.bradley_terry import bradley_terry
from evalhub.stats.ranking.joint_length import JointLengthControl, joint_length_controlled
from evalhub.stats.ranking.matches import Matches
from evalhub.stats.ranking.preference import first_position_rate, flip_rate, win_values
from evalhub.stats.ranking.ranks import rank_intervals
from evalhub.stats.ranking.sensitivity import ranking_changes
from evalhub.stats.ranking.shared import Shared, shared_units
from evalhub.stats.ranking.system_estimates import SystemEstimates, system_means
from evalhub.stats.ridge.ordinal import (
    LevelShares,
    OrdinalFit,
    fit_ordinal,
    level_log_probabilities,
    level_shares,
)
from evalhub.stats.ridge.preferences import (
    PreferenceFit,
    Preferences,
    check_sides,
    divergences,
    fit_preferences,
    mean_loss,
    project_out,
    side_share,
)
from evalhub.stats.ridge.selection import (
    Outcomes,
    RidgeCandidate,
    RidgeSelection,
    choose_ridge,
    cluster_folds,
)
from evalhub.stats.testing.bounds import WorstCase, worst_case, worst_case_difference
from evalhub.stats.testing.comparison import Comparison
from evalhub.stats.testing.control_chart import ControlChart, chart_limit
from evalhub.stats.testing.control_limits import control_limits
from evalhub.stats.testing.gate import GateState, Interval, decide, holm_changes
from evalhub.stats.testing.inversion import p_from_interval
from evalhub.stats.testing.margin import MarginFinding, finding
from evalhub.stats.testing.matching import Matching
from evalhub.stats.testing.multiplicity import adjusted
from evalhub.stats.testing.paired import mean_difference, paired_comparison
from evalhub.stats.testing.power import ClusterDesign, Planned, clusters_needed, planned, power_at
from evalhub.stats.testing.racing import RaceLook, race_look
from evalhub.stats.testing.sequential import Sequential, sequential_comparison

__all__ = [
    "SLOTS", "AgreementMeasure", "Alignment", "AlternativeTest", "Askings", "BiasKind", "ClusterDesign",
    "Coefficient", "Comparison", "ControlChart", "DawidSkene", "Effect", "Estimate", "GateState",
    "Granularity", "Interval", "IsotonicMap", "JointLengthControl", "LevelShares", "MarginFinding",
    "Matches", "Matching", "Measurement", "OrdinalFit", "Outcomes", "Planned", "Powered", "PreferenceFit",
    "Preferences", "Promise", "RaceLook", "RidgeCandidate", "RidgeSelection", "Sequential", "Shared",
    "StageOutcome", "StageVerdicts", "SystemEstimates", "Weights", "WorstCase", "accuracy", "adjusted",
    "alternative_test", "always_first", "balanced_accuracy", "balanced_difference", "balanced_orders",
    "bradley_terry", "brier", "calibrated_mean", "calibration_map", "ceiling", "chart_limit", "check_sides",
    "choose_ridge", "cluster_folds", "clusters_needed", "cohen_kappa", "coin", "control_limits",
    "controlled", "controlled_beyond_people", "corrected_share", "correlate", "correlation_difference",
    "covariates", "dawid_skene", "decide", "decided_at", "disagreement_bound", "divergences",
    "evaluate_cascade", "finding", "first_position_rate", "fit_ordinal", "fit_preferences", "flip_rate",
    "gwet_ac1", "holm_changes", "joint_length_controlled", "krippendorff_alpha", "labelling_queue",
    "labels_needed", "leave_one_out", "level_log_probabilities", "level_shares", "longer", "macro_f1",
    "macro_precision", "mean_difference", "mean_estimate", "mean_loss", "p_beats", "p_from_interval",
    "paired_comparison", "paired_difference", "pilot", "planned", "pooled_logit", "pooled_logit_difference",
    "power_at", "powered_difference", "powered_mean", "project_out", "race_look", "rank_bands",
    "rank_intervals", "ranking_accuracy", "ranking_changes", "raw_rate", "recalibrated", "reliability",
    "sequential_comparison", "set_thresholds", "shared_units", "side_share", "squared_error",
    "squared_error_change", "system_accuracy", "system_means", "win_values", "worst_case",
    "worst_case_difference",
]  # fmt: skip
